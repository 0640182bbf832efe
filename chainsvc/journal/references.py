"""The keyed index of business references: one entry for each (ledger, reference, revision)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    Integer,
    LargeBinary,
    Select,
    bindparam,
    cast,
    column,
    func,
    select,
    true,
)

from chainsvc.journal.entries import Entry, entries_at, probe
from chainsvc.journal.tables import chunks, entries, refs, seeds

ReferenceKey = tuple[bytes, int]
"""Reference index (32 bytes) and revision."""


@dataclass(frozen=True, slots=True)
class Known:
    """An entry found by its reference, with what recomputes its commitment from content handed in again.

    Attributes:
        reference_index: 32 bytes.
        revision: 0, 1, …
        entry: The entry.
        wrapped_key: Its chunk's key, wrapped; None where the service keeps no records.
        sealed_seed: Its sealed seed; None in the same case.
    """

    reference_index: bytes
    revision: int
    entry: Entry
    wrapped_key: bytes | None
    sealed_seed: bytes | None


_PROBED = bindparam("indices", type_=ARRAY(LargeBinary)), bindparam("revisions", type_=ARRAY(Integer))
_WANTED = (
    func.unnest(*_PROBED)
    .table_valued(column("reference_index", LargeBinary), column("revision", Integer))
    .render_derived("wanted")
)
_PROBE = (
    select(refs)
    .where(
        refs.c.ledger_id == bindparam("ledger_id"),
        refs.c.reference_index == _WANTED.c.reference_index,
        refs.c.revision == _WANTED.c.revision,
    )
    .offset(0)  # one look-up each, whatever the planner thinks of the table's size
    .lateral()
)
_FIND = select(*_PROBE.c).select_from(_WANTED.join(_PROBE, true()))


def find_existing(conn: Connection, ledger_id: bytes, keys: Sequence[ReferenceKey]) -> dict[ReferenceKey, Known]:
    """Return those of the references that the ledger has; cheapest when it has none of them."""
    indices, revisions = [index for index, _ in keys], [revision for _, revision in keys]
    values = {"ledger_id": ledger_id, "indices": indices, "revisions": revisions}
    entry_ids = [row.entry_id for row in conn.execute(_FIND, values)]
    if not entry_ids:
        return {}
    here = refs.c.ledger_id == ledger_id, refs.c.entry_id == func.any(cast(entry_ids, ARRAY(BigInteger)))
    return {(known.reference_index, known.revision): known for known in _known(conn, select(refs).where(*here))}


def by_reference(conn: Connection, ledger_id: bytes, reference_index: bytes, revision: int) -> Known | None:
    """Return the entry of one revision of a reference."""
    return find_existing(conn, ledger_id, [(reference_index, revision)]).get((reference_index, revision))


def latest(conn: Connection, ledger_id: bytes, reference_index: bytes) -> Known | None:
    """Return the highest revision of a reference."""
    query = select(refs).where(refs.c.ledger_id == ledger_id, refs.c.reference_index == reference_index)
    return next(iter(_known(conn, query.order_by(refs.c.revision.desc()).limit(1))), None)


def _known(conn: Connection, place: Select[Any]) -> list[Known]:
    places = place.subquery()
    entry = probe(entries, places, "ledger_id", "chunk_id")
    seed, key = probe(seeds, places, "sealed_seed"), probe(chunks, entry, "wrapped_key")
    query = entries_at(places, places.c.reference_index, places.c.revision, key.c.wrapped_key, seed.c.sealed_seed)
    rows: Any = conn.execute(query.join(entry, true()).join(key, true()).outerjoin(seed, true()))
    return [Known(row[-4], row[-3], Entry(*row[:-4]), row[-2], row[-1]) for row in map(tuple, rows)]
