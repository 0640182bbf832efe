"""Bulk: records or commitments of any number, a line each, answered while they come in."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from chainsvc.api import auth
from chainsvc.api.duplex import Duplex, Emit
from chainsvc.api.given import Ledger, LimitsGiven, Service
from chainsvc.api.incoming import CODINGS, Coding, Incoming, Line, coding_of, decoded, lines
from chainsvc.api.limits import Limits
from chainsvc.api.openapi.calls import BULK_COMMITMENTS_BODY, BULK_RECORDS_BODY, bulk_answer, problems
from chainsvc.api.ports import BulkPort
from chainsvc.errors import ChainsvcError, InputRefused

router = APIRouter(tags=["records"])
_LEDGER = "/v1/ledgers/{kind}/{uscc}/{book}"
_LARGEST_CHUNK_BYTES = 4 * 1024 * 1024
_CODES = (400, 401, 403, 404, 422, 503)
_DESCRIPTION = (
    "请求与应答均为 NDJSON，长度不限，边读边答；同一行再次发送得到首张回执。请求体可用 "
    f"{' / '.join(CODINGS)} 编码。\n\n"
    "NDJSON in, NDJSON out, of any length, answered while it is read. Sending a line again is safe: it is answered as "
    "`known` with its first receipt. A stored chunk is answered by one line with one signature for all its `ids`; an "
    "answer whose last line is not `end` was cut: send again from the first line that has no answer."
)


@router.post(
    f"{_LEDGER}/records:bulk",
    summary="批量存证 / Notarize any number of records",
    description=_DESCRIPTION,
    responses={200: bulk_answer(), **problems(*_CODES)},
    openapi_extra=BULK_RECORDS_BODY,
)
def post_bulk_records(
    ledger: Ledger, caller: auth.Notarizer, request: Request, service: Service, limits: LimitsGiven
) -> Response:
    """Make records durable as they come, and answer them in chunks."""
    auth.own(caller, ledger)
    return _answered(request, limits, service.bulk(str(ledger), "records", caller))


@router.post(
    f"{_LEDGER}/commitments:bulk",
    summary="批量仅存承诺（私有模式） / Notarize any number of commitments",
    description=_DESCRIPTION,
    responses={200: bulk_answer(), **problems(*_CODES)},
    openapi_extra=BULK_COMMITMENTS_BODY,
)
def post_bulk_commitments(
    ledger: Ledger, caller: auth.Notarizer, request: Request, service: Service, limits: LimitsGiven
) -> Response:
    """Make commitments durable as they come, and answer them in chunks."""
    auth.own(caller, ledger)
    return _answered(request, limits, service.bulk(str(ledger), "commitments", caller))


def _answered(request: Request, limits: Limits, opened: Callable[[Emit], BulkPort]) -> Response:
    coding = coding_of(request.headers.get("content-encoding", ""))
    return Duplex(request, lambda incoming, emit: _work(incoming, coding, limits, opened(emit)), request.app.state.bulk)


def _work(incoming: Incoming, coding: Coding, limits: Limits, bulk: BulkPort) -> None:
    """Cut the lines into chunks and put them in; what stops it is told as the last line."""
    chunk, broken = Chunk(bulk, limits.bulk_chunk), None
    incoming.on_pause = chunk.answer
    try:
        try:
            for line in lines(decoded(incoming, coding), limits.largest_body_bytes):
                chunk.add(line)
        except InputRefused as error:
            broken = error  # the lines before it go in
        chunk.answer()
        if broken is None:
            bulk.finish()
        else:
            bulk.stop(broken)
    except ConnectionResetError:
        bulk.leave()  # nobody is there to be told; what was stored is found by the next sending
    except ChainsvcError as error:
        bulk.stop(error)


class Chunk:
    """Lines that go in together, by number and by size."""

    def __init__(self, bulk: BulkPort, largest: int) -> None:
        """Gather up to ``largest`` lines."""
        self._bulk = bulk
        self._largest = largest
        self._lines: list[Line] = []
        self._bytes = 0

    def add(self, line: Line) -> None:
        """Add a line, and put the chunk in when it is full."""
        self._lines.append(line)
        self._bytes += len(line[1])
        if len(self._lines) == self._largest or self._bytes >= _LARGEST_CHUNK_BYTES:
            self.put()

    def put(self) -> None:
        """Put what was gathered in."""
        lines, self._lines, self._bytes = self._lines, [], 0
        if lines:
            self._bulk.put(lines)

    def answer(self) -> None:
        """Put what was gathered in and answer all of it: the sender waits."""
        self.put()
        self._bulk.catch_up()
