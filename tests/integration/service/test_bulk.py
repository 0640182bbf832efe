"""Bulk streams on a real journal: both ways into it, crashes between them, and the same sums on chain."""

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, count, repeat
from threading import Condition, Event, Timer
from types import ModuleType
from typing import Any, Literal

import pytest
from sqlalchemy import Connection, Engine
from support.everything import check_everything
from support.records import corrected, disbursement, donation
from support.station import Site, Station, station

from chainsvc import jcs
from chainsvc.client.answers import Accepted
from chainsvc.errors import DatabaseUnavailable, InputRefused, LedgerClosed
from chainsvc.intake.gathering import Book
from chainsvc.journal import accepting, at_once, chunks, copying
from chainsvc.receipt import ChunkTree, Receipt
from chainsvc.record import Record


class Stream:
    """One bulk stream, and what it answered."""

    def __init__(self, service: Station, ledger: str, noun: Literal["records", "commitments"] = "records") -> None:
        self.told: list[dict[str, Any]] = []
        parts = service.parts.service._parts
        self.bulk = parts.bulk.open(parts.ledgers.stored(ledger), noun, None, self._emit)
        self.sent = 0

    def _emit(self, data: bytes) -> None:
        self.told.append(json.loads(data))

    def put(self, records: Iterable[Record | dict[str, Any]]) -> None:
        documents = [record.to_json() if isinstance(record, Record) else record for record in records]
        numbered = [(self.sent + n, jcs.dumps(document)) for n, document in enumerate(documents, 1)]
        self.sent += len(numbered)
        self.bulk.put(numbered)

    def send_all(self, records: Sequence[Record], at_once: int) -> None:
        for start in range(0, len(records), at_once):
            self.put(records[start : start + at_once])
        self.bulk.finish()

    def accepted(self) -> list[Accepted]:
        """Every record that was stored, with the receipt that follows from its chunk."""
        return list(chain.from_iterable(map(_accepted, self.told)))

    def refusals(self) -> dict[int, str]:
        return {a["line"]: a["problem"]["code"] for a in self.told if "problem" in a}


def _accepted(answer: dict[str, Any]) -> list[Accepted]:
    if "known" in answer:
        return [Accepted.from_json(answer["known"])]
    ids = [bytes.fromhex(ident) for ident in answer.get("ids", ())]
    tree = ChunkTree(ids) if ids else None
    return [
        Accepted(ident, None, None, Receipt.from_json(_part(answer, tree, index)), again=False)
        for index, ident in enumerate(ids)
    ]


def _part(answer: dict[str, Any], tree: ChunkTree | None, index: int) -> dict[str, Any]:
    assert tree is not None
    return {**answer["receipt"], "index": index, "path": [node.hex() for node in tree.path(index)]}


def test_a_stream_becomes_batches_on_chain(service: Station) -> None:
    facts = service.open()
    stream = Stream(service, facts.name)
    for start in range(0, 600, 200):
        stream.put(donation(facts.name, n) for n in range(start, start + 200))
    stream.bulk.finish()
    assert stream.told[-1]["end"] == {"lines": 600, "accepted": 600, "known": 0, "refused": 0}
    assert all(a.receipt.verifies(facts.ledger_id, a.commitment) for a in stream.accepted())
    assert service.settle(facts.name).credit == 600 * 10_000
    check_everything(service, facts.name, stream.accepted())


def test_stored_records_are_read_like_any_other(service: Station) -> None:
    name = service.open().name
    stream = Stream(service, name)
    stream.put([donation(name, 1), donation(name, 2)])
    stream.bulk.finish()
    for number, accepted in enumerate(stream.accepted(), 1):
        status = service.parts.service.record(accepted.commitment, disclose=True)
        assert status.record == donation(name, number).to_json()
        assert service.parts.service.record_by_reference(name, f"JZ{number}", None, disclose=False).id == accepted.id
        assert service.parts.service.receipt(accepted.commitment) == accepted.receipt


