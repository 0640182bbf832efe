"""The private store: records and seeds that never leave their holder, in one SQLite file.

Who has the file can disclose, and who loses it can't any more: back it up. Nothing in it is encrypted; its mode is
0600 and the disk's encryption is the holder's matter. A record is in it before its commitment is sent, so that a
crash between the two repeats the same commitment.
"""

import os
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from chainsvc import jcs
from chainsvc.client.answers import Accepted
from chainsvc.client.kept_receipts import KeptChunk, receipt_at, whole_chunks
from chainsvc.commitment import commit, derive_salts, new_seed
from chainsvc.crypto.suites import Suite
from chainsvc.errors import ChainsvcError, ConfigurationRefused, ReferenceConflict
from chainsvc.record import MAX_BYTES, Record
from chainsvc.shape import commit_record

_STEPS = (
    (
        """
        CREATE TABLE records (
            ledger TEXT NOT NULL, reference TEXT NOT NULL, revision INTEGER NOT NULL,
            commitment BLOB NOT NULL UNIQUE, seed BLOB NOT NULL, record BLOB NOT NULL, receipt BLOB,
            PRIMARY KEY (ledger, reference, revision)
        ) STRICT
        """,
    ),
    (
        "CREATE TABLE chunks (id INTEGER PRIMARY KEY, promise BLOB NOT NULL, ids BLOB NOT NULL) STRICT",
        "ALTER TABLE records ADD COLUMN chunk INTEGER REFERENCES chunks (id)",  # else the receipt is in ``receipt``
        "ALTER TABLE records ADD COLUMN place INTEGER",
    ),
)
"""What makes each version of the file from the one before."""

_COLUMNS = "commitment, seed, record, receipt, promise, ids, place"
_WITHOUT = "commitment = ? AND receipt IS NULL AND chunk IS NULL"
_TABLES = "records LEFT JOIN chunks ON chunks.id = records.chunk"
_BUSY_S = 30.0


class Stored(NamedTuple):
    """One record in the store.

    Attributes:
        commitment: 32 bytes.
        seed: 32 bytes.
        record: The record.
        receipt: Canonical JSON of its receipt, None until it came.
    """

    commitment: bytes
    seed: bytes
    record: Record
    receipt: bytes | None


class PrivateStore:
    """One file; may be used by several threads and processes at once."""

    def __init__(self, path: Path) -> None:
        """Open the store, or make it.

        Raises:
            ConfigurationRefused: The file is something else, or of a later version.
        """
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # before SQLite makes it with the umask's mode
        self._db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise ConfigurationRefused("not a private store of chainsvc", got=str(error), where=str(path)) from error

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA secure_delete = ON")
        self._db.execute("BEGIN IMMEDIATE")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        for step in _STEPS[version:]:
            for statement in step:
                self._db.execute(statement)
        if version < len(_STEPS):
            self._db.execute(f"PRAGMA user_version = {len(_STEPS)}")
        self._db.execute("COMMIT")
        if version > len(_STEPS):
            raise sqlite3.DatabaseError(f"version {version}, this program knows {len(_STEPS)}")

    def keep(
        self, suite: Suite, records: Sequence[Record], written: Sequence[bytes | None] | None = None
    ) -> list[Stored | ChainsvcError]:
        """Store records with new seeds, all in one transaction; one that is there keeps its seed.

        Args:
            suite: Of the ledger.
            records: The records.
            written: Canonical bytes of those that their schema has passed, None for others.

        Returns:
            In order; ``ReferenceConflict`` for a reference that is there with other content, ``MalformedInput`` for
            a record that can't be committed to.
        """
        drafts = zip(records, written or [None] * len(records), strict=True)
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                results = [self._keep_one(suite, record, data) for record, data in drafts]
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        return results

    def _keep_one(self, suite: Suite, record: Record, data: bytes | None) -> Stored | ChainsvcError:
        try:
            plan = data is not None and len(data) <= MAX_BYTES
            pairs = [] if plan else record.flatten()
            data = jcs.dumps(record.to_json()) if data is None else data
            key = (record.ledger, record.reference, record.revision)
            there = self._one("ledger = ? AND reference = ? AND revision = ?", key)
            if there is not None:
                same = jcs.dumps(there.record.to_json()) == data
                return there if same else _conflict(record)
            seed = new_seed()
            salts = derive_salts(suite, seed, len(pairs))
            commitment = commit_record(suite, record, seed) if plan else commit(suite, pairs, salts)
        except ChainsvcError as error:
            return error
        row = (*key, commitment, seed, data)
        self._db.execute(
            "INSERT INTO records (ledger, reference, revision, commitment, seed, record) VALUES (?, ?, ?, ?, ?, ?)", row
        )
        return Stored(commitment, seed, record, None)

    def keep_receipts(self, accepted: Iterable[Accepted]) -> None:
        """Store receipts of records that are here, all in one transaction."""
        chunks, others = whole_chunks(accepted)
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for chunk in chunks:
                    self._keep_chunk(chunk)
                rows = ((receipt, commitment) for commitment, receipt in others)
                self._db.executemany(f"UPDATE records SET receipt = ? WHERE {_WITHOUT}", rows)  # noqa: S608 - our own words
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _keep_chunk(self, chunk: KeptChunk) -> None:
        made = self._db.execute("INSERT INTO chunks (promise, ids) VALUES (?, ?)", (chunk.promise, chunk.ids))
        rows = ((made.lastrowid, place, commitment) for place, commitment in enumerate(chunk.commitments))
        changed = self._db.executemany(f"UPDATE records SET chunk = ?, place = ? WHERE {_WITHOUT}", rows)  # noqa: S608 - our own words
        if changed.rowcount == 0:  # it was kept before
            self._db.execute("DELETE FROM chunks WHERE id = ?", (made.lastrowid,))

    def get(self, commitment: bytes) -> Stored | None:
        """Return the record of that commitment."""
        with self._lock:
            return self._one("commitment = ?", (commitment,))

    def find(self, ledger: str, reference: str, revision: int | None) -> Stored | None:
        """Return a revision, the latest when None."""
        with self._lock:
            if revision is not None:
                return self._one("ledger = ? AND reference = ? AND revision = ?", (ledger, reference, revision))
            return self._one("ledger = ? AND reference = ? ORDER BY revision DESC LIMIT 1", (ledger, reference))

    def forget(self, commitment: bytes) -> None:
        """Delete a record and its seed for good; the pages are overwritten."""
        with self._lock:
            self._db.execute("DELETE FROM records WHERE commitment = ?", (commitment,))
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        """Return the store."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def _one(self, where: str, values: tuple[object, ...]) -> Stored | None:
        row = self._db.execute(f"SELECT {_COLUMNS} FROM {_TABLES} WHERE {where}", values).fetchone()  # noqa: S608 - our own words
        if row is None:
            return None
        commitment, seed, data, receipt, promise, ids, place = row
        if receipt is None and promise is not None:
            receipt = receipt_at(promise, ids, place)
        return Stored(commitment, seed, Record.parse(data), receipt)


def _conflict(record: Record) -> ReferenceConflict:
    return ReferenceConflict(
        "the store has this reference with other content",
        expected="the same record, or a next revision",
        where="/reference",
        hint=f"Send a correction as revision {record.revision + 1} with the commitment of this one as previous.",
    )
