"""The bulk routes over the fake service, with an answer that can be cut, stopped or held up at any line."""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from support.fake_service import FakeService

from chainsvc.api.ports import Caller
from chainsvc.bodies import CommittedItem
from chainsvc.client.answers import Accepted
from chainsvc.client.problems import problem_of
from chainsvc.errors import ChainsvcError, DatabaseUnavailable, MalformedInput
from chainsvc.record import Record

CHUNK = 7
"""Lines of one stored chunk: few, so that a test has many chunks."""


@dataclass
class BulkService:
    """An ASGI app: bulk calls are answered here, all others by ``app``.

    Attributes:
        app: Everything else.
        service: What stores.
        requests: Lines of each bulk request.
        encodings: Content coding of each.
        cut_after: The next answers end after so many lines, without a word; popped from the front.
        stop_at: The next answers stop at that line, with that error.
        statuses: The next bulk calls are answered with these statuses and no more.
    """

    app: ASGIApp
    service: FakeService
    requests: list[list[bytes]] = field(default_factory=list)
    encodings: list[str] = field(default_factory=list)
    cut_after: list[int] = field(default_factory=list)
    stop_at: list[tuple[int, ChainsvcError]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].endswith(":bulk"):
            await self.app(scope, receive, send)
            return
        body = await _body(receive)
        if self.statuses:
            await _start(send, self.statuses.pop(0))
            await send({"type": "http.response.body", "body": b"<html>"})
            return
        encoding = dict(scope["headers"]).get(b"content-encoding", b"").decode()
        self.encodings.append(encoding)
        lines = (gzip.decompress(body) if encoding == "gzip" else body).splitlines()
        self.requests.append(lines)
        ledger, _, noun = scope["path"].removeprefix("/v1/ledgers/").removesuffix(":bulk").rpartition("/")
        answer = list(self._answer(ledger, noun, lines))
        await _start(send, 200)
        left = self.cut_after.pop(0) if self.cut_after else len(answer)
        for line in answer[:left]:
            await send({"type": "http.response.body", "body": line, "more_body": True})
        if left < len(answer):
            await send({"type": "http.response.body", "body": answer[left][:9], "more_body": True})
            raise ConnectionResetError("the service dies here")
        await send({"type": "http.response.body", "body": b""})

    def _answer(self, ledger: str, noun: str, lines: Sequence[bytes]) -> Iterator[bytes]:
        stop, error = self.stop_at.pop(0) if self.stop_at else (None, DatabaseUnavailable(""))
        counts = {"accepted": 0, "known": 0, "refused": 0}
        last = len(lines) if stop is None else stop - 1
        for start in range(0, last, CHUNK):
            part = range(start, min(start + CHUNK, last))
            yield from _told(part, self._results(ledger, noun, [lines[index] for index in part]), counts)
        if stop is not None:
            yield _line({"stopped": {"line": stop, "problem": problem_of(error)}})
        yield _line({"end": {"lines": last, **counts}})

    def _results(self, ledger: str, noun: str, lines: Sequence[bytes]) -> list[Accepted | ChainsvcError]:
        caller = Caller("", frozenset(), "")
        values = [json.loads(line) for line in lines]
        if noun == "commitments":
            items = [CommittedItem(bytes.fromhex(v["commitment"]), v["credit"], v["debit"], None) for v in values]
            return self.service.accept_commitments(ledger, items, None, caller)
        records = [_record(value) for value in values]
        good = iter(
            self.service.accept_records(ledger, [(r, None) for r in records if isinstance(r, Record)], None, caller)
        )
        return [next(good) if isinstance(record, Record) else record for record in records]


def _record(value: Any) -> Record | MalformedInput:
    try:
        return Record.from_json(value)
    except MalformedInput as error:
        return error


def _told(part: range, results: Sequence[Accepted | ChainsvcError], counts: dict[str, int]) -> Iterator[bytes]:
    stored = [(index + 1, r) for index, r in zip(part, results, strict=True) if isinstance(r, Accepted) and not r.again]
    if stored:
        receipt = stored[0][1].receipt.to_json()
        told = {name: receipt[name] for name in ("alg", "pubkey", "n", "acceptedAt", "anchorBy", "signature")}
        ids = [accepted.id for _, accepted in stored]
        yield _line({"lines": _ranges([line for line, _ in stored]), "ids": ids, "receipt": told})
    counts["accepted"] += len(stored)
    for index, result in zip(part, results, strict=True):
        if isinstance(result, ChainsvcError):
            counts["refused"] += 1
            yield _line({"line": index + 1, "problem": problem_of(result)})
        elif result.again:
            counts["known"] += 1
            yield _line({"line": index + 1, "known": result.to_json()})


def _ranges(lines: Sequence[int]) -> list[list[int]]:
    ranges: list[list[int]] = []
    for line in lines:
        if ranges and ranges[-1][1] == line - 1:
            ranges[-1][1] = line
        else:
            ranges.append([line, line])
    return ranges


def _line(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message: Message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _start(send: Send, status: int) -> None:
    headers = [(b"content-type", b"application/x-ndjson")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