def test_sending_all_again_returns_the_first_receipts(service: Station) -> None:
    name = service.open().name
    records = [donation(name, n) for n in range(300)]
    first, again = Stream(service, name), Stream(service, name)
    for stream in (first, again):
        stream.put(records[:150])
        stream.put(records[150:])
        stream.bulk.finish()
    assert [a.receipt for a in again.accepted()] == [a.receipt for a in first.accepted()]
    assert again.told[-1]["end"] == {"lines": 300, "accepted": 0, "known": 300, "refused": 0}
    assert service.parts.service.ledger(name).entries == 300


def test_corrections_repetitions_and_conflicts_take_the_long_way(service: Station) -> None:
    name = service.open().name
    first = Stream(service, name)
    first.put([donation(name, 1), donation(name, 2)])
    first.bulk.finish()
    (one, _) = first.accepted()
    again = Stream(service, name)
    again.put(
        [
            donation(name, 1),
            corrected(donation(name, 1), one.commitment, 8_000),
            donation(name, 2, 1),
            donation(name, 3),
            donation(name, 3),
        ]
    )
    again.bulk.finish()
    assert again.refusals() == {3: "reference-conflict"}
    assert again.told[-1]["end"] == {"lines": 5, "accepted": 2, "known": 2, "refused": 1}
    service.settle(name)
    check_everything(service, name, [*first.accepted(), *again.accepted()])


def test_overspending_is_refused_line_by_line(service: Station) -> None:
    name = service.open().name
    stream = Stream(service, name)
    stream.put(
        [donation(name, 1, 100), disbursement(name, 1, 60), disbursement(name, 2, 60), disbursement(name, 3, 40)]
    )
    stream.bulk.finish()
    assert stream.refusals() == {3: "policy-refused"}
    service.settle(name)
    check_everything(service, name, stream.accepted())


def test_spending_counts_no_donation_that_is_numbered_after_it(service: Station) -> None:
    """A chunk's number is drawn before its turn comes; entries anchor in the order of numbers."""
    name = service.open().name
    spending, giving = Stream(service, name), Stream(service, name)
    early = spending.bulk._short._next_chunk_id()
    giving.put([donation(name, 1, 100)])
    giving.bulk.finish()
    spending.bulk._short._chunk_ids.insert(0, early)
    spending.put([disbursement(name, 1, 100)])
    spending.bulk.finish()
    (given,), (spent,) = giving.accepted(), spending.accepted()
    with service.parts.engine.connect() as conn:
        order = conn.exec_driver_sql(
            "SELECT commitment FROM entries WHERE commitment IN (%b, %b) ORDER BY entry_id",
            (given.commitment, spent.commitment),
        ).scalars()
        assert list(order) == [given.commitment, spent.commitment]
    service.settle(name)
    check_everything(service, name, [given, spent])


def test_streams_into_one_ledger_side_by_side(service: Station) -> None:
    name = service.open().name

    def run(first: int) -> Stream:
        stream = Stream(service, name)
        for start in range(first, first + 300, 100):
            stream.put(donation(name, n) for n in range(start, start + 100))
        stream.bulk.finish()
        return stream

    with ThreadPoolExecutor(3) as pool:
        streams = list(pool.map(run, (0, 150, 300)))  # the halves overlap
    assert sum(stream.told[-1]["end"]["accepted"] for stream in streams) == 600
    receipts = list(chain.from_iterable(stream.accepted() for stream in streams))
    service.settle(name)
    check_everything(service, name, receipts)


def test_private_streams(service: Station) -> None:
    name = service.open().name
    items = [{"commitment": f"{n:064x}", "credit": n, "debit": 0, "previous": None} for n in range(1, 101)]
    stream = Stream(service, name, "commitments")
    stream.put(items)
    stream.put(items[:1])
    stream.bulk.finish()
    assert stream.told[-1]["end"] == {"lines": 101, "accepted": 100, "known": 1, "refused": 0}
    assert service.settle(name).credit == sum(range(1, 101))


