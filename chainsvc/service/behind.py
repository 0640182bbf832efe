"""Ledgers that are held after a restore, in words, for the readiness of every process."""

from dataclasses import dataclass

from sqlalchemy import Engine

from chainsvc.journal import lost


@dataclass(frozen=True, slots=True)
class BehindChain:
    """Looks for ledgers of which the chain knows more than the journal."""

    engine: Engine

    def trouble(self) -> str | None:
        """Return which ledgers are held, and how far behind; None when none is."""
        with self.engine.connect() as conn:
            found = lost.behind(conn)
        return "; ".join(map(str, found)) or None
