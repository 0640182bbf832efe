"""The queue against everything at once: adding, draining, crashes, lost, cut, doubled and shuffled answers."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from starlette.applications import Starlette
from support.bulk_service import BulkService
from support.fake_service import FakeService
from support.paper_evidence import LEDGER, USCC, donation

from chainsvc.client import Accepted, Drained, Queue, Queued, WindowSize
from chainsvc.client.exchange import Await, Begin, Call, Pause, Steps
from chainsvc.client.options import Options
from chainsvc.client.verbs import Verbs
from chainsvc.crypto.suites import SHA256
from chainsvc.errors import ServiceUnavailable, Unavailable
from chainsvc.record import Record

LEDGERS = (LEDGER, f"charity/{USCC}/OTHER")
FAULTS = ("fine", "never came", "answer lost", "cut", "shuffled", "doubled", "crash before", "crash after")


class Crash(BaseException):
    """The process ends here."""


class Ticket:
    """A call whose answer is there already."""

    def __init__(self, result: Any) -> None:
        self.result = result

    def cancel(self) -> None:
        pass


def spending(number: int, ledger: str) -> Record:
    """A record that the ledger's policy refuses while nothing was donated."""
    body = {**donation(number).body, "amount": 50}
    return replace(donation(number, ledger=ledger), revision=1, previous="ab" * 32, credit=0, debit=50, body=body)


class QueueMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.service = FakeService()
        for name in LEDGERS:
            self.service.open_ledger(name, SHA256, signed=False)
        self.bulk = BulkService(Starlette(), self.service)
        self.faults: list[str] = []
        self.added: dict[int, Record] = {}
        self.dropped: set[int] = set()
        self.verbs: Verbs | None = None

    @initialize(private=st.booleans())
    def begin(self, *, private: bool) -> None:
        self.private = private
        self.restart()

    @rule()
    def restart(self) -> None:
        """As after kill -9: nothing is closed."""
        options = Options(
            url="http://127.0.0.1",
            key=None,
            private=self.private,
            store=self.home / "private.db" if self.private else None,
            signing_key=None,
            network=None,
            receipt_keys=None,
            retry_s=0.0,
            queue=self.home / "queue",
            window=WindowSize(3),
            drain=False,
        )
        self.verbs = options.verbs()

    @property
    def queue(self) -> Queue:
        assert self.verbs is not None
        return self.verbs.with_queue.queue

    @rule(
        numbers=st.lists(st.integers(0, 12), min_size=1, max_size=6),
        ledger=st.sampled_from(LEDGERS),
        spend=st.booleans(),
        in_turn=st.booleans(),
    )
    def add(self, *, numbers: list[int], ledger: str, spend: bool, in_turn: bool) -> None:
        records = [(spending if spend else donation_in)(number, ledger) for number in numbers]
        for record, result in zip(records, self.queue.add(records, in_turn=in_turn), strict=True):
            assert isinstance(result, Queued)
            self.added[result.id] = record

    @rule(faults=st.lists(st.sampled_from(FAULTS), max_size=6))
    def drain(self, faults: list[str]) -> None:
        self.faults = faults
        try:
            self.run(self.verbs_now.drain(None))
        except Unavailable:
            pass
        except Crash:
            self.restart()

    @property
    def verbs_now(self) -> Verbs:
        assert self.verbs is not None
        return self.verbs

    @precondition(lambda self: self.added)
    @rule(data=st.data())
    def mend(self, data: st.DataObject) -> None:
        places = data.draw(st.lists(st.sampled_from(sorted(self.added)), max_size=3))
        self.queue.retry(places)

    @precondition(lambda self: self.added)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        self.queue.drop([data.draw(st.sampled_from(sorted(self.added)))])
        here = {place for (place,) in self.queue._db.rows("SELECT id FROM records")}
        self.dropped |= self.added.keys() - here

    def run(self, steps: Steps[Drained]) -> Drained:
        result: Any = None
        error: Exception | None = None
        try:
            while True:
                step = steps.throw(error) if error is not None else steps.send(result)
                result, error = None, None
                try:
                    if isinstance(step, Begin):
                        result = Ticket(self.attempt(step.call))
                    elif isinstance(step, Await):
                        result = step.ticket.result
                        if isinstance(result, Exception):
                            result, error = None, result
                    elif isinstance(step, Call):
                        result = self.attempt(step)
                        if isinstance(result, Exception):
                            result, error = None, result
                    else:
                        assert isinstance(step, Pause)
                except Crash:
                    steps.close()
                    raise
        except StopIteration as stop:
            drained: Drained = stop.value
            return drained

    def attempt(self, call: Call[Any]) -> Any:
        name = call.path.removeprefix("/v1/ledgers/")
        if call.method == "GET":
            return self.service.ledger(name)
        fault = self.faults.pop(0) if self.faults else "fine"
        if fault == "crash before":
            raise Crash
        if fault == "never came":
            return ServiceUnavailable("refused")
        assert call.body is not None
        ledger, _, noun = name.removesuffix(":bulk").rpartition("/")
        lines = list(self.bulk._answer(ledger, noun, call.body.splitlines()))
        if fault == "crash after":
            raise Crash
        return ServiceUnavailable("reset") if fault == "answer lost" else changed(lines, fault)

    @invariant()
    def nothing_is_there_twice(self) -> None:
        for name in LEDGERS:
            commitments = [kept.commitment for kept in self.service.books[name].entries]
            assert len(commitments) == len(set(commitments))
            records = [kept.record for kept in self.service.books[name].entries if kept.record]
            assert len({(record.reference, record.revision) for record in records}) == len(records)

    @invariant()
    def every_record_waits_or_has_its_outcome(self) -> None:
        if self.verbs is None:
            return
        pending = self.queue.pending()
        assert pending.waiting + pending.refused + pending.accepted == len(self.added.keys() - self.dropped)
        entries = {kept.commitment: kept for name in LEDGERS for kept in self.service.books[name].entries}
        for place, _, outcome in self.queue.outcomes():
            if isinstance(outcome, Accepted):
                assert entries[outcome.commitment].receipt == outcome.receipt
                assert outcome.reference == self.added[place].reference

    def teardown(self) -> None:
        if self.verbs is not None:
            self.faults = []
            self.run(self.verbs.drain(None))
            self.check_drained()
        shutil.rmtree(self.home)

    def check_drained(self) -> None:
        """What waits still waits for something that was refused; what was accepted is there."""
        self.every_record_waits_or_has_its_outcome()
        assert self.queue.next(0, self.queue.newest(), WindowSize(), ()) is None
        refused = self.queue.pending().refused
        assert refused or not self.queue.pending().waiting
        count = sum(len(self.service.books[name].entries) for name in LEDGERS)
        accepted = {o.commitment for _, _, o in self.queue.outcomes() if isinstance(o, Accepted)}
        assert len(accepted) <= count
        if not self.dropped:
            assert len(accepted) == count


def donation_in(number: int, ledger: str) -> Record:
    return donation(number, ledger=ledger)


def changed(lines: Sequence[bytes], fault: str) -> bytes:
    """Return an answer as a fault leaves it."""
    if fault == "cut":
        return b"".join(lines)[: sum(map(len, lines)) // 2]
    if fault == "shuffled":
        return b"".join([*lines[-2::-1], lines[-1]])
    if fault == "doubled":
        return b"".join([*lines[:-1], *lines])
    assert fault == "fine", json.dumps(fault)
    return b"".join(lines)


TestQueue = QueueMachine.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
