"""Workers: who anchors from this journal, in whatever process, as the leases tell."""

import time
from collections.abc import Callable, Collection

from sqlalchemy import Engine

from chainsvc.journal import leases
from chainsvc.journal.engine import server_time

_FRESH_S = 5.0
_KNOWN_S = 86_400.0  # a worker that was away for longer does not count as one that will come back
_CLOCK_S = 5.0


class Workers:
    """What an API process knows of the workers; thread-safe."""

    def __init__(self, engine: Engine, own: Collection[bytes], clock: Callable[[], float] = time.time) -> None:
        """Look into this journal; ``own`` are this process's accounts, 20 bytes each."""
        self._engine = engine
        self._own = frozenset(own)
        self._clock = clock
        self._seen: tuple[float, frozenset[bytes]] = (0.0, frozenset())

    def accounts(self) -> frozenset[bytes]:
        """Return the accounts of the deployment: this process's, and those of workers seen within a day.

        Raises:
            DatabaseUnavailable: It does not answer.
        """
        asked_at, found = self._seen
        if not 0 <= self._clock() - asked_at < _FRESH_S:
            with self._engine.connect() as conn:
                found = self._own | frozenset(leases.accounts(conn, within_s=_KNOWN_S))
            self._seen = (self._clock(), found)
        return found

    def trouble(self) -> str | None:
        """What is wrong with the workers, in words; None when one is at work and none complains."""
        with self._engine.connect() as conn:
            found = [held for held in leases.held(conn) if held.name != leases.WATCH]
        if not found:
            return "no worker is at work: what is accepted waits to be anchored"
        told = [f"{held.holder}: {held.trouble}" for held in found if held.trouble]
        return "; ".join(told) or None

    def clock_trouble(self) -> str | None:
        """Whether this machine's clock differs from the database's, by which deadlines are kept."""
        with self._engine.connect() as conn:
            ahead = self._clock() - server_time(conn)
        if abs(ahead) <= _CLOCK_S:
            return None
        return f"this machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the database's"
