"""Any number of records over the bulk routes, whatever becomes of single answers."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.bulk_service import CHUNK, BulkService
from support.fake_service import FakeService
from support.paper_chain import PaperNode
from support.paper_evidence import ISSUER_KEY, LEDGER, SERVICE_KEY, USCC, corrected, donation
from support.served import Server

from chainsvc.api.app import create_app
from chainsvc.client import Accepted, AsyncClient, Client, PrivateStore
from chainsvc.client.bulk.windows import WindowSize
from chainsvc.commitment import commit, derive_salts
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.suites import SHA256
from chainsvc.errors import (
    AccessDenied,
    ChainsvcError,
    DatabaseUnavailable,
    Forbidden,
    LedgerClosed,
    MalformedInput,
    NotFound,
    RecordRefused,
    ReferenceConflict,
    ServiceUnavailable,
    SignatureRefused,
    Unavailable,
)
from chainsvc.record import Record

KEY = "csk_full_secret"
SIGNED = f"charity/{USCC}/SIGNED"
OTHER = f"charity/{USCC}/OTHER"
Make = Callable[..., Client]


@pytest.fixture
def bulk(server: Server, service: FakeService) -> BulkService:
    service.open_ledger(OTHER, service.books[LEDGER].suite, signed=False)
    bulk = BulkService(create_app(service), service)
    server.app = bulk
    return bulk


@pytest.fixture
def make(bulk: BulkService, server: Server, tmp_path: Path) -> Iterator[Make]:
    assert server.app is bulk
    opened: list[Client] = []

    def client(mode: str = "custody", **options: Any) -> Client:
        if "private" in mode:
            options |= {"private": True, "store": tmp_path / "private.db"}
        if "signed" in mode:
            options |= {"signing_key": ISSUER_KEY}
        opened.append(Client(server.url, KEY, **{"retry_s": 5.0, "window": WindowSize(20), **options}))
        return opened[-1]

    yield client
    for one in opened:
        one.close()


def donations(count: int, ledger: str = LEDGER) -> list[Record]:
    return [donation(number, ledger=ledger) for number in range(count)]


MODES = [("custody", LEDGER), ("private", LEDGER), ("signed", SIGNED), ("private signed", SIGNED)]


@pytest.mark.parametrize(("mode", "ledger"), MODES)
def test_every_mode_gives_receipts_that_verify_and_evidence(
    make: Make, service: FakeService, mode: str, ledger: str
) -> None:
    client = make(mode)
    records = donations(50, ledger)
    outcomes = list(client.notarize_many(records))
    assert [o.reference for o in outcomes if isinstance(o, Accepted)] == [record.reference for record in records]
    for outcome in outcomes:
        assert isinstance(outcome, Accepted)
        assert not outcome.again
        assert outcome.receipt.verifies(service.books[ledger].id, outcome.commitment)
    service.anchor()
    last = outcomes[-1]
    assert isinstance(last, Accepted)
    assert client.verify(client.evidence(last), node=PaperNode(service.chain)).verdict == "valid"
    again = list(client.notarize_many(records))
    assert again == [replace(o, again=True) for o in outcomes if isinstance(o, Accepted)]
    assert len(service.books[ledger].entries) == 50


@pytest.mark.parametrize("mode", ["custody", "private"])
def test_cut_answers_are_resumed_from_the_first_unanswered_line(
    make: Make, bulk: BulkService, service: FakeService, mode: str
) -> None:
    bulk.cut_after = [1, 0, 2]
    outcomes = list(make(mode).notarize_many(donations(20)))
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 20
    assert [len(lines) for lines in bulk.requests] == [20, 13, 13, 11]
    assert [o.again for o in outcomes if isinstance(o, Accepted)] == [False] * CHUNK + [True] * (20 - CHUNK)
    assert len(service.books[LEDGER].entries) == 20


def test_stopped_answer_is_resumed(make: Make, bulk: BulkService, service: FakeService) -> None:
    bulk.stop_at = [(5, DatabaseUnavailable("away")), (1, DatabaseUnavailable("away"))]
    outcomes = list(make().notarize_many(donations(20)))
    assert [o.reference for o in outcomes if isinstance(o, Accepted)] == [f"D-{number}" for number in range(20)]
    assert [len(lines) for lines in bulk.requests] == [20, 16, 16]
    assert [kept.record for kept in service.books[LEDGER].entries] == donations(20)


def test_next_window_is_not_sent_before_the_former_is_answered(make: Make, bulk: BulkService) -> None:
    bulk.cut_after = [1, 0]
    records = [*donations(20), *donations(40)[20:]]
    assert len(list(make().notarize_many(records))) == 40
    first = [line for lines in bulk.requests[:-1] for line in lines]
    assert not any(b'"D-20"' in line for line in first)
    assert b'"D-20"' in bulk.requests[-1][0]


def test_revision_in_the_window_after_what_it_revises_goes_in(make: Make, bulk: BulkService) -> None:
    client = make("private", window=WindowSize(1))
    bulk.cut_after = [0]
    first = client.notarize(donation(1))
    second = corrected(donation(1), first.commitment, 80)
    outcomes = list(client.notarize_many([donation(1), second, donation(2)]))
    assert [o.revision for o in outcomes if isinstance(o, Accepted)] == [0, 1, 0]


def test_service_that_stays_away_ends_as_unavailable_and_loses_nothing(
    make: Make, bulk: BulkService, service: FakeService
) -> None:
    bulk.statuses = [503] * 50
    with pytest.raises(Unavailable):
        list(make(retry_s=0).notarize_many(donations(45)))
    assert len(bulk.statuses) == 49
    bulk.statuses = []
    bulk.stop_at = [(1, DatabaseUnavailable("the journal does not answer"))] * 30
    with pytest.raises(DatabaseUnavailable):
        list(make(retry_s=0.3).notarize_many(donations(45)))
    bulk.stop_at = []
    assert all(isinstance(outcome, Accepted) for outcome in make().notarize_many(donations(45)))
    assert len(service.books[LEDGER].entries) == 45


def test_outcomes_before_an_outage_were_yielded(make: Make, bulk: BulkService) -> None:
    answers = make(retry_s=0).notarize_many(donations(60))
    outcomes = [next(answers)]
    bulk.statuses = [503] * 9
    with pytest.raises(Unavailable):
        outcomes.extend(answers)
    assert [type(outcome) for outcome in outcomes] == [Accepted] * len(outcomes)
    assert len(outcomes) >= 20


def test_refused_records_hold_up_no_other(make: Make, service: FakeService) -> None:
    client = make()
    client.notarize(donation(3, 7))
    records: list[Any] = donations(30)
    records[5] = replace(donation(5), body={**donation(5).body, "amount": "1"})
    records[6] = {"no": 1}
    records[7] = replace(donation(7), ledger=LEDGER + "-X")
    records[8] = replace(donation(8), ledger=OTHER)
    records[9] = replace(donation(9), body={**donation(9).body, "amount": 1.5})
    outcomes = list(client.notarize_many(iter(records)))
    odd = {i: type(o) for i, o in enumerate(outcomes) if not isinstance(o, Accepted)}
    assert odd == {3: ReferenceConflict, 5: RecordRefused, 6: MalformedInput, 7: NotFound, 9: MalformedInput}
    assert [kept.record for kept in service.books[OTHER].entries] == [records[8]]


@pytest.mark.parametrize("error", [Forbidden("not yours"), LedgerClosed("closed")])
def test_what_refuses_a_ledger_refuses_each_of_its_records(make: Make, bulk: BulkService, error: ChainsvcError) -> None:
    bulk.stop_at = [(3, error)]
    outcomes = list(make().notarize_many(donations(20)))
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 2 + [type(error)] * 18


def test_unknown_key_ends_everything(make: Make, bulk: BulkService, service: FakeService) -> None:
    bulk.stop_at = [(1, AccessDenied("the key is not known"))]
    with pytest.raises(AccessDenied):
        list(make().notarize_many(donations(60)))
    assert len(bulk.requests) == 1
    assert not service.books[LEDGER].entries


def test_request_that_a_proxy_finds_too_large_goes_in_parts(make: Make, bulk: BulkService) -> None:
    bulk.statuses = [413, 413]
    outcomes = list(make().notarize_many(donations(20)))
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 20
    assert [len(lines) for lines in bulk.requests] == [5, 5, 5, 5]


def test_service_without_bulk_routes_is_sent_chunks(make: Make, bulk: BulkService, service: FakeService) -> None:
    for status in (404, 405):
        bulk.statuses = [status] * 2
        client = make()
        outcomes = list(client.notarize_many(donations(70)))
        assert [o.reference for o in outcomes if isinstance(o, Accepted)] == [f"D-{n}" for n in range(70)]
        assert len(bulk.statuses) == 1
    assert not bulk.requests
    assert len(service.books[LEDGER].entries) == 70


def test_bodies_are_compressed_for_another_machine_only(make: Make, bulk: BulkService) -> None:
    async def main() -> None:
        transport = httpx.ASGITransport(bulk)
        async with AsyncClient("http://elsewhere", KEY, transport=transport, window=WindowSize(20)) as client:
            outcomes = [outcome async for outcome in client.notarize_many(donations(45))]
        assert [o.reference for o in outcomes if isinstance(o, Accepted)] == [f"D-{n}" for n in range(45)]

    asyncio.run(main())
    list(make().notarize_many(donations(3)))
    assert bulk.encodings == ["gzip", "gzip", "gzip", ""]


def test_asynchronous_client_resumes_as_the_blocking_one(bulk: BulkService, service: FakeService) -> None:
    async def main() -> None:
        transport = httpx.ASGITransport(bulk)
        bulk.stop_at = [(5, DatabaseUnavailable("away"))]
        async with AsyncClient("http://elsewhere", KEY, transport=transport, window=WindowSize(20)) as client:
            outcomes = [outcome async for outcome in client.notarize_many(donations(45))]
            assert [type(outcome) for outcome in outcomes] == [Accepted] * 45
            bulk.stop_at = [(1, AccessDenied("the key is not known"))]
            with pytest.raises(AccessDenied):
                [outcome async for outcome in client.notarize_many(donations(45))]
            async for outcome in client.notarize_many(donations(60)):
                assert isinstance(outcome, Accepted)
                break  # with a request under way

    asyncio.run(main())
    assert [kept.record for kept in service.books[LEDGER].entries][:45] == donations(45)


def test_bytes_bound_a_window_too(make: Make, bulk: BulkService) -> None:
    records = [replace(donation(n), body={**donation(n).body, "remark": "x" * 500}) for n in range(12)]
    list(make(window=WindowSize(1000, 3000)).notarize_many(records))
    assert [len(lines) for lines in bulk.requests] == [4, 4, 4]


def test_progress_tells_done_and_total(make: Make) -> None:
    told: list[tuple[int, int | None]] = []
    list(make().notarize_many(donations(45), progress=lambda done, total: told.append((done, total))))
    assert told == [(20, 45), (40, 45), (45, 45)]
    told.clear()
    list(make().notarize_many(iter(donations(5)), progress=lambda done, total: told.append((done, total))))
    assert told == [(5, None)]


@pytest.mark.parametrize("mode", ["custody", "private"])
def test_record_that_is_too_large_is_refused_alone(make: Make, service: FakeService, mode: str) -> None:
    records = donations(3)
    records[1] = replace(donation(1), body={**donation(1).body, "remark": "x" * 70_000})
    outcomes = list(make(mode).notarize_many(records))
    assert [isinstance(outcome, Accepted) for outcome in outcomes] == [True, False, True]
    assert len(service.books[LEDGER].entries) == 2


def test_commitments_of_many_are_those_of_their_records(make: Make, tmp_path: Path) -> None:
    outcomes = list(make("private").notarize_many(donations(5)))
    with PrivateStore(tmp_path / "private.db") as store:
        for outcome, record in zip(outcomes, donations(5), strict=True):
            assert isinstance(outcome, Accepted)
            stored = store.get(outcome.commitment)
            assert stored is not None
            pairs = record.flatten()
            assert commit(SHA256, pairs, derive_salts(SHA256, stored.seed, len(pairs))) == outcome.commitment


def test_receipts_of_many_are_kept_in_the_private_store(make: Make, tmp_path: Path) -> None:
    outcomes = list(make("private").notarize_many(donations(30)))
    with PrivateStore(tmp_path / "private.db") as store:
        for outcome in outcomes:
            assert isinstance(outcome, Accepted)
            stored = store.get(outcome.commitment)
            assert stored is not None
            assert stored.receipt is not None
            assert outcome.receipt.signature.hex().encode() in stored.receipt


@dataclass
class Hostile:
    """A service that tells something else than what it did."""

    bulk: BulkService
    edit: Callable[[dict[str, Any]], object]

    def answer(self, *asked: Any) -> Iterator[bytes]:
        for line in BulkService._answer(self.bulk, *asked):
            value = json.loads(line)
            if "ids" in value:
                self.edit(value)
            yield json.dumps(value).encode() + b"\n"


def _swap(value: dict[str, Any]) -> None:
    value["ids"][0], value["ids"][1] = value["ids"][1], value["ids"][0]


def _later(value: dict[str, Any]) -> None:
    value["receipt"]["anchorBy"] += 1


def _other(value: dict[str, Any]) -> None:
    value["ids"][-1] = "00" * 32


BROKEN: list[Callable[[dict[str, Any]], object]] = [
    lambda value: value["ids"].pop(),
    lambda value: value["lines"][0].__setitem__(1, 10**12),
    lambda value: value["lines"][0].__setitem__(0, 0),
    lambda value: value["lines"].append([1, 1]),
    lambda value: value["ids"].__setitem__(0, value["ids"][0][:-2]),
    lambda value: value["ids"].__setitem__(0, 7),
    lambda value: value["receipt"].pop("signature"),
    lambda value: value["receipt"].__setitem__("n", 10**9),
    lambda value: value.__setitem__("lines", "all"),
]


@pytest.mark.parametrize("edit", [_swap, _later, _other])
@pytest.mark.parametrize("mode", ["custody", "private"])
def test_promise_for_something_else_is_not_taken(
    make: Make, bulk: BulkService, monkeypatch: pytest.MonkeyPatch, mode: str, edit: Callable[[Any], None]
) -> None:
    monkeypatch.setattr(bulk, "_answer", Hostile(bulk, edit).answer)
    with pytest.raises(SignatureRefused):
        list(make(mode).notarize_many(donations(20)))


@pytest.mark.parametrize("edit", BROKEN)
def test_answer_that_does_not_fit_is_not_the_services(
    make: Make, bulk: BulkService, monkeypatch: pytest.MonkeyPatch, edit: Callable[[Any], object]
) -> None:
    monkeypatch.setattr(bulk, "_answer", Hostile(bulk, edit).answer)
    with pytest.raises(ServiceUnavailable, match="does not fit"):
        list(make().notarize_many(donations(20)))


def test_promise_by_another_key_than_the_pinned_is_not_taken(make: Make) -> None:
    with pytest.raises(SignatureRefused, match="unknown key"):
        list(make(receipt_keys=[SigningKey.generate().public]).notarize_many(donations(3)))
    assert list(make(receipt_keys=[SERVICE_KEY.public]).notarize_many(donations(3)))
