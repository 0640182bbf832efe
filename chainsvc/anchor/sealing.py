"""Sealing: accepted entries become batches, one transaction a batch."""

import time
from collections.abc import Callable

from sqlalchemy import Engine

from chainsvc import metrics
from chainsvc.batch import build_batch, is_due
from chainsvc.crypto.suites import suite_of
from chainsvc.journal import batches, ledgers, sealing
from chainsvc.journal.sealing import Backlog
from chainsvc.settings import Settings


class Sealer:
    """Seals the batches that are due."""

    def __init__(self, engine: Engine, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        """Seal in this journal, by these limits."""
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self.trouble: str | None = None

    def seal_due(self) -> int:
        """Seal what is due in every ledger and return the number of batches."""
        with self._engine.connect() as conn:
            waiting = sealing.backlog(conn)
            sealed = batches.waiting(conn)
        metrics.BACKLOG_ENTRIES.set(sum(b.entries for b in waiting) + sealed.entries)
        oldest = [b.oldest_accepted_at for b in waiting] + ([] if sealed.since is None else [sealed.since])
        self._look_at_age(max(0.0, self._clock() - min(oldest)) if oldest else 0.0)
        return sum(self._seal_ledger(backlog) for backlog in waiting)

    def _look_at_age(self, age: float) -> None:
        settings = self._settings
        longest = max([settings.default_longest_wait_s, *settings.longest_wait_s.values()]) + settings.anchor_margin_s
        metrics.OLDEST_UNANCHORED_SECONDS.set(age)
        late = f"an accepted entry waits for {age:.0f} s, beyond its receipt's deadline"
        self.trouble = late if age > longest else None

    def _seal_ledger(self, backlog: Backlog) -> int:
        sealed = 0
        while self._seal_one(backlog.ledger_id):
            sealed += 1
        return sealed

    def _seal_one(self, ledger_id: bytes) -> bool:
        """Seal one batch, or return False when none is due or another process is at it.

        A crash before the commit leaves the entries accepted; after it, the batch is sealed.
        """
        with metrics.SEAL_SECONDS.time(), self._engine.begin() as conn:
            if not sealing.try_lock(conn, ledger_id):
                return False
            ledger = ledgers.by_id(conn, ledger_id)
            waiting = sealing.unsealed(conn, ledger_id, self._settings.largest_batch)
            if not self._is_due(ledger.kind, len(waiting.members), waiting.oldest_accepted_at):
                return False
            tip = sealing.tip(conn, ledger_id)
            batch = build_batch(suite_of(ledger.suite), ledger_id, tip.next_seq, waiting.members)
            sealing.seal(
                conn,
                ledger_id,
                tip,
                [member.entry_id for member in batch.members],
                root=batch.root.hash,
                credit=batch.root.credit,
                debit=batch.root.debit,
                sealed_at=int(self._clock()),
            )
        metrics.BATCH_ENTRIES.observe(len(batch.members))
        return True

    def _is_due(self, kind: str, count: int, oldest: int | None) -> bool:
        settings = self._settings
        return is_due(
            count=count,
            waited_s=self._clock() - (oldest or 0),
            smallest=settings.smallest_batch if kind in settings.money_kinds else 1,
            largest=settings.largest_batch,
            longest_wait_s=settings.wait_of(kind),
        )
