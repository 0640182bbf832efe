import gzip
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any

import httpx
import pytest
from support.api_checks import bearer, problem
from support.fake_service import FakeService
from support.paper_evidence import ISSUER_KEY, LEDGER, USCC, donation

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from chainsvc import jcs
from chainsvc.api import incoming
from chainsvc.api.duplex import Spool
from chainsvc.client.answers import Accepted
from chainsvc.commitment import commit, derive_salts
from chainsvc.crypto.suites import SHA256
from chainsvc.receipt import ChunkTree, Receipt, sign_submission
from chainsvc.record import Record

RECORDS = f"/v1/ledgers/{LEDGER}/records:bulk"
COMMITMENTS = f"/v1/ledgers/{LEDGER}/commitments:bulk"


def line(record: Record) -> bytes:
    return jcs.dumps(record.to_json())


def lines(*records: Record) -> bytes:
    return b"\n".join(map(line, records))


def answers(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(text) for text in answer.text.splitlines()]


def receipt_of(stored: dict[str, Any], index: int) -> Receipt:
    """A record's own receipt, as docs say that it follows from its chunk's line."""
    path = ChunkTree([bytes.fromhex(ident) for ident in stored["ids"]]).path(index)
    return Receipt.from_json({**stored["receipt"], "index": index, "path": [node.hex() for node in path]})


def test_lines_go_in_as_a_chunk_whose_receipts_verify(api: httpx.Client, service: FakeService) -> None:
    stored, end = answers(api.post(RECORDS, content=lines(donation(1), donation(2), donation(3))))
    assert stored["lines"] == [[1, 3]]
    for index, ident in enumerate(stored["ids"]):
        assert receipt_of(stored, index).verifies(service.books[LEDGER].id, bytes.fromhex(ident))
    assert end == {"end": {"lines": 3, "accepted": 3, "known": 0, "refused": 0}}


def test_sending_again_returns_the_first_receipts(api: httpx.Client) -> None:
    first = answers(api.post(RECORDS, content=lines(donation(1), donation(2))))[0]
    *known, end = answers(api.post(RECORDS, content=lines(donation(1), donation(2), donation(3))))
    again = [Accepted.from_json(answer["known"]) for answer in known if "known" in answer]
    assert [(a.id, a.again, a.receipt) for a in again] == [
        (first["ids"][index], True, receipt_of(first, index)) for index in (0, 1)
    ]
    assert end["end"] == {"lines": 3, "accepted": 1, "known": 2, "refused": 0}


def test_bad_lines_come_back_by_number_and_the_others_go_in(api: httpx.Client) -> None:
    bad = replace(donation(2), credit=5)
    body = b"\n".join([line(donation(1)), b"", line(bad), b"{not json", b"  ", line(donation(3)), b"[1]", b""])
    *told, end = answers(api.post(RECORDS, content=body))
    assert told[0]["lines"] == [[1, 1], [6, 6]]
    assert [(a["line"], a["problem"]["code"]) for a in told[1:]] == [
        (3, "record-refused"),
        (4, "malformed"),
        (7, "malformed"),
    ]
    assert end["end"] == {"lines": 5, "accepted": 2, "known": 0, "refused": 3}


@pytest.mark.parametrize(
    ("coding", "encode"),
    [("gzip", gzip.compress), ("zstd", zstd.compress), ("identity", bytes), ("GZIP", gzip.compress)],
)
def test_bodies_may_be_compressed(api: httpx.Client, coding: str, encode: Any) -> None:
    body = encode(lines(*map(donation, range(200))))
    *_, end = answers(api.post(RECORDS, content=body, headers={"Content-Encoding": coding}))
    assert end["end"]["accepted"] == 200


