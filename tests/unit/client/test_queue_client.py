"""Clients with a queue: over an outage, in order, exactly once, in every mode."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.bulk_service import BulkService
from support.fake_service import FakeService
from support.paper_chain import PaperNode
from support.paper_evidence import ISSUER_KEY, LEDGER, USCC, donation
from support.served import Server

from chainsvc.api.app import create_app
from chainsvc.client import Accepted, AsyncClient, Client, Drained, Queue, WindowSize
from chainsvc.client.queue import background
from chainsvc.errors import (
    AccessDenied,
    ConfigurationRefused,
    PolicyRefused,
    QueueBusy,
    QueueFull,
    RecordQueued,
    RecordRefused,
    ReferenceConflict,
    Unavailable,
)
from chainsvc.record import Record

KEY = "csk_full_secret"
SIGNED = f"charity/{USCC}/SIGNED"
OTHER = f"charity/{USCC}/OTHER"
AWAY = "http://127.0.0.1:9"
MODES = [("custody", LEDGER), ("private", LEDGER), ("signed", SIGNED), ("private signed", SIGNED)]
Make = Callable[..., Client]


@pytest.fixture
def bulk(server: Server, service: FakeService) -> BulkService:
    service.open_ledger(OTHER, service.books[LEDGER].suite, signed=False)
    server.app = bulk = BulkService(create_app(service), service)
    return bulk


@pytest.fixture
def make(bulk: BulkService, server: Server, tmp_path: Path) -> Iterator[Make]:
    assert server.app is bulk
    opened: list[Client] = []

    def client(mode: str = "custody", *, away: bool = False, **options: Any) -> Client:
        if "private" in mode:
            options |= {"private": True, "store": tmp_path / "private.db"}
        if "signed" in mode:
            options |= {"signing_key": ISSUER_KEY}
        options = {"retry_s": 0.0, "window": WindowSize(20), "queue": tmp_path / "out.queue", **options}
        opened.append(Client(AWAY if away else server.url, KEY, **options))
        return opened[-1]

    yield client
    for one in opened:
        one.close()


def donations(count: int, ledger: str = LEDGER) -> list[Record]:
    return [donation(number, ledger=ledger) for number in range(count)]


@pytest.mark.parametrize(("mode", "ledger"), MODES)
def test_records_queued_while_the_service_is_away_go_in_later(
    make: Make, service: FakeService, mode: str, ledger: str
) -> None:
    away = make(mode, away=True)
    ids = [away.enqueue(record).id for record in donations(50, ledger)]
    with pytest.raises(Unavailable):
        away.drain()
    assert away.queue.pending().waiting == 50
    here = make(mode)
    told: list[tuple[int, int | None]] = []
    assert here.drain(lambda done, total: told.append((done, total))) == Drained(accepted=50)
    assert told[-1] == (50, 50)
    assert len(service.books[ledger].entries) == 50
    outcomes = [here.queue.outcome(place) for place in ids]
    assert [o.reference for o in outcomes if isinstance(o, Accepted)] == [f"D-{n}" for n in range(50)]
    service.anchor()
    last = outcomes[-1]
    assert isinstance(last, Accepted)
    assert here.verify(here.evidence(last), node=PaperNode(service.chain)).verdict == "valid"
    assert here.drain() == Drained()


@pytest.mark.parametrize(("mode", "ledger"), MODES)
def test_crash_between_answer_and_mark_gives_the_same_receipt(
    make: Make, service: FakeService, monkeypatch: pytest.MonkeyPatch, mode: str, ledger: str
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    client = make(mode)
    ids = [client.enqueue(record).id for record in donations(30, ledger)]
    with monkeypatch.context() as patch:
        patch.setattr(Queue, "settle", killed)
        with pytest.raises(Killed):
            client.drain()
    stored = list(service.books[ledger].entries)
    assert stored
    again = make(mode)
    drained = again.drain()
    assert (drained.accepted + drained.known, drained.refused, drained.left) == (30, 0, 0)
    assert drained.known >= 20
    for place, kept in zip(ids, stored, strict=False):
        outcome = again.queue.outcome(place)
        assert isinstance(outcome, Accepted)
        assert (outcome.commitment, outcome.receipt) == (kept.commitment, kept.receipt)
    assert len(service.books[ledger].entries) == 30


def test_notarize_returns_a_receipt_or_says_that_the_record_is_queued(make: Make, service: FakeService) -> None:
    away, here = make(away=True), make()
    assert isinstance(here.notarize(donation(1)), Accepted)
    with pytest.raises(RecordQueued) as queued:
        away.notarize(donation(2))
    assert away.queue.outcome(queued.value.queue_id) is None
    with pytest.raises(RecordRefused):
        away.notarize(replace(donation(3), body={**donation(3).body, "amount": "1"}))
    third = here.notarize(donation(3))  # behind what waits
    assert [kept.record for kept in service.books[LEDGER].entries] == donations(4)[1:]
    assert not third.again
    assert isinstance(here.queue.outcome(queued.value.queue_id), Accepted)
    assert here.queue.pending()[0:3:2] == (0, 0)
    with pytest.raises(RecordQueued):
        away.notarize(donation(4))
    with pytest.raises(ReferenceConflict):
        here.notarize(donation(1, 7))
    assert here.queue.pending().refused == 0  # whoever asked was told


def test_many_go_on_into_the_queue_where_the_service_goes_away(
    make: Make, bulk: BulkService, service: FakeService
) -> None:
    client = make()
    answers = client.notarize_many(donations(100))
    outcomes = [next(answers)]
    bulk.statuses = [503] * 99
    outcomes += answers
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == sorted(kinds, key=[Accepted, RecordQueued].index)
    queued = kinds.count(RecordQueued)
    assert 20 <= queued <= 80
    assert client.queue.pending().waiting == queued
    assert [type(o) for o in client.notarize_many(donations(3, OTHER))] == [RecordQueued] * 3
    bulk.statuses = []
    again = list(client.notarize_many(donations(100)))
    assert [o.again for o in again if isinstance(o, Accepted)] == [True] * 100
    assert [kept.record for kept in service.books[LEDGER].entries] == donations(100)
    assert [kept.record for kept in service.books[OTHER].entries] == donations(3, OTHER)


def test_many_tell_when_the_queue_is_full(make: Make, tmp_path: Path) -> None:
    queue = Queue(tmp_path / "small", most_records=30)
    with pytest.raises(QueueFull):
        list(make(away=True, queue=queue).notarize_many(donations(100)))
    assert queue.pending().waiting == 20


def test_refused_records_are_dead_letters_and_block_nobody(make: Make, service: FakeService) -> None:
    client = make()
    client.notarize(donation(3, 7))
    body = {**donation(99).body, "amount": 50}
    overspent = replace(donation(99), reference="D-4", revision=1, previous="ab" * 32, credit=0, debit=5000, body=body)
    ids = [client.enqueue(record).id for record in [*donations(5), overspent, donation(6)]]
    drained = client.drain()
    assert (drained.accepted, drained.refused, drained.left) == (5, 2, 0)
    assert {letter.id: type(letter.problem) for letter in client.queue.refused()} == {
        ids[3]: ReferenceConflict,
        ids[5]: PolicyRefused,
    }
    assert client.queue.retry([ids[5]]) == 1
    assert client.drain().refused == 1
    assert client.enqueue(replace(overspent, debit=50)).id == ids[5]
    assert client.drain().accepted == 1
    assert len(service.books[LEDGER].entries) == 8 - 1


def test_records_in_turn_go_in_within_one_drain(make: Make, service: FakeService) -> None:
    client = make()
    client.notarize(donation(50, 7))
    client.queue.add(donations(3), in_turn=True)
    client.queue.add([donation(50), donation(51)], in_turn=True)
    drained = client.drain()
    assert (drained.accepted, drained.refused, drained.left) == (3, 1, 1)
    assert [kept.record for kept in service.books[LEDGER].entries][1:] == donations(3)


def test_ledger_that_a_key_may_not_write_to_waits_and_blocks_no_other(
    make: Make, bulk: BulkService, service: FakeService
) -> None:
    other = "91350211M000100Y43"
    service.add_key("csk_other_secret", other, "notarize")
    foreign = f"charity/{other}/OTHER"
    service.open_ledger(foreign, service.books[LEDGER].suite, signed=False)
    client = make("signed")
    for record in [*donations(2), *donations(2, SIGNED), donation(9)]:
        client.enqueue(record)
    service.issuer_keys.clear()
    drained = client.drain()
    assert (drained.accepted, drained.refused, drained.left) == (3, 0, 2)
    assert list(drained.stopped) == [SIGNED]
    service.issuer_keys[USCC] = ISSUER_KEY.public
    assert client.drain().accepted == 2
    bulk.stop_at = [(1, AccessDenied("the key is not known"))]
    client.enqueue(donation(10))
    with pytest.raises(AccessDenied):
        client.drain()
    assert client.queue.pending()[0::2] == (1, 0)


def test_two_drains_at_once_are_refused(make: Make) -> None:
    client = make()
    client.enqueue(donation(1))
    with client.queue.draining():
        with pytest.raises(QueueBusy):
            make().drain()
        with pytest.raises(RecordQueued):
            client.notarize(donation(2))
    assert client.drain().accepted == 2


def test_background_drains_what_is_added_and_goes_on_after_an_outage(
    make: Make, bulk: BulkService, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE_S", 0.05)
    client = make(drain=True)
    first = client.enqueue(donation(1))
    _until(lambda: isinstance(client.queue.outcome(first.id), Accepted))
    bulk.statuses = [503] * 4
    second = client.enqueue(donation(2))
    _until(lambda: isinstance(client.drain_error, Unavailable))
    _until(lambda: isinstance(client.queue.outcome(second.id), Accepted))
    _until(lambda: client.drain_error is None)
    client.close()
    assert [kept.record for kept in service.books[LEDGER].entries] == [donation(1), donation(2)]


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_asynchronous_client_carries_over_an_outage_too(
    bulk: BulkService, service: FakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE_S", 0.05)
    path = tmp_path / "async.queue"

    def client(url: str, **options: Any) -> AsyncClient:
        transport = httpx.ASGITransport(bulk) if url != AWAY else None
        return AsyncClient(url, KEY, queue=path, retry_s=0, window=WindowSize(20), transport=transport, **options)

    async def main() -> None:
        async with client(AWAY) as away:
            with pytest.raises(RecordQueued):
                await away.notarize(donation(0))
            outcomes = [outcome async for outcome in away.notarize_many(donations(50)[1:])]
            assert [type(outcome) for outcome in outcomes] == [RecordQueued] * 49
            with pytest.raises(Unavailable):
                await away.drain()
        async with client("http://elsewhere") as here:
            assert (await here.drain()).accepted == 50
        bulk.statuses = [503]
        async with client("http://elsewhere", drain=True) as draining:
            queued = await draining.enqueue(donation(60))
            await asyncio.to_thread(_until, lambda: draining.queue.outcome(queued.id) is not None)
            assert draining.drain_error is None

    asyncio.run(main())
    assert [kept.record for kept in service.books[LEDGER].entries] == [*donations(50), donation(60)]


def test_what_is_asked_of_a_client_without_a_queue_says_so(make: Make) -> None:
    client = make(queue=None)
    for ask in (lambda: client.queue, lambda: client.enqueue(donation(1)), client.drain):
        with pytest.raises(ValueError, match="no queue"):
            ask()
    assert client.drain_error is None
    with pytest.raises(ValueError, match="draining needs a queue"):
        make(queue=None, drain=True)
    make("private").enqueue(donation(1))
    with pytest.raises(ConfigurationRefused, match="another mode"):
        make()
