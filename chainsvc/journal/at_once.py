"""A chunk without debit, of which nothing has to be read before it is admitted: lock, sums and chunk in one statement.

A small chunk goes in with all its rows at once: one way to the database and back, and one wait for its disk.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from chainsvc.errors import EntryTaken
from chainsvc.journal.chunks import Chunk, entry_id_of
from chainsvc.journal.copying import Packing
from chainsvc.sumtree import MAX_SUM

# The ledger's share lock comes before the lock on its sums. Nobody holds the second and wants to close the ledger.
_CHUNK = """
WITH opened AS (
    SELECT FROM ledgers WHERE ledger_id = %b AND NOT closed
        AND (%b::bytea IS NULL OR %b = (SELECT kek_check FROM network)) FOR SHARE OF ledgers
), held AS (
    UPDATE totals SET credit = credit + %s
    WHERE ledger_id = %b AND NOT behind AND credit <= %s AND EXISTS (SELECT FROM opened) RETURNING ledger_id
), chunk AS (
    INSERT INTO chunks (ledger_id, chunk_id, n, root, wrapped_key, accepted_at, anchor_by,
        receipt_alg, receipt_pubkey, receipt_signature,
        submission_alg, submission_pubkey, submission_signature, submitted_by)
    SELECT %b, %s, %s, %b, %b, %s, %s, %s, %b, %b, %s, %b, %b, %s FROM held
    RETURNING ledger_id, chunk_id
)
"""
_ROWS = """
, given AS (
    SELECT ledger_id, chunk_id, entry_id, commitment, credit, reference_index, sealed_seed, sealed_record
    FROM chunk, unnest(%b::bigint[], %b::bytea[], %b::bigint[], %b::bytea[], %b::bytea[], %b::bytea[])
        AS rows (entry_id, commitment, credit, reference_index, sealed_seed, sealed_record)
), kept AS (
    INSERT INTO entries (ledger_id, entry_id, chunk_id, commitment, credit, debit)
    SELECT ledger_id, entry_id, chunk_id, commitment, credit, 0 FROM given
), found_by AS (
    INSERT INTO refs (ledger_id, reference_index, revision, entry_id)
    SELECT ledger_id, reference_index, 0, entry_id FROM given
), salted AS (
    INSERT INTO seeds (ledger_id, entry_id, sealed_seed) SELECT ledger_id, entry_id, sealed_seed FROM given
), stored AS (
    INSERT INTO payloads (ledger_id, entry_id, sealed_record) SELECT ledger_id, entry_id, sealed_record FROM given
)
"""
_OPEN = "INSERT INTO open_chunks (ledger_id, chunk_id) SELECT ledger_id, chunk_id FROM chunk"


@dataclass(slots=True)
class Rows:
    """First revisions of one chunk, column by column; its members are called like those of ``Packing``.

    Attributes:
        ledger_id: 32 bytes.
        chunk_id: From ``chunks.next_ids``.
    """

    ledger_id: bytes
    chunk_id: int
    _entries: list[tuple[int, bytes, int, int]] = field(default_factory=list)
    _records: list[tuple[int, bytes, bytes, bytes]] = field(default_factory=list)

    def entry(self, index: int, commitment: bytes, credit: int, debit: int) -> None:
        """Add the entry at ``index``."""
        self._entries.append((index, commitment, credit, debit))

    def record(self, index: int, reference_index: bytes, sealed_seed: bytes, sealed_record: bytes) -> None:
        """Add what is kept of the record at ``index``, at revision 0."""
        self._records.append((index, reference_index, sealed_seed, sealed_record))

    def packed(self) -> dict[str, bytes]:
        """Return the same rows for COPY."""
        packing = Packing(self.ledger_id, self.chunk_id)
        for entry in self._entries:
            packing.entry(*entry)
        for record in self._records:
            packing.record(*record)
        return packing.packed()

    def columns(self) -> tuple[list[int], list[bytes], list[int], list[bytes], list[bytes], list[bytes]]:
        """Return entry numbers, commitments, credits, reference indexes, sealed seeds and sealed records."""
        return (
            [entry_id_of(self.chunk_id, index) for index, _, _, _ in self._entries],
            [commitment for _, commitment, _, _ in self._entries],
            [credit for _, _, credit, _ in self._entries],
            [reference for _, reference, _, _ in self._records],
            [seed for _, _, seed, _ in self._records],
            [record for _, _, _, record in self._records],
        )


def add(conn: Connection, chunk: Chunk, rows: Rows, credit: int, kek_check: bytes | None = None) -> bool:
    """Store a chunk of records without debit, or nothing.

    False when the ledger is closed, held, its sum would pass its limit, or another key-encryption key counts by now.

    Args:
        conn: A connection that commits each statement.
        chunk: With as many entries as ``rows`` has.
        rows: A record for every entry.
        credit: The sum of ``rows``, fen.
        kek_check: Names the key-encryption key that wrapped the chunk's.

    Raises:
        EntryTaken: A commitment or reference is there already; nothing was stored.
        DatabaseUnavailable: All of it is there, or nothing.
    """
    try:
        return _store(conn, _CHUNK + _ROWS + _OPEN, chunk, credit, kek_check, rows.columns())
    except IntegrityError as error:
        if isinstance(error.orig, psycopg.errors.UniqueViolation):
            raise EntryTaken("commitment or reference", ()) from error
        raise


def begin(conn: Connection, chunk: Chunk, credit: int, kek_check: bytes | None = None) -> bool:
    """Store a chunk without debit whose entries follow in the same transaction; False as in :func:`add`."""
    return _store(conn, _CHUNK + _OPEN, chunk, credit, kek_check)


def _store(
    conn: Connection,
    statement: str,
    chunk: Chunk,
    credit: int,
    kek_check: bytes | None,
    columns: Sequence[object] = (),
) -> bool:
    limits = (chunk.ledger_id, kek_check, kek_check, credit, chunk.ledger_id, MAX_SUM - credit)
    return conn.exec_driver_sql(statement, (*limits, *astuple(chunk), *columns)).rowcount == 1
