"""The SQLite file below a queue: opening it, changing it all or nothing, and one lock for who drains."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chainsvc.client.queue.schema import SCHEMA, VERSION
from chainsvc.crypto.vault import Vault, vault_of
from chainsvc.errors import ConfigurationRefused, QueueBusy, QueueFull

_BUSY_S = 30.0
_PLAIN = 0xFF  # an extended SQLite error code's part that is the plain one
_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})

PAGE = 256
"""Rows that are read at once, so that a long list keeps nobody from adding."""

_MODES = "A private client's records wait in a queue of their own: give the client its store, or another queue."


class Database:
    """One file; may be used by several threads and processes at once."""

    def __init__(self, path: Path, key_file: Path | None) -> None:
        """Open the file, or make it with mode 0600.

        Raises:
            ConfigurationRefused: It is something else, of a later version, or made with another key.
        """
        self.path = path
        self._lock = threading.RLock()
        self._db = _opened(path, _BUSY_S)
        try:
            self._prepare()
            self.vault = self._open_vault(key_file)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise ConfigurationRefused("not a queue of chainsvc", got=str(error), where=str(path)) from error
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            self._db.execute(f"PRAGMA {pragma}")
        with self.transaction():
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in _statements(SCHEMA):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {VERSION}")
        if version > VERSION:
            raise sqlite3.DatabaseError(f"version {version}, this program knows {VERSION}")

    def _open_vault(self, key_file: Path | None) -> Vault:
        with self.transaction():
            vault = vault_of(key_file, self._fact("vault"))
            self._db.execute("INSERT OR IGNORE INTO facts VALUES ('vault', ?)", (vault.mark,))
        return vault

    def bind(self, mode: str) -> None:
        """Let records of one mode wait here only: what a private client added must never be sent in custody.

        Raises:
            ConfigurationRefused: The queue is of another mode.
        """
        with self.transaction():
            self._db.execute("INSERT OR IGNORE INTO facts VALUES ('mode', ?)", (mode.encode(),))
            bound = (self._fact("mode") or b"").decode()
        if bound != mode:
            raise ConfigurationRefused(
                "the queue is of another mode", expected=bound, got=mode, where=str(self.path), hint=_MODES
            )

    def _fact(self, name: str) -> bytes | None:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do all or nothing.

        Raises:
            QueueFull: The disk takes no more.
        """
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except BaseException as error:
                with suppress(sqlite3.Error):  # some errors have rolled back already
                    self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & _PLAIN in _NO_ROOM:
                    raise QueueFull("the disk takes no more", got=str(error), where=str(self.path)) from error
                raise

    def rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def pages(self, columns: str, where: str) -> Iterator[tuple[Any, ...]]:
        """Yield rows in order of their ids, the first column, a page at a time."""
        last = 0
        while True:
            query = f"SELECT {columns} FROM records WHERE id > ? AND {where} ORDER BY id LIMIT {PAGE}"  # noqa: S608 - our own words
            page = self.rows(query, (last,))
            yield from page
            if len(page) < PAGE:
                return
            last = page[-1][0]

    @contextmanager
    def draining(self) -> Iterator[None]:
        """Hold the right to drain, which one holder at a time has; the system takes it back when that one dies.

        Raises:
            QueueBusy: Another has it.
        """
        lock = _opened(self.path.with_name(f"{self.path.name}.drain"), 0)
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            lock.close()
            raise QueueBusy("another process is draining the queue", where=str(self.path)) from error
        try:
            yield
        finally:
            lock.close()

    def wipe(self) -> None:
        """Take deleted records out of the log beside the file too, unless somebody reads it now."""
        with self._lock, suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()


def _opened(path: Path, busy_s: float) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # before SQLite makes it with the umask's mode
    return sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)


def _statements(script: str) -> Iterator[str]:
    """Cut a script into statements: ``executescript`` would commit on its own."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
