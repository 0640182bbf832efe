"""What routes are given: the service, the limits, the raw body, and checked parts of the path."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Path, Request

from chainsvc import jcs
from chainsvc.api.limits import Limits
from chainsvc.api.ports import ServicePort
from chainsvc.errors import BodyTooLarge
from chainsvc.reading import unhex
from chainsvc.record import LedgerName

_SMALL_DEPTH = 4


async def service_of(request: Request) -> ServicePort:
    """Return the service behind the app."""
    service: ServicePort = request.app.state.service
    return service


async def limits_of(request: Request) -> Limits:
    """Return the limits of a request."""
    limits: Limits = request.app.state.limits
    return limits


Service = Annotated[ServicePort, Depends(service_of)]
LimitsGiven = Annotated[Limits, Depends(limits_of)]


async def read_body(request: Request, largest: int) -> bytes:
    """Return the body, reading no further than its limit.

    Raises:
        BodyTooLarge: It is longer, or says that it will be.
    """
    body = bytearray()
    declared = request.headers.get("content-length", "")
    size = int(declared) if declared.isascii() and declared.isdigit() else 0
    if size <= largest:
        async for part in request.stream():
            body += part
            size = len(body)
            if size > largest:
                break
        else:
            return bytes(body)
    raise BodyTooLarge("the body is too large", expected=f"at most {largest} bytes", got=f"{size} bytes or more")


def body_up_to(largest: Callable[[Limits], int]) -> Callable[..., Awaitable[bytes]]:
    """Return a dependency that reads the body up to the limit that ``largest`` picks."""

    async def body(request: Request, limits: LimitsGiven) -> bytes:
        """Read the body."""
        return await read_body(request, largest(limits))

    return body


async def _small(request: Request, limits: LimitsGiven) -> Any:
    """Parse a small body as strict JSON."""
    largest = limits.largest_small_body_bytes
    return jcs.loads(await read_body(request, largest), max_bytes=largest, max_depth=_SMALL_DEPTH)


SmallBody = Annotated[Any, Depends(_small)]


def _pattern(pattern: str, description: str, example: str) -> Any:
    """Document a path parameter; its check is our own, since that can say more than a pattern."""
    return Path(description=description, json_schema_extra={"pattern": pattern}, examples=[example])


async def _ledger(
    kind: Annotated[str, _pattern("^[a-z]{1,16}$", "业务类别 / kind", "charity")],
    uscc: Annotated[str, _pattern("^[0-9A-Z]{18}$", "统一社会信用代码 / organization", "53320600123456789X")],
    book: Annotated[str, _pattern("^[A-Z0-9-]{1,32}$", "账簿 / book", "LUNCH-2026")],
) -> LedgerName:
    return LedgerName.parse(f"{kind}/{uscc}/{book}")


Ledger = Annotated[LedgerName, Depends(_ledger)]


async def _record_id(
    record_id: Annotated[str, _pattern("^[0-9a-f]{64}$", "记录编号（承诺） / the record's commitment", "ab" * 32)],
) -> bytes:
    return unhex(record_id, "record_id", 32)


RecordId = Annotated[bytes, Depends(_record_id)]
