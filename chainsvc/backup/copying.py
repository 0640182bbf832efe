"""One table to a file and back, with PostgreSQL's ``COPY … (FORMAT binary)``: the same bytes from version 15 to 18."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql
from sqlalchemy import Connection

from chainsvc.errors import DatabaseUnavailable, MalformedInput

Moved = Callable[[int], None]
"""Called with the number of bytes that were just moved."""

_BLOCK = 1 << 20


class Copied(NamedTuple):
    """What went through: rows, bytes and their SHA-256."""

    rows: int
    size: int
    sha256: bytes


def copy_out(conn: Connection, table: str, columns: Sequence[str], path: Path, moved: Moved) -> Copied:
    """Write a table's rows as this transaction sees them, and bring the file to the disk.

    Raises:
        OSError: The disk is full, or the file can't be written.
        DatabaseUnavailable: The connection broke.
    """
    statement = sql.SQL("COPY {} ({}) TO STDOUT (FORMAT binary)").format(sql.Identifier(table), _listed(columns))
    digest, size = hashlib.sha256(), 0
    with path.open("xb", buffering=_BLOCK) as file, _cursor(conn) as cursor:
        with cursor.copy(statement) as copy:
            for data in copy:
                file.write(data)
                digest.update(data)
                size += len(data)
                moved(len(data))
        file.flush()
        os.fsync(file.fileno())
        return Copied(cursor.rowcount, size, digest.digest())


def copy_in(conn: Connection, table: str, columns: Sequence[str], path: Path, moved: Moved) -> Copied:
    """Load a file into a table.

    Raises:
        MalformedInput: The rows don't fit the table.
        DatabaseUnavailable: The connection broke.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(sql.Identifier(table), _listed(columns))
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file, _cursor(conn) as cursor:
        try:
            with cursor.copy(statement) as copy:
                while data := file.read(_BLOCK):
                    copy.write(data)
                    digest.update(data)
                    size += len(data)
                    moved(len(data))
        except (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError) as error:
            reason = str(error).splitlines()[0]
            raise MalformedInput("the rows do not fit the table", got=reason, where=path.name) from error
        return Copied(cursor.rowcount, size, digest.digest())


def digest_of(path: Path, moved: Moved) -> bytes:
    """Return a file's SHA-256.

    Raises:
        OSError: It can't be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(_BLOCK):
            digest.update(data)
            moved(len(data))
    return digest.digest()


@contextmanager
def _cursor(conn: Connection) -> Iterator[psycopg.Cursor[tuple[object, ...]]]:
    """Give the driver's own cursor, since SQLAlchemy has no COPY; its failures get our names."""
    raw = conn.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    try:
        with raw.cursor() as cursor:
            yield cursor
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DatabaseUnavailable(
            "the journal's database broke off", got=reason, where="CHAINSVC_DATABASE_URL", hint="Start again."
        ) from error


def _listed(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