def test_a_closed_ledger_stops_the_stream(service: Station) -> None:
    name = service.open().name
    stream = Stream(service, name)
    stream.put([donation(name, 1)])
    stream.bulk.catch_up()
    service.settle(name)
    service.parts.service.close_ledger(name, service.caller)
    stream.put([donation(name, 2)])
    with pytest.raises(LedgerClosed) as caught:
        stream.bulk.finish()
    stream.bulk.stop(caught.value)
    assert stream.told[-1]["stopped"]["line"] == 2


@pytest.mark.parametrize(
    ("part", "step", "made"),
    [
        (at_once, "begin", donation),
        (copying, "copy", donation),
        (chunks, "add", disbursement),
        (copying, "copy", disbursement),
        (accepting, "leave_open", disbursement),
    ],
)
def test_a_lost_connection_leaves_nothing_and_the_repetition_all(
    service: Station, part: ModuleType, step: str, made: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = service.open().name
    given = Stream(service, name)
    given.put([donation(name, 1_000, 1_000_000)])
    given.bulk.finish()
    records = [made(name, n, 100) for n in range(50)]
    monkeypatch.setattr(part, step, _cutting(service.parts.engine, getattr(part, step)))
    stream = Stream(service, name)
    stream.put(records)
    with pytest.raises(DatabaseUnavailable):
        stream.bulk.finish()
    monkeypatch.undo()
    assert service.parts.service.ledger(name).entries == 1
    again = Stream(service, name)
    again.put(records)
    again.bulk.finish()
    assert again.told[-1]["end"]["accepted"] == 50
    service.settle(name)
    check_everything(service, name, [*given.accepted(), *again.accepted()])


def test_what_is_stored_before_a_lost_connection_is_answered_and_nothing_goes_in_after_it(
    service: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = service.open().name
    stream = Stream(service, name)
    copy, cut = copying.copy, _cutting(service.parts.engine, copying.copy)
    acts = chain([copy, copy, cut], repeat(copy))

    def copied(conn: Connection, packed: dict[str, bytes]) -> None:
        next(acts)(conn, packed)

    monkeypatch.setattr(copying, "copy", copied)
    with pytest.raises(DatabaseUnavailable) as caught:
        stream.send_all([donation(name, n) for n in range(60)], at_once=10)
    stream.bulk.stop(caught.value)
    assert [answer.get("lines") for answer in stream.told] == [[[1, 10]], [[11, 20]], None]
    assert stream.told[-1]["stopped"]["line"] == 21
    assert service.parts.service.ledger(name).entries == 20


def test_a_stream_stopped_by_its_sender_answers_what_is_being_stored(service: Station) -> None:
    name = service.open().name
    stream = Stream(service, name)
    for n in range(3):
        stream.put([donation(name, n)])
    stream.bulk.stop(InputRefused("the fourth line is no JSON"))
    answered = [answer["lines"] for answer in stream.told[:-1]]
    assert stream.told[-1]["stopped"]["line"] == len(answered) + 1
    assert service.parts.service.ledger(name).entries == len(answered)


def test_a_sender_who_leaves_keeps_its_place_until_its_chunk_is_stored(
    service: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = service.open().name
    stream, begun, go_on, copy = Stream(service, name), Event(), Event(), copying.copy

    def copied(conn: Connection, packed: dict[str, bytes]) -> None:
        begun.set()
        assert go_on.wait(60)
        copy(conn, packed)

    monkeypatch.setattr(copying, "copy", copied)
    stream.put([donation(name, 1)])
    stream.put([donation(name, 2)])
    assert begun.wait(60)
    Timer(0.2, go_on.set).start()
    stream.bulk.leave()
    assert go_on.is_set()
    assert stream.told == []
    assert service.parts.service.ledger(name).entries == 1


def test_a_chunk_is_stored_while_the_one_before_is_answered(service: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    name = service.open().name
    stream, copies, stored = Stream(service, name), count(1), Condition()
    copy, tell, reached = copying.copy, stream.bulk._emit, 0

    def copied(conn: Connection, packed: dict[str, bytes]) -> None:
        nonlocal reached
        copy(conn, packed)
        with stored:
            reached = next(copies)
            stored.notify_all()

    def told(data: bytes) -> None:
        answered = len(stream.told) + 1
        with stored:
            assert answered >= 4 or stored.wait_for(lambda: reached > answered, timeout=60)
        tell(data)

    monkeypatch.setattr(copying, "copy", copied)
    monkeypatch.setattr(stream.bulk, "_emit", told)
    stream.send_all([donation(name, n) for n in range(4)], at_once=1)
    assert stream.told[-1]["end"]["accepted"] == 4


def _cutting(engine: Engine, act: Callable[..., Any]) -> Callable[..., Any]:
    """Let the server end the connection just before the step."""

    def acting(conn: Connection, *args: object, **named: object) -> Any:
        pid = conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with engine.connect() as other:
            other.exec_driver_sql("SELECT pg_terminate_backend(%s)", (pid,))
        return act(conn, *args, **named)

    return acting


def test_drafting_in_other_processes_is_the_same(site: Site, engine: Engine) -> None:
    with station(site, engine, draft_processes=2) as service:
        name = service.open().name
        stream = Stream(service, name)
        for start in range(0, 400, 100):
            stream.put(donation(name, n) for n in range(start, start + 100))
        stream.bulk.finish()
        assert stream.told[-1]["end"]["accepted"] == 400
        assert [answer["lines"] for answer in stream.told[:-1]] == [[[n + 1, n + 100]] for n in range(0, 400, 100)]
        service.settle(name)
        check_everything(service, name, stream.accepted())


def test_single_records_that_arrive_together_share_a_chunk(service: Station) -> None:
    facts = service.open()
    gathering = service.parts.service._parts.gathering
    records = [jcs.dumps(donation(facts.name, n % 60).to_json()) for n in range(80)]
    futures = [gathering.add(Book(facts.name, None), record) for record in records]
    accepted = [outcome for future in futures if isinstance(outcome := future.result(30), Accepted)]
    assert len(accepted) == 80
    assert all(a.receipt.verifies(facts.ledger_id, a.commitment) for a in accepted)
    assert sum(a.again for a in accepted) == 20
    assert len({a.receipt.signature for a in accepted}) < 40
    service.settle(facts.name)
    check_everything(service, facts.name, accepted)


def test_a_single_record_beside_a_bad_one(service: Station) -> None:
    name = service.open().name
    gathering = service.parts.service._parts.gathering
    bad = gathering.add(Book(name, None), b'{"schema":1}')
    correction = gathering.add(Book(name, None), jcs.dumps(corrected(donation(name, 1), bytes(32), 5).to_json()))
    good = gathering.add(Book(name, None), jcs.dumps(donation(name, 1).to_json()))
    assert isinstance(good.result(30), Accepted)
    assert [getattr(future.result(30), "code", None) for future in (bad, correction)] == ["malformed", "record-refused"]


def test_single_spending_counts_what_was_given_before_it(service: Station) -> None:
    name = service.open().name
    gathering = service.parts.service._parts.gathering
    records = (donation(name, 1, 500), disbursement(name, 2, 300), disbursement(name, 3, 300))
    told = [gathering.add(Book(name, None), jcs.dumps(record.to_json())).result(30) for record in records]
    assert [getattr(one, "code", "accepted") for one in told] == ["accepted", "accepted", "policy-refused"]
    service.settle(name)
    check_everything(service, name, [one for one in told if isinstance(one, Accepted)])
