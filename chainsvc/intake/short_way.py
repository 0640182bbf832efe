"""The short way into the journal: a drafted chunk goes in whole, by COPY or one statement, or not at all."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from chainsvc import metrics
from chainsvc.errors import EntryTaken, KekTurned, NotEntitled, PolicyRefused
from chainsvc.intake.chunk import Promising
from chainsvc.intake.drafting import Drafted, Task
from chainsvc.journal import accepting, at_once, chunks, copying, entries, ledgers
from chainsvc.journal.at_once import Rows
from chainsvc.journal.chunks import Chunk
from chainsvc.journal.ledgers import Ledger
from chainsvc.policies import Totals, admit


class Begun(NamedTuple):
    """A chunk that is to be drafted.

    Attributes:
        task: For whoever drafts.
        wrapped_key: The chunk key as the journal keeps it; None for commitments, like the next.
        kek_check: Check value of the key-encryption key that wrapped it, or of one before.
    """

    task: Task
    wrapped_key: bytes | None
    kek_check: bytes | None


class ShortWay:
    """Stores drafted chunks, each in its own transaction; one thread begins them, the same or another one stores them.

    Args:
        engine: The journal.
        promising: What the door promises with.
        bar: What the door bars.
        ahead: Chunk numbers drawn at once.
    """

    def __init__(
        self, engine: Engine, promising: Promising, bar: Callable[[Ledger], NotEntitled | None], ahead: int = 1
    ) -> None:
        """Promise like the door itself, and let nothing in that it bars."""
        self._engine = engine
        self._committing = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._promising = promising
        self._bar = bar
        self._ahead = ahead
        self._chunk_ids: list[int] = []

    def begin(self, ledger: Ledger, lines: Sequence[bytes], *, private: bool) -> Begun:
        """Give a chunk its number and a new key.

        Raises:
            DatabaseUnavailable: Nothing has begun.
        """
        envelope, chunk_id = self._promising.envelope, self._next_chunk_id()
        wrapped, key, check = None, None, None
        if not private:
            check = envelope.check_value()
            cipher, wrapped = envelope.new_chunk_key(ledger.ledger_id, chunk_id)
            key = cipher.key
        identity = (ledger.name, ledger.ledger_id, ledger.suite)
        return Begun(Task(*identity, chunk_id, key, envelope.references, lines), wrapped, check)

    def _next_chunk_id(self) -> int:
        if not self._chunk_ids:
            with self._engine.begin() as conn:
                self._chunk_ids = list(chunks.next_ids(conn, self._ahead))
        return self._chunk_ids.pop(0)

    def store_at_once(
        self, ledger: Ledger, begun: Begun, drafted: Drafted, rows: Rows, submitted_by: str | None
    ) -> Chunk | None:
        """Do as :meth:`store`, by one statement where nothing has to be read first.

        Raises:
            LedgerClosed: The ledger takes no more.
            DatabaseUnavailable: All of the chunk is there, or nothing.
        """
        if drafted.debit:
            return self.store(ledger, begun, replace(drafted, packed=rows.packed()), submitted_by)
        if self._bar(ledger) is not None:
            return None
        try:
            with metrics.INTAKE_SECONDS.time(), self._committing.connect() as conn:
                _admit(conn, ledger, begun.task.chunk_id, drafted)
                chunk = self._promised(ledger, begun, drafted, submitted_by)
                if not at_once.add(conn, chunk, rows, drafted.credit, begun.kek_check):
                    return None
        except (EntryTaken, PolicyRefused):
            return None
        metrics.RECORDS_ACCEPTED.labels(ledger.kind).inc(chunk.n)
        return chunk

    def store(self, ledger: Ledger, begun: Begun, drafted: Drafted, submitted_by: str | None) -> Chunk | None:
        """Store a chunk of at least one entry; None when it has to go the way that looks at each record.

        Raises:
            LedgerClosed: The ledger takes no more.
            DatabaseUnavailable: Nothing of the chunk is there.
        """
        if self._bar(ledger) is not None:
            return None
        try:
            with metrics.INTAKE_SECONDS.time(), self._engine.begin() as conn:
                _admit(conn, ledger, begun.task.chunk_id, drafted)
                chunk = self._promised(ledger, begun, drafted, submitted_by)
                if not _began(conn, chunk, drafted, begun.kek_check):
                    return None
                copying.copy(conn, drafted.packed)
        except (EntryTaken, PolicyRefused, KekTurned):
            return None
        metrics.RECORDS_ACCEPTED.labels(ledger.kind).inc(chunk.n)
        return chunk

    def _promised(self, ledger: Ledger, begun: Begun, drafted: Drafted, submitted_by: str | None) -> Chunk:
        numbered = (begun.task.chunk_id, drafted.commitments, begun.wrapped_key)
        return self._promising.chunk(ledger, *numbered, submitted_by=submitted_by)


def _admit(conn: Connection, ledger: Ledger, chunk_id: int, drafted: Drafted) -> None:
    """See that the chunk's policy holds in whatever order its entries anchor; with debit, lock the sums and reserve.

    Its number was drawn before the lock: what is numbered after it anchors after it, so that credit can't pay for it.

    Raises:
        PolicyRefused: It may not hold, or the ledger is held after a restore: some of it may be on chain.
    """
    if not drafted.debit:  # then the sums that are there decide nothing but their own limit, which the statement keeps
        admit(ledger.kind, Totals(0, 0, None), drafted.credit, 0)
        return
    sums = ledgers.hold_sums(conn, ledger.ledger_id)
    if sums.behind:
        raise PolicyRefused("the ledger is held")
    later = entries.credit_after(conn, ledger.ledger_id, chunk_id)
    spent = admit(ledger.kind, Totals(sums.credit - later, sums.debit, sums.budget), 0, drafted.debit)
    admit(ledger.kind, spent, drafted.credit, 0)
    ledgers.reserve(conn, ledger.ledger_id, drafted.credit, drafted.debit)


def _began(conn: Connection, chunk: Chunk, drafted: Drafted, kek_check: bytes | None) -> bool:
    """Store the chunk itself; False where the way that looks at each record has to tell why not."""
    if not drafted.debit:
        return at_once.begin(conn, chunk, drafted.credit, kek_check)
    chunks.add(conn, chunk, kek_check=kek_check)
    accepting.leave_open(conn, chunk)
    return True
