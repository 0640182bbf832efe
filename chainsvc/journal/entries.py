"""Entries: what was accepted, and where each one stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Connection, LargeBinary, Select, and_, cast, column, func, select, true

from chainsvc.errors import NotFound
from chainsvc.journal.chunks import chunk_of, index_of
from chainsvc.journal.tables import chunks, entries, ledgers, sealed


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


ENTRY_COLUMNS = (
    entries.c.ledger_id,
    entries.c.entry_id,
    entries.c.commitment,
    entries.c.previous,
    entries.c.credit,
    entries.c.debit,
    chunks.c.accepted_at,
    chunks.c.anchor_by,
    sealed.c.seq,
    sealed.c.k,
)
"""What an ``Entry`` is made of, in its order."""

ENTRY_TABLES = entries.join(
    chunks, and_(chunks.c.ledger_id == entries.c.ledger_id, chunks.c.chunk_id == entries.c.chunk_id)
).outerjoin(sealed, and_(sealed.c.ledger_id == entries.c.ledger_id, sealed.c.entry_id == entries.c.entry_id))
"""Where they come from."""


def by_id(conn: Connection, ledger_id: bytes, entry_id: int) -> Entry:
    """Return the entry of that number.

    Raises:
        NotFound: The ledger has no such entry.
    """
    return _one(conn, _of(ledger_id).where(entries.c.entry_id == entry_id), entry_id)


def by_commitment(conn: Connection, ledger_id: bytes, commitment: bytes) -> Entry:
    """Return the entry of that commitment.

    Raises:
        NotFound: The ledger has no such entry.
    """
    return _one(conn, _of(ledger_id).where(entries.c.commitment == commitment), commitment.hex())


def by_seq(conn: Connection, ledger_id: bytes, seq: int) -> Entry:
    """Return the entry at that position.

    Raises:
        NotFound: The ledger does not reach so far.
    """
    sealed_there = _of(ledger_id).where(sealed.c.ledger_id == ledger_id, sealed.c.seq == seq)
    return _one(conn, sealed_there, f"seq {seq}")


def find(conn: Connection, commitment: bytes) -> tuple[Entry, ...]:
    """Return the entries of a commitment in all ledgers.

    One at most is honest, since a record names its ledger; a commitment handed over without its record may repeat.
    """
    every = select(*ENTRY_COLUMNS).select_from(ledgers.join(ENTRY_TABLES, ledgers.c.ledger_id == entries.c.ledger_id))
    rows: Any = conn.execute(every.where(entries.c.commitment == commitment).order_by(entries.c.entry_id))
    return tuple(Entry(*row) for row in rows)


def find_by_commitments(conn: Connection, ledger_id: bytes, commitments: Sequence[bytes]) -> dict[bytes, Entry]:
    """Return those of the commitments that the ledger has, by commitment.

    One index probe for each: ``OFFSET 0`` keeps the planner from scanning the ledger instead.
    """
    wanted = (
        func.unnest(cast(list(commitments), ARRAY(LargeBinary)))
        .table_valued(column("commitment", LargeBinary))
        .render_derived("wanted")
    )
    probe = (
        select(*ENTRY_COLUMNS)
        .select_from(ENTRY_TABLES)
        .where(entries.c.ledger_id == ledger_id, entries.c.commitment == wanted.c.commitment)
        .offset(0)
        .lateral("found")
    )
    rows = conn.execute(select(*probe.c).select_from(wanted.join(probe, true())))
    return {row.commitment: Entry(*row) for row in rows}


def page(conn: Connection, ledger_id: bytes, *, after_seq: int = -1, limit: int = 100) -> tuple[Entry, ...]:
    """Return sealed entries in seq order, from the one after ``after_seq``; the order never changes."""
    query = (
        select(*ENTRY_COLUMNS)
        .select_from(ENTRY_TABLES)
        .where(sealed.c.ledger_id == ledger_id, sealed.c.seq > after_seq)
        .order_by(sealed.c.seq)
        .limit(limit)
    )
    rows: Any = conn.execute(query)
    return tuple(Entry(*row) for row in rows)


def count(conn: Connection, ledger_id: bytes) -> int:
    """Return how many entries the ledger has accepted; reads the whole index."""
    return int(conn.execute(select(func.count()).where(entries.c.ledger_id == ledger_id)).scalar_one())


def _of(ledger_id: bytes) -> Select[Any]:
    return select(*ENTRY_COLUMNS).select_from(ENTRY_TABLES).where(entries.c.ledger_id == ledger_id)


def _one(conn: Connection, query: Select[Any], wanted: object) -> Entry:
    found: Any = conn.execute(query).first()
    if found is None:
        raise NotFound("the ledger has no such entry", got=wanted)
    return Entry(*found)
