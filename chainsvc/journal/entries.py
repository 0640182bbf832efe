"""Entries: what was accepted, and where each one stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    FromClause,
    LargeBinary,
    Select,
    Table,
    and_,
    bindparam,
    column,
    exists,
    func,
    select,
    true,
)

from chainsvc.errors import NotFound
from chainsvc.journal.chain_tables import batches, sealed
from chainsvc.journal.chunks import chunk_of, index_of
from chainsvc.journal.columns import CHUNK_SIZE
from chainsvc.journal.tables import chunks, entries, ledgers, open_chunks


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted entry.

    Attributes:
        ledger_id: 32 bytes.
        entry_id: The journal's number.
        commitment: 32 bytes.
        previous: Commitment of the prior revision, or None.
        credit: Fen.
        debit: Fen.
        accepted_at: Unix seconds.
        anchor_by: Unix seconds; the receipt's deadline.
        seq: Position in the ledger; None until it is sealed.
        k: Its batch; None until it is sealed.
    """

    ledger_id: bytes
    entry_id: int
    commitment: bytes
    previous: bytes | None
    credit: int
    debit: int
    accepted_at: int
    anchor_by: int
    seq: int | None
    k: int | None

    @property
    def chunk_id(self) -> int:
        """Its chunk."""
        return chunk_of(self.entry_id)

    @property
    def chunk_index(self) -> int:
        """Its position in the chunk."""
        return index_of(self.entry_id)


def probe(table: Table, place: FromClause, *columns: str) -> FromClause:
    """Look one row up by the place's ledger_id and entry_id (chunk_id for chunks); ``OFFSET 0`` keeps it a look-up.

    Without it the planner, which has no statistics of a young table, scans whole tables to join a hundred rows.
    """
    by = "chunk_id" if table is chunks else "entry_id"
    same = (table.c.ledger_id == place.c.ledger_id, table.c[by] == place.c[by])
    return select(*(table.c[name] for name in columns)).where(*same).offset(0).lateral()


def entries_at(places: FromClause, *columns: ColumnElement[Any]) -> Select[Any]:
    """Select the ``Entry`` columns, and then ``columns``, for places that have a ledger_id and an entry_id."""
    entry = probe(entries, places, "ledger_id", "entry_id", "chunk_id", "commitment", "previous", "credit", "debit")
    chunk = probe(chunks, entry, "accepted_at", "anchor_by")
    seq = probe(sealed, places, "seq", "k")
    facts = (*(column for column in entry.c if column.name != "chunk_id"), *chunk.c, *seq.c)
    found = places.join(entry, true()).join(chunk, true()).outerjoin(seq, true())
    return select(*facts, *columns).select_from(found)


_PLACE = (entries.c.ledger_id, entries.c.entry_id)
_GIVEN = bindparam("commitments", type_=ARRAY(LargeBinary))
_WANTED = func.unnest(_GIVEN).table_valued(column("commitment", LargeBinary)).render_derived("wanted")
_BY_COMMITMENT = (
    select(*_PLACE)
    .where(entries.c.ledger_id == bindparam("ledger_id"), entries.c.commitment == _WANTED.c.commitment)
    .offset(0)
    .lateral()
)
_FIND_BY_COMMITMENTS = entries_at(
    select(*_BY_COMMITMENT.c).select_from(_WANTED.join(_BY_COMMITMENT, true())).subquery()
)
_PAGE = (
    select(sealed.c.ledger_id, sealed.c.entry_id)
    .where(sealed.c.ledger_id == bindparam("ledger_id"), sealed.c.seq > bindparam("after_seq"))
    .order_by(sealed.c.seq)
    .limit(bindparam("limit"))
    .subquery()
)
_FIND_PAGE = entries_at(_PAGE)


def by_id(conn: Connection, ledger_id: bytes, entry_id: int) -> Entry:
    """Return the entry of that number.

    Raises:
        NotFound: The ledger has no such entry.
    """
    return _one(conn, select(*_PLACE).where(entries.c.ledger_id == ledger_id, entries.c.entry_id == entry_id), entry_id)


