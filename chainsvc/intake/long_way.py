"""The long way into the journal for bulk lines: each is read here and looked up before it goes in."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal, TypeAlias

from chainsvc import jcs
from chainsvc.bodies import CommittedItem, Item, commitment_chunk, committed_item, record_chunk, record_line
from chainsvc.client.problems import problem_of, result_json
from chainsvc.errors import ChainsvcError, ChunkMixed, MalformedInput, SignatureRefused
from chainsvc.intake.chunk import Outcome
from chainsvc.intake.telling import Answer, known, problem, stored
from chainsvc.receipt import Submission
from chainsvc.record import MAX_DEPTH

Noun = Literal["records", "commitments"]
"""What the lines hold."""

Line: TypeAlias = tuple[int, bytes]
"""Number and content of a line; the first has number 1."""

_Read: TypeAlias = Item | CommittedItem | ChainsvcError


@dataclass(frozen=True, slots=True)
class LongWay:
    """Takes lines of one ledger.

    Attributes:
        ledger: Its name.
        noun: What a line is.
        largest_chunk: Most records or commitments in one line.
        accept: Accepts items together, under the submission where there is one.
    """

    ledger: str
    noun: Noun
    largest_chunk: int
    accept: Callable[[Sequence[Any], Submission | None], list[Outcome]]

    def take(self, lines: Sequence[Line]) -> Iterator[Answer]:
        """Accept what can go in and yield the answers.

        Raises:
            LedgerClosed: The ledger takes no more.
            Unavailable: The lines without an answer did not go in, or will be found by sending them again.
        """
        for is_chunk, some in groupby(lines, self._is_chunk):
            take = self._chunks if is_chunk else self._singles
            yield from take(list(some))

    def _is_chunk(self, line: Line) -> bool:
        data = line[1]
        if f'"{self.noun}"'.encode() not in data:
            return False
        try:
            value = jcs.loads(data, max_bytes=len(data), max_depth=MAX_DEPTH + 2)
        except ChainsvcError:
            return False
        return type(value) is dict and self.noun in value

    def _singles(self, lines: Sequence[Line]) -> Iterator[Answer]:
        read = [(number, self._read(data)) for number, data in lines]
        good = [(number, item) for number, item in read if not isinstance(item, ChainsvcError)]
        bad = [(number, item) for number, item in read if isinstance(item, ChainsvcError)]
        try:
            outcomes = self.accept([item for _, item in good], None) if good else []
        except SignatureRefused as error:
            outcomes = [error] * len(good)
        settled = [(number, outcome) for (number, _), outcome in zip(good, outcomes, strict=True)]
        yield from told([*settled, *bad])

    def _chunks(self, lines: Sequence[Line]) -> Iterator[Answer]:
        for number, data in lines:
            try:
                yield {"line": number, "results": [result_json(outcome) for outcome in self._chunk(data)]}
            except (MalformedInput, SignatureRefused, ChunkMixed) as error:
                yield problem(number, problem_of(error))

    def _chunk(self, data: bytes) -> list[Outcome]:
        if self.noun == "commitments":
            items, submission = commitment_chunk(data, self.largest_chunk)
            return self.accept(items, submission)
        chunk = record_chunk(data, self.ledger, self.largest_chunk)
        return chunk.accept(lambda good: self.accept(good, chunk.submission))

    def _read(self, data: bytes) -> _Read:
        if self.noun == "records":
            return record_line(data, self.ledger)
        try:
            return committed_item(jcs.loads(data, max_bytes=len(data), max_depth=MAX_DEPTH))
        except ChainsvcError as error:
            return error


def told(settled: Sequence[tuple[int, Outcome]]) -> Iterator[Answer]:
    """Yield the answers of lines accepted together: first the chunk of the new ones, then the others in order."""
    new = [(number, o) for number, o in settled if not isinstance(o, ChainsvcError) and not o.again]
    if new:
        in_chunk = sorted(new, key=lambda pair: pair[1].receipt.index)
        yield stored([number for number, _ in in_chunk], [o.commitment for _, o in in_chunk], in_chunk[0][1].receipt)
    for number, outcome in sorted(settled, key=lambda pair: pair[0]):
        if isinstance(outcome, ChainsvcError):
            yield problem(number, problem_of(outcome))
        elif outcome.again:
            yield known(number, outcome)
