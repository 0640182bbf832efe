"""A hundred thousand records from a generator: memory stays that of two windows."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
from support.paper_evidence import LEDGER, SERVICE_KEY, donation

from chainsvc.client import Accepted, Client, LedgerFacts, WindowSize
from chainsvc.crypto.suites import SHA256, sha256
from chainsvc.receipt import ChunkTree, receipt_message
from chainsvc.record import Record

RECORDS, WINDOW = 100_000, 2048
FACTS = LedgerFacts(LEDGER, b"\x01" * 32, b"\x02" * 20, SHA256, 0, closed=False)
GROWTH = 12 * 1024 * 1024
"""Bytes; the records themselves take more than 100 MB."""


class Swift(httpx.BaseTransport):
    """Answers as the service does and keeps nothing: an id is the hash of its line."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=FACTS.to_json())
        lines = request.read().splitlines()
        ids = [sha256(line) for line in lines]
        message = receipt_message(FACTS.ledger_id, len(ids), ChunkTree(ids).root, 1, 2)
        receipt = {
            "alg": 1,
            "pubkey": SERVICE_KEY.public.hex(),
            "n": len(ids),
            "acceptedAt": 1,
            "anchorBy": 2,
            "signature": SERVICE_KEY.sign(message).hex(),
        }
        chunk = {"lines": [[1, len(ids)]], "ids": [one.hex() for one in ids], "receipt": receipt}
        return httpx.Response(200, content=orjson.dumps(chunk) + b'\n{"end":{}}\n')


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_hundred_thousand_records_take_no_more_memory_than_ten_thousand() -> None:
    template = donation(0)

    def source() -> Iterator[Record]:
        for number in range(RECORDS):
            yield Record(
                template.schema, LEDGER, f"D-{number}", 0, None, 100, 0, template.issued_at, dict(template.body)
            )

    seen, early, last = 0, 0, None
    with Client("http://127.0.0.1", "key", transport=Swift(), window=WindowSize(WINDOW)) as client:
        for outcome in client.notarize_many(source()):
            assert isinstance(outcome, Accepted)
            assert outcome.reference == f"D-{seen}"
            seen += 1
            last = outcome
            if seen == RECORDS // 10:
                early = resident()
    assert seen == RECORDS
    assert last is not None
    assert last.receipt.verifies(FACTS.ledger_id, last.commitment)
    assert resident() - early < GROWTH