def by_commitment(conn: Connection, ledger_id: bytes, commitment: bytes) -> Entry:
    """Return the entry of that commitment.

    Raises:
        NotFound: The ledger has no such entry.
    """
    place = select(*_PLACE).where(entries.c.ledger_id == ledger_id, entries.c.commitment == commitment)
    return _one(conn, place, commitment.hex())


def by_seq(conn: Connection, ledger_id: bytes, seq: int) -> Entry:
    """Return the entry at that position.

    Raises:
        NotFound: The ledger does not reach so far.
    """
    place = select(sealed.c.ledger_id, sealed.c.entry_id).where(sealed.c.ledger_id == ledger_id, sealed.c.seq == seq)
    return _one(conn, place, f"seq {seq}")


def find(conn: Connection, commitment: bytes) -> tuple[Entry, ...]:
    """Return the entries of a commitment in all ledgers.

    One at most is honest, since a record names its ledger; a commitment handed over without its record may repeat.
    """
    here = (entries.c.ledger_id == ledgers.c.ledger_id, entries.c.commitment == commitment)
    probe = select(*_PLACE).where(*here).offset(0).lateral()
    places = select(*probe.c).select_from(ledgers.join(probe, true())).subquery()
    return _all(conn, entries_at(places).order_by(places.c.entry_id))


def find_by_commitments(conn: Connection, ledger_id: bytes, commitments: Sequence[bytes]) -> dict[bytes, Entry]:
    """Return those of the commitments that the ledger has, by commitment."""
    found = _all(conn, _FIND_BY_COMMITMENTS, ledger_id=ledger_id, commitments=list(commitments))
    return {entry.commitment: entry for entry in found}


def credit_after(conn: Connection, ledger_id: bytes, chunk_id: int) -> int:
    """Return the credit in fen of all entries in chunks numbered above this one."""
    later = and_(entries.c.ledger_id == ledger_id, entries.c.entry_id >= (chunk_id + 1) * CHUNK_SIZE)
    return int(conn.execute(select(func.coalesce(func.sum(entries.c.credit), 0)).where(later)).scalar_one())


def page(conn: Connection, ledger_id: bytes, *, after_seq: int = -1, limit: int = 100) -> tuple[Entry, ...]:
    """Return sealed entries in seq order, from the one after ``after_seq``; the order never changes."""
    found = _all(conn, _FIND_PAGE, ledger_id=ledger_id, after_seq=after_seq, limit=limit)
    return tuple(sorted(found, key=lambda entry: entry.seq or 0))


def count(conn: Connection, ledger_id: bytes) -> int:
    """Return how many entries the ledger has: those with a seq by the last batch, lost ones too, the others counted."""
    last = select(func.coalesce(func.max(batches.c.first + batches.c.count), 0)).where(batches.c.ledger_id == ledger_id)
    chunk = select(open_chunks.c.chunk_id).where(open_chunks.c.ledger_id == ledger_id).subquery()
    inside = (
        entries.c.entry_id >= chunk.c.chunk_id * CHUNK_SIZE,
        entries.c.entry_id < (chunk.c.chunk_id + 1) * CHUNK_SIZE,
    )
    has_seq = exists().where(sealed.c.ledger_id == entries.c.ledger_id, sealed.c.entry_id == entries.c.entry_id)
    waiting = select(func.count()).select_from(entries.join(chunk, and_(*inside)))
    waiting = waiting.where(entries.c.ledger_id == ledger_id, ~has_seq)
    return int(conn.execute(select(last.scalar_subquery() + waiting.scalar_subquery())).scalar_one())


def _all(conn: Connection, query: Select[Any], **values: object) -> tuple[Entry, ...]:
    rows: Any = conn.execute(query, values)
    return tuple(Entry(*row) for row in rows)


def _one(conn: Connection, place: Select[Any], wanted: object) -> Entry:
    found = _all(conn, entries_at(place.subquery()))
    if not found:
        raise NotFound("the ledger has no such entry", got=wanted)
    return found[0]
