"""Which tables a backup holds, in which part, and in which order they are loaded."""

from typing import Literal

from sqlalchemy import Table

from chainsvc.journal.chain_tables import leases, ledger_leases
from chainsvc.journal.tables import refs, seeds
from chainsvc.journal.webhook_tables import deliveries

Part = Literal["journal", "seeds"]
"""``journal`` is kept as long as the journal itself; ``seeds`` is what an erasure deletes, kept for days."""

PARTS: tuple[Part, ...] = ("journal", "seeds")
"""Both parts."""

SHORT_LIVED = frozenset({seeds.name, refs.name})
"""Tables of the part ``seeds``: a seed opens its record, and a reference can be guessed by who has the key."""

PASSING = frozenset({leases.name, ledger_leases.name})
"""Tables about processes that run now; a restored journal has none."""


def tables() -> tuple[Table, ...]:
    """Return the tables of a backup, each after those that its rows need."""
    return tuple(table for table in deliveries.metadata.sorted_tables if table.name not in PASSING)


def part_of(table: str) -> Part:
    """Return the part that a table belongs to."""
    return "seeds" if table in SHORT_LIVED else "journal"
