"""Around every request: its id in and out, one log line, one observation, and a net for what nobody foresaw."""

import logging
import re
import time
from uuid import uuid4

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chainsvc.api.auth import CALLER
from chainsvc.api.problems import REQUEST_ID, unforeseen
from chainsvc.logs import bind_contextvars, clear_contextvars, get_logger
from chainsvc.metrics import HTTP_REQUEST_SECONDS

HEADER = "X-Request-Id"
"""Taken from the caller where it is 1 to 64 letters, digits, dots, dashes or underscores; else made here."""

_HEADER = HEADER.lower().encode()
_USUAL = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
"""Headers of every answer that has no own ones."""

_GIVEN = re.compile(r"[0-9A-Za-z._-]{1,64}")
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_log = get_logger("chainsvc.api")
_told = logging.getLogger("chainsvc.api")  # what it is asked by: a logger that was never set up has no level


class RequestContext:
    """ASGI middleware; outermost, so that its log line is the last word on a request."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the app."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = scope[REQUEST_ID] = _request_id(scope)
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        watched = _Watched(send, request_id)
        started = time.perf_counter()
        try:
            await self.app(scope, receive, watched.send)
        except ClientDisconnect:  # in the middle of its body: nothing was stored, and nobody is there to be told
            _log.info("client_gone")
        except Exception as error:
            _log.exception("request_failed", error=type(error).__name__)
            if watched.status:  # the answer has begun; only closing the connection tells the caller
                raise
            await unforeseen(request_id)(scope, receive, watched.send)
        finally:
            _tell(scope, watched.status, time.perf_counter() - started)


class _Watched:
    """Sends on, with the headers that every answer has, and remembers the status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = {name for name, _ in message["headers"]}
            added = [(_HEADER, self._request_id.encode()), *(pair for pair in _USUAL if pair[0] not in given)]
            message["headers"] = [*message["headers"], *added]
        await self._send(message)


def _request_id(scope: Scope) -> str:
    given = next((value.decode("latin-1") for name, value in scope["headers"] if name == _HEADER), "")
    return given if _GIVEN.fullmatch(given) else uuid4().hex


def _tell(scope: Scope, status: int, seconds: float) -> None:
    """Log and count; the query stays out, since it may hold a reference."""
    route = getattr(scope.get("route"), "path", "unmatched")
    HTTP_REQUEST_SECONDS.labels(scope["method"], route, str(status)).observe(seconds)
    if route in _QUIET or not _told.isEnabledFor(logging.INFO):
        return
    caller = scope.get(CALLER)
    _log.info(
        "request",
        method=scope["method"],
        route=route,
        path=scope["path"],
        status=status,
        seconds=round(seconds, 4),
        key_id=getattr(caller, "key_id", None),
        organization=getattr(caller, "uscc", None),
    )