def test_several_compressed_members_are_one_body(api: httpx.Client) -> None:
    for coding, encode in (("gzip", gzip.compress), ("zstd", zstd.compress)):
        body = encode(line(donation(1)) + b"\n") + encode(line(donation(2)))
        *_, end = answers(api.post(RECORDS, content=body, headers={"Content-Encoding": coding}))
        assert end["end"]["lines"] == 2


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_damaged_compression_stops_and_says_from_where(api: httpx.Client, coding: str) -> None:
    encode = gzip.compress if coding == "gzip" else zstd.compress
    body = encode(lines(*map(donation, range(300))))
    for damaged in (body[: len(body) // 2], body[:-1], b"nothing of the kind"):
        *_, last = answers(api.post(RECORDS, content=damaged, headers={"Content-Encoding": coding}))
        assert last["stopped"]["problem"]["code"] == "malformed"


def test_unknown_coding_is_refused_before_anything_is_read(api: httpx.Client) -> None:
    answer = api.post(RECORDS, content=b"x", headers={"Content-Encoding": "br"})
    assert problem(answer, 422, "input-refused")["expected"] == "identity, gzip, zstd"


def test_a_line_beyond_the_limit_stops_the_stream(api: httpx.Client) -> None:
    told = answers(api.post(RECORDS, content=line(donation(1)) + b"\n" + b"x" * 600_000))
    assert told[0]["lines"] == [[1, 1]]
    assert told[-1]["stopped"]["problem"]["code"] == "body-too-large"
    assert told[-1]["stopped"]["line"] == 2


def test_an_outage_is_told_with_the_first_line_that_has_no_answer(api: httpx.Client, service: FakeService) -> None:
    def body() -> Iterator[bytes]:
        yield lines(*map(donation, range(1_000))) + b"\n"
        deadline = time.monotonic() + 60
        while len(service.books[LEDGER].entries) < 1_000 and time.monotonic() < deadline:
            time.sleep(0.01)
        service.down = True
        yield lines(donation(2_000), donation(2_001))

    told = answers(api.post(RECORDS, content=body()))
    assert told[0]["lines"] == [[1, 1_000]]
    assert told[-1]["stopped"]["line"] == 1_001
    assert told[-1]["stopped"]["problem"]["status"] == 503


def test_the_sender_is_answered_while_it_pauses(api: httpx.Client) -> None:
    """A slow sender need not fill a chunk: what came is answered, and the stream goes on."""
    connection = HTTPConnection(api.base_url.host, api.base_url.port or 80, timeout=60)
    headers = {"Transfer-Encoding": "chunked", "Authorization": api.headers["authorization"]}
    connection.putrequest("POST", RECORDS)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(_part(line(donation(1)) + b"\n"))
    answer = connection.getresponse()
    assert json.loads(answer.readline())["lines"] == [[1, 1]]
    connection.sock.sendall(_part(line(donation(2))) + _part(b""))
    assert [json.loads(text) for text in answer.read().splitlines()][-1]["end"]["accepted"] == 2
    connection.close()


def test_a_sender_who_says_nothing_gives_its_place_up(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "LONGEST_PAUSE_S", 0.05)
    connection = HTTPConnection(api.base_url.host, api.base_url.port or 80, timeout=60)
    connection.putrequest("POST", RECORDS)
    connection.putheader("Transfer-Encoding", "chunked")
    connection.putheader("Authorization", api.headers["authorization"])
    connection.endheaders()
    connection.send(_part(line(donation(1)) + b"\n"))
    stored, stopped = [json.loads(text) for text in connection.getresponse().read().splitlines()]
    assert stored["lines"] == [[1, 1]]
    assert (stopped["stopped"]["line"], stopped["stopped"]["problem"]["code"]) == (2, "input-refused")
    connection.close()


def _part(data: bytes) -> bytes:
    """One part of a chunked body (RFC 9112 section 7.1)."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def test_answers_larger_than_every_buffer_wait_for_a_sender_who_reads_last(api: httpx.Client) -> None:
    body = b"\n".join([b"{}"] * 60_000)
    told = answers(api.post(RECORDS, content=body, timeout=60))
    assert len(told) == 60_001
    assert told[-1]["end"] == {"lines": 60_000, "accepted": 0, "known": 0, "refused": 60_000}


def test_commitments_go_in_by_line(api: httpx.Client, service: FakeService) -> None:
    given = [{"commitment": f"{n:064x}", "credit": n, "debit": 0, "previous": None} for n in (1, 2)]
    body = b"\n".join([*map(jcs.dumps, given), b'{"commitment":"00"}'])
    stored, refused, end = answers(api.post(COMMITMENTS, content=body))
    assert stored["ids"] == [f"{1:064x}", f"{2:064x}"]
    assert refused["line"] == 3
    assert (end["end"]["accepted"], service.books[LEDGER].totals().credit) == (2, 3)


def test_signed_ledgers_take_a_signed_chunk_in_a_line(api: httpx.Client, service: FakeService) -> None:
    name = f"charity/{USCC}/SIGNED"
    facts = service.open_ledger(name, SHA256, signed=True)
    service.issuer_keys[USCC] = ISSUER_KEY.public
    records = [replace(donation(n), ledger=name) for n in (1, 2)]
    seeds = [bytes([n]) * 32 for n in (1, 2)]
    flat = [record.flatten() for record in records]
    commitments = [commit(SHA256, f, derive_salts(SHA256, s, len(f))) for f, s in zip(flat, seeds, strict=True)]
    chunk = {
        "records": [record.to_json() for record in records],
        "seeds": [seed.hex() for seed in seeds],
        "submission": sign_submission(ISSUER_KEY, facts.ledger_id, commitments).to_json(),
    }
    body = jcs.dumps(chunk) + b"\n" + line(records[0])
    chunked, single, end = answers(api.post(f"/v1/ledgers/{name}/records:bulk", content=body))
    assert [result["id"] for result in chunked["results"]] == [c.hex() for c in commitments]
    assert (single["line"], single["problem"]["code"]) == (2, "signature-refused")
    assert end["end"] == {"lines": 2, "accepted": 2, "known": 0, "refused": 1}


@pytest.mark.parametrize(("key", "status"), [("reader", 403), ("other", 403), ("nobody", 401)])
def test_only_its_organization_may_fill_a_ledger(api: httpx.Client, key: str, status: int) -> None:
    for path in (RECORDS, COMMITMENTS):
        assert api.post(path, content=b"{}", headers=bearer(key)).status_code == status


def test_unknown_ledger_is_not_found(api: httpx.Client) -> None:
    assert api.post(RECORDS.replace("LUNCH", "NONE"), content=b"{}").status_code == 404


def test_spool_gives_back_what_it_was_given() -> None:
    spool = Spool()
    given = [bytes([n % 251]) * (n * 37 % 9_000) for n in range(1_000)]
    taken = []
    for n, part in enumerate(given):
        spool.put(part)
        if n % 3 == 0:
            taken.append(spool.take())
    while part := spool.take():
        taken.append(part)
    assert b"".join(taken) == b"".join(given)
    spool.close()
