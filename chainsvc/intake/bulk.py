"""Bulk intake: chunks of lines go in one after the other, drafted ahead by other processes, and are answered in order.

Each chunk is one transaction, like any other. The usual one takes the short way:

1. draft      in another process, while the chunks before it are stored     (``drafting``)
2. lock       the ledger's sums; admit the chunk as a whole                 (``short_way``)
3. copy       chunk, entries, references, seeds, records; what is there already fails the transaction
4. commit     in another thread, while the stream reads on and answers the chunk before
5. answer

What that can't take (a repetition, a correction, an overspending, a signed chunk) goes the long way, which asks the
journal first, record by record. A crash before a commit leaves nothing of its chunk; the sender's repetition after it
gets the first receipts.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Engine

from chainsvc import metrics
from chainsvc.client.problems import problem_of
from chainsvc.drafts import Draft
from chainsvc.errors import ChainsvcError
from chainsvc.intake import Intake
from chainsvc.intake.chunk import Outcome
from chainsvc.intake.drafters import Drafters, Drafting
from chainsvc.intake.drafting import Drafted
from chainsvc.intake.long_way import Line, LongWay, Noun
from chainsvc.intake.short_way import Begun, ShortWay
from chainsvc.intake.telling import Answer, lines_of, outcomes_of, problem, stored
from chainsvc.journal.chunks import Chunk
from chainsvc.journal.ledgers import Ledger
from chainsvc.receipt import Submission

_NUMBERS_AHEAD = 4


@dataclass(frozen=True, slots=True)
class BulkIntake:
    """Opens bulk streams.

    Attributes:
        engine: The journal.
        intake: The door, for what needs a look at each record.
        drafters: Who drafts.
        storing: Threads that wait for the database, one for each stream.
        largest_chunk: Most records in a line that holds a signed chunk.
    """

    engine: Engine
    intake: Intake
    drafters: Drafters
    storing: Executor
    largest_chunk: int

    def open(self, ledger: Ledger, noun: Noun, submitted_by: str | None, emit: Callable[[bytes], None]) -> "Bulk":
        """Return a stream whose answers go to ``emit``, a line each."""
        return Bulk(self, ledger, noun, submitted_by, emit)


class _Job(NamedTuple):
    """A chunk on its way: what came, and its draft where the short way may do."""

    lines: Sequence[Line]
    begun: Begun | None = None
    drafting: Drafting | None = None


class _Done(NamedTuple):
    """What became of a chunk that went the short way; no chunk where all of it was refused."""

    drafted: Drafted
    chunk: Chunk | None


class Bulk:
    """One stream of lines into one ledger; used by one thread."""

    def __init__(
        self, door: BulkIntake, ledger: Ledger, noun: Noun, submitted_by: str | None, emit: Callable[[bytes], None]
    ) -> None:
        """Start with no lines."""
        self._door = door
        self._ledger = ledger
        self._noun = noun
        self._submitted_by = submitted_by
        self._emit = emit
        self._short = ShortWay(door.engine, door.intake.promising, door.intake.bar, _NUMBERS_AHEAD)
        self._long = LongWay(ledger.name, noun, door.largest_chunk, self._accepted)
        self._jobs: deque[_Job] = deque()
        self._storing: tuple[_Job, Future[_Done | None]] | None = None
        self._counts: Counter[str] = Counter()
        self._unanswered: dict[int, None] = {}
        self._last = 0

    def put(self, lines: Sequence[Line]) -> None:
        """Take a chunk of at least one line; returns when there is room for the next.

        Raises:
            ChainsvcError: The chunks without an answer did not go in; nothing more may be put.
        """
        self._last = lines[-1][0]
        self._unanswered |= dict.fromkeys(number for number, _ in lines)
        self._jobs.append(self._begun(lines))
        while len(self._jobs) > self._door.drafters.width:
            self._settle()

    def catch_up(self) -> None:
        """Answer everything put so far.

        Raises:
            ChainsvcError: As :meth:`put`.
        """
        while self._jobs or self._storing:
            self._settle()

    def finish(self) -> None:
        """Answer everything, and say that it was all.

        Raises:
            ChainsvcError: As :meth:`put`.
        """
        self.catch_up()
        counts = {noun: self._counts[noun] for noun in ("lines", "accepted", "known", "refused")}
        self._tell({"end": counts})

    def stop(self, error: ChainsvcError) -> None:
        """Say from which line on nothing is answered, and why."""
        with suppress(ChainsvcError):  # what is being stored all the same is answered
            for answer in self._finished():
                self._tell(answer)
        line = next(iter(self._unanswered), self._last + 1)
        self._tell({"stopped": {"line": line, "problem": problem_of(error)}})

    def leave(self) -> None:
        """Wait for what is being stored: the sender is gone, and no other stream takes its place before that."""
        if self._storing is not None:
            (_, storing), self._storing = self._storing, None
            with suppress(ChainsvcError):  # it is told when the lines are sent again
                storing.result()

    def _begun(self, lines: Sequence[Line]) -> _Job:
        if self._ledger.signed or self._ledger.closed:
            return _Job(lines)
        begun = self._short.begin(self._ledger, [data for _, data in lines], private=self._noun == "commitments")
        return _Job(lines, begun, self._door.drafters.submit(begun.task))

    def _settle(self) -> None:
        """Have the next chunk stored once the one before is, and answer that one meanwhile."""
        answers = self._finished()
        try:
            if self._jobs:
                job = self._jobs.popleft()
                self._storing = job, self._door.storing.submit(self._shortly, job)
        finally:  # it is stored, whatever becomes of the next one
            for answer in answers:
                self._tell(answer)

    def _finished(self) -> Iterable[Answer]:
        """Wait for the chunk that is being stored; one that has to go the long way goes it, and is answered, here."""
        if self._storing is None:
            return ()
        (job, storing), self._storing = self._storing, None
        done = storing.result()
        if done is not None:
            return _answers(job, done)
        for answer in self._long.take(job.lines):
            self._tell(answer)
        return ()

    def _shortly(self, job: _Job) -> _Done | None:
        """Store a chunk that can go the short way; None where it can't."""
        if job.begun is None or job.drafting is None:
            return None
        drafted = self._door.drafters.result(job.drafting, job.begun.task)
        if drafted is None:
            return None
        chunk = None
        if drafted.commitments:
            chunk = self._short.store(self._ledger, job.begun, drafted, self._submitted_by)
            if chunk is None:
                return None
        for _, told in drafted.refused:
            metrics.RECORDS_REFUSED.labels(told["code"]).inc()
        return _Done(drafted, chunk)

    def _accepted(self, items: Sequence[Any], submission: Submission | None) -> list[Outcome]:
        intake = self._door.intake
        if self._noun == "records":
            return intake.accept_records(self._ledger, items, submission, self._submitted_by)
        drafts = [Draft(item.commitment, item.credit, item.debit, item.previous) for item in items]
        return intake.accept_commitments(self._ledger, drafts, submission, self._submitted_by)

    def _tell(self, answer: Answer) -> None:
        for number in lines_of(answer):
            self._unanswered.pop(number, None)
            self._counts["lines"] += 1
        self._counts.update(outcomes_of(answer))
        self._emit(orjson.dumps(answer) + b"\n")


def _answers(job: _Job, done: _Done) -> Iterator[Answer]:
    drafted, chunk = done
    if chunk is not None:
        numbers = [job.lines[place][0] for place in drafted.places]
        yield stored(numbers, drafted.commitments, chunk.receipt(0, ()))
    for place, told in drafted.refused:
        yield problem(job.lines[place][0], told)
