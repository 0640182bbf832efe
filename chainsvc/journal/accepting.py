"""Accepting: one chunk with its entries, references, seeds and records becomes durable together.

Rows go in as arrays (``unnest``) with the constants outside: one statement a table, at 0.95 of the speed of COPY,
and, unlike COPY, it can say which rows were there already. They go in ascending order of their unique key, so that
two chunks with the same entries in other orders wait for each other instead of deadlocking.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from chainsvc.errors import EntryTaken, MalformedInput
from chainsvc.journal import chunks
from chainsvc.journal.chunks import Chunk, entry_id_of, index_of

_ENTRIES = """
INSERT INTO entries (ledger_id, entry_id, chunk_id, commitment, previous, credit, debit)
SELECT %b, entry_id, %b, commitment, previous, credit, debit
FROM unnest(%b::bigint[], %b::bytea[], %b::bytea[], %b::bigint[], %b::bigint[])
    AS given (entry_id, commitment, previous, credit, debit)
ON CONFLICT DO NOTHING
RETURNING entry_id
"""
_REFS = """
INSERT INTO refs (ledger_id, reference_index, revision, entry_id)
SELECT %b, reference_index, revision, entry_id
FROM unnest(%b::bytea[], %b::int[], %b::bigint[]) AS given (reference_index, revision, entry_id)
ON CONFLICT DO NOTHING
RETURNING entry_id
"""
_SEEDS = """
INSERT INTO seeds (ledger_id, entry_id, sealed_seed)
SELECT %b, entry_id, sealed_seed FROM unnest(%b::bigint[], %b::bytea[]) AS given (entry_id, sealed_seed)
"""
_PAYLOADS = """
INSERT INTO payloads (ledger_id, entry_id, sealed_record)
SELECT %b, entry_id, sealed_record FROM unnest(%b::bigint[], %b::bytea[]) AS given (entry_id, sealed_record)
"""
_OPEN = "INSERT INTO open_chunks (ledger_id, chunk_id) VALUES (%b, %s)"


@dataclass(frozen=True, slots=True)
class NewEntry:
    """One entry to accept; its place in the list is its index in the chunk.

    Attributes:
        commitment: 32 bytes.
        credit: Fen.
        debit: Fen.
        previous: Commitment of the prior revision, 32 bytes, or None.
        reference_index: 32 bytes from ``Envelope.reference_index``; None where no reference was handed over.
        revision: 0, 1, …; goes with ``reference_index``.
        sealed_seed: 48 bytes; None where the service keeps no record, like the next.
        sealed_record: The encrypted record.
    """

    commitment: bytes
    credit: int
    debit: int
    previous: bytes | None = None
    reference_index: bytes | None = None
    revision: int = 0
    sealed_seed: bytes | None = None
    sealed_record: bytes | None = None


def accept_chunk(
    conn: Connection, chunk: Chunk, rows: Sequence[NewEntry], *, late: bool = False, kek_check: bytes | None = None
) -> tuple[int, ...]:
    """Store a chunk with all its entries and return their numbers in the order given.

    ``late`` is for entries that the chain has already, which a closed ledger takes too; ``kek_check`` names the
    key-encryption key that wrapped the chunk's.

    Raises:
        EntryTaken: Some commitments or references are there already (another intake was first). The transaction
            must be rolled back: look those up with ``references.find_existing``, leave them out and accept the rest.
        LedgerClosed: The ledger takes no more entries.
        NotFound: The journal has no such ledger.
        MalformedInput: Not as many rows as the chunk says.
        KekTurned: Another key-encryption key counts by now; roll back and wrap the chunk's key anew.
    """
    if len(rows) != chunk.n:
        raise MalformedInput("the chunk has another number of entries", expected=chunk.n, got=len(rows))
    chunks.add(conn, chunk, late=late, kek_check=kek_check)
    numbered = [(entry_id_of(chunk.chunk_id, index), row) for index, row in enumerate(rows)]
    _add_entries(conn, chunk, numbered)
    _add_refs(conn, chunk, [pair for pair in numbered if pair[1].reference_index is not None])
    _add_values(conn, _SEEDS, chunk, numbered, lambda row: row.sealed_seed)
    _add_values(conn, _PAYLOADS, chunk, numbered, lambda row: row.sealed_record)
    leave_open(conn, chunk)
    return tuple(entry_id for entry_id, _ in numbered)


def leave_open(conn: Connection, chunk: Chunk) -> None:
    """Let sealing look into a chunk."""
    conn.exec_driver_sql(_OPEN, (chunk.ledger_id, chunk.chunk_id))


def _add_entries(conn: Connection, chunk: Chunk, numbered: Sequence[tuple[int, NewEntry]]) -> None:
    ordered = sorted(numbered, key=lambda pair: pair[1].commitment)
    added = conn.exec_driver_sql(
        _ENTRIES,
        (
            chunk.ledger_id,
            chunk.chunk_id,
            [entry_id for entry_id, _ in ordered],
            [row.commitment for _, row in ordered],
            [row.previous for _, row in ordered],
            [row.credit for _, row in ordered],
            [row.debit for _, row in ordered],
        ),
    )
    _check_all_added("commitment", numbered, added.scalars())


def _add_refs(conn: Connection, chunk: Chunk, numbered: Sequence[tuple[int, NewEntry]]) -> None:
    if not numbered:
        return
    ordered = sorted(numbered, key=lambda pair: (pair[1].reference_index, pair[1].revision))
    added = conn.exec_driver_sql(
        _REFS,
        (
            chunk.ledger_id,
            [row.reference_index for _, row in ordered],
            [row.revision for _, row in ordered],
            [entry_id for entry_id, _ in ordered],
        ),
    )
    _check_all_added("reference", numbered, added.scalars())


def _add_values(
    conn: Connection,
    statement: str,
    chunk: Chunk,
    numbered: Sequence[tuple[int, NewEntry]],
    value_of: Callable[[NewEntry], bytes | None],
) -> None:
    given = [(entry_id, value) for entry_id, row in numbered if (value := value_of(row)) is not None]
    if given:
        values = ([entry_id for entry_id, _ in given], [value for _, value in given])
        conn.exec_driver_sql(statement, (chunk.ledger_id, *values))


def _check_all_added(what: str, numbered: Sequence[tuple[int, NewEntry]], added: Iterable[int]) -> None:
    missing = {entry_id for entry_id, _ in numbered}.difference(added)
    if missing:
        raise EntryTaken(what, tuple(sorted(index_of(entry_id) for entry_id in missing)))
