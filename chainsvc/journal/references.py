"""The keyed index of business references: one entry for each (ledger, reference, revision)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Connection, Integer, LargeBinary, Select, and_, cast, column, func, select, true

from chainsvc.journal.entries import ENTRY_COLUMNS, ENTRY_TABLES, Entry
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


_COLUMNS = (refs.c.reference_index, refs.c.revision, chunks.c.wrapped_key, seeds.c.sealed_seed, *ENTRY_COLUMNS)
_TABLES = refs.join(
    ENTRY_TABLES, and_(entries.c.ledger_id == refs.c.ledger_id, entries.c.entry_id == refs.c.entry_id)
).outerjoin(seeds, and_(seeds.c.ledger_id == refs.c.ledger_id, seeds.c.entry_id == refs.c.entry_id))


def find_existing(conn: Connection, ledger_id: bytes, keys: Sequence[ReferenceKey]) -> dict[ReferenceKey, Known]:
    """Return those of the references that the ledger has.

    One index probe for each: ``OFFSET 0`` keeps the planner from scanning the ledger instead.
    """
    indices = cast([index for index, _ in keys], ARRAY(LargeBinary))
    revisions = cast([revision for _, revision in keys], ARRAY(Integer))
    columns = (column("reference_index", LargeBinary), column("revision", Integer))
    wanted = func.unnest(indices, revisions).table_valued(*columns).render_derived("wanted")
    same = (refs.c.reference_index == wanted.c.reference_index, refs.c.revision == wanted.c.revision)
    probe = _of(ledger_id).where(*same).offset(0).lateral("found")
    rows = conn.execute(select(*probe.c).select_from(wanted.join(probe, true())))
    return {(known.reference_index, known.revision): known for known in map(_known, rows)}


def by_reference(conn: Connection, ledger_id: bytes, reference_index: bytes, revision: int) -> Known | None:
    """Return the entry of one revision of a reference."""
    query = _of(ledger_id).where(refs.c.reference_index == reference_index, refs.c.revision == revision)
    row = conn.execute(query).first()
    return None if row is None else _known(row)


def latest(conn: Connection, ledger_id: bytes, reference_index: bytes) -> Known | None:
    """Return the highest revision of a reference."""
    query = _of(ledger_id).where(refs.c.reference_index == reference_index).order_by(refs.c.revision.desc()).limit(1)
    row = conn.execute(query).first()
    return None if row is None else _known(row)


def _of(ledger_id: bytes) -> Select[Any]:
    return select(*_COLUMNS).select_from(_TABLES).where(refs.c.ledger_id == ledger_id)


def _known(row: Any) -> Known:
    reference_index, revision, wrapped_key, sealed_seed, *entry = row
    return Known(reference_index, revision, Entry(*entry), wrapped_key, sealed_seed)
