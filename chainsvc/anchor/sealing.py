"""Sealing: accepted entries become batches, one transaction a batch.

How long an entry has waited is told by the database's clock: a worker whose own clock is wrong seals in time.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine

from chainsvc import metrics
from chainsvc.anchor.holding import Hold
from chainsvc.anchor.rebuilding import rebuild
from chainsvc.anchor.sharing import Share
from chainsvc.batch import build_batch, is_due
from chainsvc.crypto.suites import suite_of
from chainsvc.errors import LeaseLost
from chainsvc.journal import batches, leases, ledgers, lost, sealing
from chainsvc.journal.engine import server_time
from chainsvc.journal.ledgers import Ledger
from chainsvc.journal.lost import Behind
from chainsvc.journal.sealing import Backlog
from chainsvc.logs import get_logger
from chainsvc.settings import Settings

log = get_logger(__name__)


class Sealer:
    """Seals the batches that are due in an account's ledgers."""

    def __init__(self, engine: Engine, settings: Settings, hold: Hold, share: Share) -> None:
        """Seal in this journal, by these limits, what is the account's share."""
        self._engine = engine
        self._settings = settings
        self._hold = hold
        self._share = share
        self._now = 0.0
        self._tried: dict[bytes, int | None] = {}
        self.trouble: str | None = None
        self.came_back: set[bytes] = set()
        """Contracts with ledgers whose lost entries came back; what the chain says of these is read anew."""

    def seal_due(self) -> int:
        """Seal what is due in every ledger of the share and return the number of batches.

        Raises:
            LeaseLost: The account's lease is held by another worker.
            DatabaseUnavailable: The next call goes on.
        """
        with self._engine.connect() as conn:
            self._now = server_time(conn)
            waiting = sealing.backlog(conn)
            sealed = batches.waiting(conn)
            self._look_at_held(lost.behind(conn))
        metrics.BACKLOG_ENTRIES.set(sum(b.entries for b in waiting) + sealed.entries)
        oldest = [b.oldest_accepted_at for b in waiting] + ([] if sealed.since is None else [sealed.since])
        self._look_at_age(max(0.0, self._now - min(oldest)) if oldest else 0.0)
        ours = self._share.ledgers
        return sum(self._seal_ledger(backlog) for backlog in waiting if backlog.ledger_id in ours)

    def _look_at_age(self, age: float) -> None:
        settings = self._settings
        longest = max([settings.default_longest_wait_s, *settings.longest_wait_s.values()]) + settings.anchor_margin_s
        metrics.OLDEST_UNANCHORED_SECONDS.set(age)
        late = f"an accepted entry waits for {age:.0f} s, beyond its receipt's deadline"
        self.trouble = late if age > longest else None

    def _seal_ledger(self, backlog: Backlog) -> int:
        sealed = 0
        try:
            while self._seal_one(backlog.ledger_id):
                sealed += 1
        except LeaseLost:  # of this ledger; if it was the account's, the next ledger's step says so too
            self._share.forget(backlog.ledger_id)
        return sealed

    def _seal_one(self, ledger_id: bytes) -> bool:
        """Seal one batch, or return False when none is due.

        A crash before the commit leaves the entries accepted; after it, the batch is sealed.
        """
        with metrics.SEAL_SECONDS.time(), self._hold.step() as conn:
            if (lease := self._hold.lease) is None or not sealing.try_lock(conn, ledger_id):
                return False
            leases.fence_ledgers(conn, lease, [ledger_id])
            ledger = ledgers.by_id(conn, ledger_id)
            if ledgers.sums_of(conn, ledger_id).behind and not self._catch_up(conn, ledger):
                return False
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
                sealed_at=int(self._now),
            )
        metrics.BATCH_ENTRIES.observe(len(batch.members))
        return True

    def _catch_up(self, conn: Connection, ledger: Ledger) -> bool:
        """Bring what came back to where the chain has it; True when nothing is lost any more and sealing goes on."""
        waits = sealing.newest_waiting(conn, ledger.ledger_id)
        if self._tried.get(ledger.ledger_id) == waits:  # nothing came since the last try
            return False
        self._tried[ledger.ledger_id] = waits
        if placed := rebuild(conn, ledger):
            log.warning("entries_came_back", ledger=ledger.name, entries=placed)
            self.came_back.add(ledger.contract)
        return not ledgers.sums_of(conn, ledger.ledger_id).behind

    def _look_at_held(self, held: Sequence[Behind]) -> None:
        metrics.LEDGERS_BEHIND.set(len(held))
        metrics.LOST_ENTRIES.set(sum(one.entries for one in held))

    def _is_due(self, kind: str, count: int, oldest: int | None) -> bool:
        settings = self._settings
        return is_due(
            count=count,
            waited_s=self._now - (oldest or 0),
            smallest=settings.smallest_batch if kind in settings.money_kinds else 1,
            largest=settings.largest_batch,
            longest_wait_s=settings.wait_of(kind),
        )
