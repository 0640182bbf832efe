"""Who may call what: bearer keys, scopes, and the organization a key belongs to."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from chainsvc.api.given import Service
from chainsvc.api.ports import Caller, Scope, ServicePort
from chainsvc.errors import AccessDenied, Forbidden
from chainsvc.record import LedgerName

CALLER = "chainsvc.caller"
"""Where the caller stands in the ASGI scope, for the access log."""

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    bearerFormat="csk_<id>_<secret>",
    description="机构的接口密钥 / an organization's API key: `Authorization: Bearer csk_<id>_<secret>`",
)
_HINT = "Send the header Authorization: Bearer csk_<id>_<secret>; the operator gives out keys."


async def caller_of(scope: MutableMapping[str, Any], token: str | None, service: ServicePort) -> Caller:
    """Return the caller of a token, and leave it in the ASGI scope.

    Raises:
        AccessDenied: No token, or not a known one.
    """
    if not token:
        raise AccessDenied("this call needs an API key", hint=_HINT)
    caller = await run_in_threadpool(service.authenticate, token)
    scope[CALLER] = caller
    return caller


async def _caller(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)], service: Service
) -> Caller:
    """Return the caller of the request's key."""
    return await caller_of(request.scope, None if credentials is None else credentials.credentials, service)


AnyCaller = Annotated[Caller, Depends(_caller)]


def require(caller: Caller, *scopes: Scope) -> Caller:
    """Return the caller when it holds one of the scopes.

    Raises:
        Forbidden: It holds none of them.
    """
    if caller.scopes.isdisjoint(scopes):
        raise Forbidden(
            "the key lacks the scope for this",
            expected=" or ".join(scopes),
            got=", ".join(sorted(caller.scopes)) or "none",
            hint="Ask the operator for a key with that scope.",
        )
    return caller


def holding(*scopes: Scope) -> Callable[[Caller], Awaitable[Caller]]:
    """Return a dependency that lets callers pass who hold one of the scopes; it costs no thread."""

    async def check(caller: AnyCaller) -> Caller:
        """Check the scopes."""
        return require(caller, *scopes)

    return check


Notarizer = Annotated[Caller, Depends(holding(Scope.NOTARIZE))]
Reader = Annotated[Caller, Depends(holding(Scope.READ, Scope.AUDIT))]
StandingChanger = Annotated[Caller, Depends(holding(Scope.STANDING))]
Eraser = Annotated[Caller, Depends(holding(Scope.ERASE))]
WebhookKeeper = Annotated[Caller, Depends(holding(Scope.WEBHOOK))]
LedgerKeeper = Annotated[Caller, Depends(holding(Scope.LEDGER))]


def own(caller: Caller, ledger: LedgerName) -> None:
    """Let a caller act on its own organization's ledgers only.

    Raises:
        Forbidden: The key is another organization's.
    """
    if caller.uscc != ledger.uscc:
        raise Forbidden(
            "the key belongs to another organization than the ledger",
            expected=f"a key of {ledger.uscc}",
            got=f"a key of {caller.uscc}",
        )


def may_read(caller: Caller, ledger: LedgerName) -> bool:
    """Whether :func:`readable` lets the caller pass; others see what the chain publishes and no more."""
    return Scope.AUDIT in caller.scopes or caller.uscc == ledger.uscc


def readable(caller: Caller, ledger: LedgerName) -> None:
    """Let a caller read its own organization's ledgers, and with the scope ``audit`` all.

    Raises:
        Forbidden: The key is another organization's.
    """
    if not may_read(caller, ledger):
        own(caller, ledger)


def disclosing(caller: Caller) -> None:
    """Let a caller see the content of records.

    Raises:
        Forbidden: The key lacks the scope ``disclose``.
    """
    require(caller, Scope.DISCLOSE)
