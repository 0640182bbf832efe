"""Bulk intake: chunks of lines go in one after the other, drafted ahead by other processes, and are answered in order.

Each chunk is one transaction, like any other. The usual one takes the short way:

1. draft      in another process, while the chunks before it are stored     (``drafting``)
2. lock       the ledger's sums; admit the chunk as a whole                 (``short_way``)
3. copy       chunk, entries, references, seeds, records; what is there already fails the transaction
4. commit     then answer

What that can't take (a repetition, a correction, an overspending, a signed chunk) goes the long way, which asks the
journal first, record by record. A crash before a commit leaves nothing of its chunk; the sender's repetition after it
gets the first receipts.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
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
from chainsvc.intake.long_way import Line, LongWay, Noun
from chainsvc.intake.short_way import Begun, ShortWay
from chainsvc.intake.telling import Answer, lines_of, outcomes_of, problem, stored
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
        largest_chunk: Most records in a line that holds a signed chunk.
    """

    engine: Engine
    intake: Intake
    drafters: Drafters
    largest_chunk: int

    def open(self, ledger: Ledger, noun: Noun, submitted_by: str | None, emit: Callable[[bytes], None]) -> "Bulk":
        """Return a stream whose answers go to ``emit``, a line each."""
        return Bulk(self, ledger, noun, submitted_by, emit)


class _Job(NamedTuple):
    """A chunk on its way: what came, and its draft where the short way may do."""

    lines: Sequence[Line]
    begun: Begun | None = None
    drafting: Drafting | None = None


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
        while self._jobs:
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
        line = next(iter(self._unanswered), self._last + 1)
        self._tell({"stopped": {"line": line, "problem": problem_of(error)}})

    def _begun(self, lines: Sequence[Line]) -> _Job:
        if self._ledger.signed or self._ledger.closed:
            return _Job(lines)
        begun = self._short.begin(self._ledger, [data for _, data in lines], private=self._noun == "commitments")
        return _Job(lines, begun, self._door.drafters.submit(begun.task))

    def _settle(self) -> None:
        job = self._jobs.popleft()
        for answer in self._shortly(job) or self._long.take(job.lines):
            self._tell(answer)

    def _shortly(self, job: _Job) -> list[Answer] | None:
        """Return the answers of a chunk that could go the short way, else None."""
        if job.begun is None or job.drafting is None:
            return None
        drafted = self._door.drafters.result(job.drafting, job.begun.task)
        if drafted is None:
            return None
        answers = [problem(job.lines[place][0], told) for place, told in drafted.refused]
        if drafted.commitments:
            chunk = self._short.store(self._ledger, job.begun, drafted, self._submitted_by)
            if chunk is None:
                return None
            numbers = [job.lines[place][0] for place in drafted.places]
            answers.insert(0, stored(numbers, drafted.commitments, chunk.receipt(0, ())))
        for _, told in drafted.refused:
            metrics.RECORDS_REFUSED.labels(told["code"]).inc()
        return answers

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
