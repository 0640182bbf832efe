"""Encrypted records and seeds, and their erasure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Connection, LargeBinary, bindparam, column, delete, func, select, true
from sqlalchemy.dialects.postgresql import insert

from chainsvc.journal import outbox
from chainsvc.journal.chunks import chunk_of, index_of
from chainsvc.journal.entries import probe
from chainsvc.journal.tables import chunks, entries, erasures, payloads, refs, seeds


@dataclass(frozen=True, slots=True)
class Payload:
    """What is kept of one record, encrypted.

    Attributes:
        entry_id: The journal's number of the entry.
        wrapped_key: Its chunk's key, wrapped.
        sealed_seed: 48 bytes.
        sealed_record: The record.
    """

    entry_id: int
    wrapped_key: bytes
    sealed_seed: bytes
    sealed_record: bytes

    @property
    def chunk_id(self) -> int:
        """The chunk that the seals are bound to."""
        return chunk_of(self.entry_id)

    @property
    def chunk_index(self) -> int:
        """The index that the seals are bound to."""
        return index_of(self.entry_id)


@dataclass(frozen=True, slots=True)
class Erasure:
    """That a record was erased.

    Attributes:
        ledger_id: 32 bytes.
        entry_id: The journal's number of the entry, which stays in the tree.
        erased_at: Unix seconds.
        erased_by: API key or operator.
        reason: Why, without personal data.
    """

    ledger_id: bytes
    entry_id: int
    erased_at: int
    erased_by: str
    reason: str


_WANTED = (
    func.unnest(bindparam("entry_ids", type_=ARRAY(BigInteger)))
    .table_valued(column("entry_id", BigInteger))
    .render_derived("wanted")
)
_PLACES = select(bindparam("ledger_id", type_=LargeBinary).label("ledger_id"), _WANTED.c.entry_id).subquery()
_ENTRY = probe(entries, _PLACES, "ledger_id", "entry_id", "chunk_id")
_SEED = probe(seeds, _PLACES, "sealed_seed")
_RECORD = probe(payloads, _PLACES, "sealed_record")
_KEY = probe(chunks, _ENTRY, "wrapped_key")
_FIND = select(_ENTRY.c.entry_id, _KEY.c.wrapped_key, _SEED.c.sealed_seed, _RECORD.c.sealed_record).select_from(
    _PLACES.join(_ENTRY, true()).join(_SEED, true()).join(_RECORD, true()).join(_KEY, true())
)


def get(conn: Connection, ledger_id: bytes, entry_id: int) -> Payload | None:
    """Return what is kept; None after erasure, and where only the commitment was handed over."""
    return get_many(conn, ledger_id, [entry_id]).get(entry_id)


def get_many(conn: Connection, ledger_id: bytes, entry_ids: Sequence[int]) -> dict[int, Payload]:
    """Return what is kept of several entries, by entry number."""
    rows: Any = conn.execute(_FIND, {"ledger_id": ledger_id, "entry_ids": list(entry_ids)})
    return {row.entry_id: Payload(*row) for row in rows}


def erase(conn: Connection, ledger_id: bytes, entry_id: int, *, erased_at: int, erased_by: str, reason: str) -> Erasure:
    """Delete seed, record and reference of an entry; repeating it returns the first erasure.

    Commitment, credit and debit stay: the chain still verifies, and nothing is left to guess the record from.

    Raises:
        sqlalchemy.exc.IntegrityError: No such entry (look it up first).
    """
    row = {"ledger_id": ledger_id, "entry_id": entry_id}
    about = {"erased_at": erased_at, "erased_by": erased_by, "reason": reason}
    first = insert(erasures).values(**row, **about).on_conflict_do_nothing().returning(erasures.c.entry_id)
    is_first = conn.execute(first).first() is not None
    for table in (seeds, payloads, refs):
        conn.execute(delete(table).where(table.c.ledger_id == ledger_id, table.c.entry_id == entry_id))
    if is_first:
        outbox.record_erased(conn, ledger_id, entry_id, erased_at)
    return Erasure(*_erasure_row(conn, ledger_id, entry_id).one())


def erasure_of(conn: Connection, ledger_id: bytes, entry_id: int) -> Erasure | None:
    """Return when and why an entry's record was erased; None if it was not."""
    row = _erasure_row(conn, ledger_id, entry_id).first()
    return None if row is None else Erasure(*row)


def _erasure_row(conn: Connection, ledger_id: bytes, entry_id: int) -> Any:
    return conn.execute(select(erasures).where(erasures.c.ledger_id == ledger_id, erasures.c.entry_id == entry_id))
