"""Single records, stored in groups: the short way where it does, else the one that looks at each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine

from chainsvc import metrics
from chainsvc.bodies import RecordChunk, record_line
from chainsvc.client.answers import Accepted
from chainsvc.client.problems import error_of
from chainsvc.intake import Intake
from chainsvc.intake.chunk import Outcome
from chainsvc.intake.drafting import Drafted, draft
from chainsvc.intake.gathering import Book
from chainsvc.intake.short_way import ShortWay
from chainsvc.journal.at_once import Rows
from chainsvc.journal.chunks import Chunk
from chainsvc.journal.ledgers import Ledger
from chainsvc.receipt import ChunkTree
from chainsvc.recent import Recent

_NUMBERS_AHEAD = 16
_NUMBERS_FRESH_S = 1.0  # an old number would leave out of account too many entries numbered after it


@dataclass(frozen=True, slots=True)
class Singles:
    """Accepts groups; each book's by one thread at a time.

    Attributes:
        engine: The journal.
        intake: The door, for what needs a look at each record.
        ledger_of: Finds a ledger by name.
    """

    engine: Engine
    intake: Intake
    ledger_of: Callable[[str], Ledger]
    _ways: Recent[Book, ShortWay] = field(default_factory=lambda: Recent(_NUMBERS_FRESH_S))

    def together(self, book: Book, records: Sequence[bytes]) -> Sequence[Outcome]:
        """Accept records as one chunk; the outcomes stand in their order.

        Raises:
            ChainsvcError: None of them went in.
        """
        ledger = self.ledger_of(book.ledger)
        shortly = None if ledger.signed or ledger.closed else self._shortly(ledger, book, records)
        return shortly or self._one_by_one(ledger, book, records)

    def _shortly(self, ledger: Ledger, book: Book, records: Sequence[bytes]) -> list[Outcome] | None:
        short = self._ways.get(book) or self._ways.keep(book, self._new_way())
        begun = short.begin(ledger, records, private=False)
        rows = Rows(ledger.ledger_id, begun.task.chunk_id)
        drafted = draft(begun.task, rows)
        if drafted is None:
            return None
        outcomes: dict[int, Outcome] = {place: error_of(told) for place, told in drafted.refused}
        if drafted.commitments:
            chunk = short.store_at_once(ledger, begun, drafted, rows, book.submitted_by)
            if chunk is None:
                return None
            outcomes |= _accepted(chunk, drafted)
        for _, told in drafted.refused:
            metrics.RECORDS_REFUSED.labels(told["code"]).inc()
        return [outcomes[place] for place in range(len(records))]

    def _new_way(self) -> ShortWay:
        return ShortWay(self.engine, self.intake.promising, self.intake.bar, _NUMBERS_AHEAD)

    def _one_by_one(self, ledger: Ledger, book: Book, records: Sequence[bytes]) -> list[Outcome]:
        chunk = RecordChunk([record_line(record, ledger.name) for record in records], None, single=False)
        return chunk.accept(lambda good: self.intake.accept_records(ledger, good, None, book.submitted_by))


def _accepted(chunk: Chunk, drafted: Drafted) -> dict[int, Outcome]:
    tree = ChunkTree(drafted.commitments)
    named = zip(drafted.places, drafted.commitments, drafted.references, strict=True)
    return {
        place: Accepted(commitment, reference, 0, chunk.receipt(index, tree.path(index)), again=False)
        for index, (place, commitment, reference) in enumerate(named)
    }
