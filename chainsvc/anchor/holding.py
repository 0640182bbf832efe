"""Holding: one lease as a worker has it, and the transactions that only its holder may commit."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine

from chainsvc.errors import LeaseLost, Unavailable
from chainsvc.journal import leases
from chainsvc.journal.leases import Lease
from chainsvc.logs import get_logger

log = get_logger(__name__)

_RENEWALS = 3  # in the length of a lease


class Hold:
    """Takes a lease when it is free, renews it in time, and fences what its holder makes durable; thread-safe.

    This process's clock only decides when to renew; whether the lease is held, the database says.
    """

    def __init__(self, engine: Engine, name: str, holder: str, length_s: float) -> None:
        """Hold nothing yet.

        Args:
            engine: The journal.
            name: What to hold, see :mod:`chainsvc.journal.leases`.
            holder: Who this is, for people.
            length_s: After how many seconds of silence another one takes over.
        """
        self._engine = engine
        self._name = name
        self._holder = holder
        self._length_s = length_s
        self._lease: Lease | None = None
        self._renewed_at = 0.0
        self._lock = threading.Lock()

    @property
    def lease(self) -> Lease | None:
        """The lease as it was last known; None when another one has it."""
        return self._lease

    def keep(self, trouble: str | None = None) -> bool:
        """Take the lease or renew it, where that is due; tell whether it is held.

        Args:
            trouble: What is wrong with the holder, for others to read.

        Raises:
            DatabaseUnavailable: Nothing is known; the lease may run out meanwhile.
        """
        with self._lock:
            if self._lease is None:
                self._take()
            elif time.monotonic() - self._renewed_at >= self._length_s / _RENEWALS:
                self._renew(self._lease, trouble)
            return self._lease is not None

    def _take(self) -> None:
        asked_at = time.monotonic()
        with self._engine.begin() as conn:
            self._lease = leases.acquire(conn, self._name, self._holder, self._length_s)
        if self._lease is not None:
            self._renewed_at = asked_at

    def _renew(self, lease: Lease, trouble: str | None) -> None:
        asked_at = time.monotonic()
        with self._engine.begin() as conn:
            if leases.renew(conn, lease, trouble):
                self._renewed_at = asked_at
                return
        self._lease = None
        log.warning("lease_lost", lease=self._name, token=lease.token)

    @contextmanager
    def step(self) -> Iterator[Connection]:
        """Give a transaction that commits only while the lease is held.

        Raises:
            LeaseLost: It is not; nothing was written.
            DatabaseUnavailable: Whether it was written is not known; the next round finds out.
        """
        if not self.keep() or (lease := self._lease) is None:
            raise LeaseLost("another worker is at it", where=self._name)
        with self._engine.begin() as conn:
            self._fence(conn, lease)
            yield conn

    def _fence(self, conn: Connection, lease: Lease) -> None:
        try:
            leases.fence(conn, lease)
        except LeaseLost:
            self._renewed_at = -math.inf  # renew now, or learn that another one has it
            raise

    def release(self) -> None:
        """Let the next one take it at once, as far as the database answers."""
        with self._lock:
            lease, self._lease = self._lease, None
            if lease is not None:
                with suppress(Unavailable), self._engine.begin() as conn:
                    leases.release(conn, lease)
