"""Rows for COPY in PostgreSQL's binary form (its documentation, "COPY", "Binary Format").

Packing is pure and may happen in another process. What is packed goes in as it is: a key that is there already fails
the whole transaction, and the caller then takes the way that asks first (``accepting``).
"""

import struct

import psycopg
from sqlalchemy import Connection

from chainsvc.errors import EntryTaken
from chainsvc.journal.chunks import entry_id_of
from chainsvc.journal.engine import unavailable

_OPENING = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_CLOSING = b"\xff\xff"
_NULL = -1
_COLUMNS = {
    "entries": "ledger_id, entry_id, chunk_id, commitment, previous, credit, debit",
    "refs": "ledger_id, reference_index, revision, entry_id",
    "seeds": "ledger_id, entry_id, sealed_seed",
    "payloads": "ledger_id, entry_id, sealed_record",
}
"""Tables in the order in which they depend on each other."""

_ENTRY = struct.Struct("!hi32siqiqi32siiqiq")
_REF = struct.Struct("!hi32si32siiiq")
_SEED = struct.Struct("!hi32siqi48s")
_PAYLOAD = struct.Struct("!hi32siqi")


class Packing:
    """First revisions of one chunk on their way into four tables.

    Args:
        ledger_id: 32 bytes.
        chunk_id: From ``chunks.next_ids``.
    """

    __slots__ = ("_chunk_id", "_ledger_id", "_parts")

    def __init__(self, ledger_id: bytes, chunk_id: int) -> None:
        """Start with no rows."""
        self._ledger_id = ledger_id
        self._chunk_id = chunk_id
        self._parts: dict[str, list[bytes]] = {table: [_OPENING] for table in _COLUMNS}

    def entry(self, index: int, commitment: bytes, credit: int, debit: int) -> None:
        """Add the entry at ``index``."""
        ident, chunk_id = entry_id_of(self._chunk_id, index), self._chunk_id
        row = (7, 32, self._ledger_id, 8, ident, 8, chunk_id, 32, commitment, _NULL, 8, credit, 8, debit)
        self._parts["entries"].append(_ENTRY.pack(*row))

    def record(self, index: int, reference_index: bytes, sealed_seed: bytes, sealed_record: bytes) -> None:
        """Add what is kept of the record at ``index``, at revision 0."""
        ident, ledger_id, parts = entry_id_of(self._chunk_id, index), self._ledger_id, self._parts
        parts["refs"].append(_REF.pack(4, 32, ledger_id, 32, reference_index, 4, 0, 8, ident))
        parts["seeds"].append(_SEED.pack(3, 32, ledger_id, 8, ident, 48, sealed_seed))
        parts["payloads"] += (_PAYLOAD.pack(3, 32, ledger_id, 8, ident, len(sealed_record)), sealed_record)

    def packed(self) -> dict[str, bytes]:
        """Return each table's rows, tables without rows left out."""
        return {table: b"".join([*rows, _CLOSING]) for table, rows in self._parts.items() if len(rows) > 1}


def copy(conn: Connection, packed: dict[str, bytes]) -> None:
    """Store what was packed; the chunk itself is there already.

    Raises:
        EntryTaken: A commitment or reference is there already; the transaction must be rolled back.
        DatabaseUnavailable: Nothing of the transaction is there.
    """
    try:
        for table in _COLUMNS:
            if table in packed:
                _copy(conn, table, packed[table])
    except psycopg.errors.UniqueViolation as error:
        raise EntryTaken("commitment or reference", ()) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise unavailable(error) from error


def _copy(conn: Connection, table: str, rows: bytes) -> None:
    driver = conn.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({_COLUMNS[table]}) FROM STDIN (FORMAT BINARY)") as into:
        into.write(rows)
