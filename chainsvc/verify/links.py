"""How the entries of one ledger hang together: revisions, changes of standing and their causes.

Kept in a temporary SQLite file that its process alone sees and that vanishes with it, so that a ledger of millions
needs no more memory than a small one; an audit that can be resumed keeps it in a file of its own.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

from chainsvc.crypto.suites import sha256
from chainsvc.heads import ZERO, Status
from chainsvc.record import Record
from chainsvc.schemas import Schema
from chainsvc.verify.audit_report import FindingList

_VANISHES = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
_STAYS = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
_TABLES = """
CREATE TABLE IF NOT EXISTS saved (one INTEGER PRIMARY KEY CHECK (one = 1), state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY, commitment BLOB NOT NULL, reference BLOB, revision INTEGER, previous BLOB, change INTEGER,
    net INTEGER, effect INTEGER, effect_reference BLOB,
    target_seq INTEGER, target_commitment BLOB, target_status INTEGER
);
CREATE TABLE IF NOT EXISTS changes (
    number INTEGER PRIMARY KEY, seq INTEGER NOT NULL, status INTEGER NOT NULL, cause_seq INTEGER
);
CREATE INDEX IF NOT EXISTS by_target ON changes (seq, status, cause_seq);
CREATE TABLE IF NOT EXISTS words (seq INTEGER PRIMARY KEY, word BLOB NOT NULL);
"""

_INDEXES = """
CREATE INDEX IF NOT EXISTS by_commitment ON entries (commitment);
CREATE INDEX IF NOT EXISTS by_reference ON entries (reference, revision) WHERE reference IS NOT NULL;
"""  # made at the end: sorting once is several times faster than finding a place for each entry

_DUPLICATE_COMMITMENTS = """
SELECT later.seq, min(first.seq) FROM entries later JOIN entries first USING (commitment)
WHERE first.seq < later.seq GROUP BY later.seq ORDER BY later.seq
"""
_DUPLICATE_REFERENCES = """
SELECT later.seq, min(first.seq) FROM entries later JOIN entries first USING (reference, revision)
WHERE first.seq < later.seq GROUP BY later.seq ORDER BY later.seq
"""
_REVISIONS = """
SELECT e.seq, e.previous, p.seq, e.revision, p.revision, e.reference = p.reference, e.change, e.net - p.net,
    EXISTS (SELECT 1 FROM changes c WHERE c.seq = p.seq AND c.status = ? AND c.cause_seq = e.seq)
FROM entries e LEFT JOIN entries p ON p.commitment = e.previous
WHERE e.revision > 0 ORDER BY e.seq
"""
_EFFECTS = """
SELECT e.seq, e.effect, min(t.seq) FROM entries e JOIN entries t ON t.reference = e.effect_reference
WHERE e.effect IS NOT NULL AND t.seq <> e.seq GROUP BY e.seq
HAVING NOT max(EXISTS (SELECT 1 FROM changes c WHERE c.seq = t.seq AND c.status = e.effect AND c.cause_seq = e.seq))
ORDER BY e.seq
"""
_CAUSES = """
SELECT c.seq, c.status, c.cause_seq, cause.seq IS NULL OR cause.seq = c.seq
FROM changes c LEFT JOIN entries cause ON cause.seq = c.cause_seq LEFT JOIN entries t ON t.seq = c.seq
WHERE c.cause_seq IS NOT NULL AND (cause.seq IS NULL OR cause.seq = c.seq OR (cause.net IS NOT NULL AND NOT (
    (c.status = ? AND cause.previous IS NOT NULL AND cause.previous = t.commitment)
    OR (cause.effect IS NOT NULL AND cause.effect = c.status
        AND (t.reference IS NULL OR cause.effect_reference = t.reference))
    OR (cause.target_seq IS NOT NULL AND cause.target_seq = c.seq AND cause.target_commitment = t.commitment
        AND cause.target_status = c.status))))
ORDER BY c.number
"""


class Meaning(NamedTuple):
    """What the audit keeps of a readable record; nothing that could be read again.

    Attributes:
        reference: Hash of the reference.
        revision: 0, 1, …
        previous: Commitment of the revision before, or None.
        net: Credit minus debit as the body says, or None where its schema is not known.
        effect: Standing that it gives another record, or None.
        effect_reference: Hash of that one's reference, or None.
        target_seq: Entry of this ledger that it names as its target, or None.
        target_commitment: Commitment that it names for it, or None.
        target_status: Standing that it names for it, or None.
    """

    reference: bytes
    revision: int
    previous: bytes | None
    net: int | None
    effect: int | None
    effect_reference: bytes | None
    target_seq: int | None
    target_commitment: bytes | None
    target_status: int | None

    @classmethod
    def of(cls, record: Record, schema: Schema | None) -> Self:
        """Take a record that fits its schema; None for a schema that is not known."""
        previous = bytes.fromhex(record.previous) if record.previous else None
        if schema is None:
            return cls(_hashed(record.reference), record.revision, previous, None, None, None, None, None, None)
        credit, debit = schema.amounts(record.body)
        affected = schema.affected(record.body)
        target_seq, target_commitment = _target(record)
        effect = _status(schema.effect.status if schema.effect else None)
        return cls(
            reference=_hashed(record.reference),
            revision=record.revision,
            previous=previous,
            net=credit - debit,
            effect=effect,
            effect_reference=_hashed(affected) if affected else None,
            target_seq=target_seq,
            target_commitment=target_commitment,
            target_status=_status(record.body.get("status")) if effect is None else effect,
        )


Row = tuple[Any, ...]
"""What the links keep of an entry, in the order of its table."""


def row_of(seq: int, commitment: bytes, change: int, meaning: Meaning | None) -> Row:
    """Return what is kept of an entry; ``change`` is its credit less its debit."""
    if meaning is None:
        return (seq, commitment, *_NOTHING)
    return (seq, commitment, *meaning[:3], change, *meaning[3:])


_NOTHING = (None,) * 10


def _target(record: Record) -> tuple[int | None, bytes | None]:
    """Return the entry of the same ledger that a cause names: ``{ledger, seq, commitment}`` in its body."""
    target = record.body.get("target") or record.body.get("registration")
    if not isinstance(target, Mapping) or target.get("ledger") != record.ledger:
        return None, None
    seq, commitment = target.get("seq"), target.get("commitment")
    return seq, bytes.fromhex(commitment) if isinstance(commitment, str) else None


def _status(name: object) -> int | None:
    return Status.__members__.get(str(name).upper())


class Links:
    """The index of one audit."""

    def __init__(self, path: Path | None = None) -> None:
        """Open a private temporary database (SQLite documentation, "Temporary Databases"), or a file that stays.

        Raises:
            sqlite3.Error: The file can't be written, or is something else.
        """
        self._db = sqlite3.connect("" if path is None else path, isolation_level=None)
        self._db.executescript((_VANISHES if path is None else _STAYS) + _TABLES + "BEGIN;")

    def saved(self) -> str | None:
        """Return what :meth:`save` kept last."""
        row = self._db.execute("SELECT state FROM saved").fetchone()
        return None if row is None else str(row[0])

    def save(self, state: str) -> None:
        """Keep the state together with everything that was added; a crash before leaves what was saved before."""
        self._db.execute("INSERT OR REPLACE INTO saved VALUES (1, ?)", (state,))
        self._db.execute("COMMIT")
        self._db.execute("BEGIN")

    def forget(self) -> None:
        """Drop everything but the saved state, with the next :meth:`save`."""
        for table in ("entries", "changes", "words"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours

    def close(self) -> None:
        """Drop it."""
        self._db.close()

    def add_entries(self, rows: Iterable[Row]) -> None:
        """Keep entries; a seq that was there before is replaced, since the audit has told of it."""
        self._db.executemany("INSERT OR REPLACE INTO entries VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", rows)

    def word_of(self, seq: int) -> bytes:
        """Return the entry's status word so far."""
        row = self._db.execute("SELECT word FROM words WHERE seq = ?", (seq,)).fetchone()
        return row[0] if row else ZERO

    def add_change(self, number: int, seq: int, status: int, cause_seq: int | None, word: bytes) -> None:
        """Keep a change; ``cause_seq`` is None for a cause in another ledger."""
        self._db.execute("INSERT INTO changes VALUES (?,?,?,?)", (number, seq, status, cause_seq))
        self._db.execute("INSERT OR REPLACE INTO words VALUES (?,?)", (seq, word))

    def words_between(self, first: int, after: int) -> dict[int, bytes]:
        """Return the words of the changed entries ``first`` to ``after - 1``."""
        return dict(self._db.execute("SELECT seq, word FROM words WHERE seq >= ? AND seq < ?", (first, after)))

    def check(self, findings: FindingList) -> None:
        """Add a finding for each link that is not as it must be."""
        for statement in _INDEXES.strip().split("\n"):
            self._db.execute(statement)
        for seq, first in self._db.execute(_DUPLICATE_COMMITMENTS):
            findings.add("duplicate-commitment", f"the same commitment stands at seq {first}", seq=seq)
        for seq, first in self._db.execute(_DUPLICATE_REFERENCES):
            findings.add("duplicate-reference", f"the same reference and revision stand at seq {first}", seq=seq)
        self._check_revisions(findings)
        for seq, status, target in self._db.execute(_EFFECTS):
            label = Status(status).label
            findings.add(
                "effect-missing", f"no change to {label} follows from it", seq=seq, expected=f"seq {target} {label}"
            )
        for seq, status, cause, unknown in self._db.execute(_CAUSES, (Status.SUPERSEDED,)):
            code, what = (
                ("cause-unknown", "no other entry") if unknown else ("cause-mismatch", "a record about another")
            )
            findings.add(code, f"the cause of {Status(status).label} is {what}", seq=seq, got=f"cause seq {cause}")

    def _check_revisions(self, findings: FindingList) -> None:
        for seq, previous, before, revision, number, same, change, due, superseded in self._revisions():
            if before is None:
                findings.add(
                    "previous-missing", "its previous revision is not in the ledger", seq=seq, expected=previous.hex()
                )
                continue
            if number is not None and (number != revision - 1 or not same):
                got = f"revision {number} at seq {before}"
                findings.add(
                    "revision-order",
                    "it does not follow its previous one",
                    seq=seq,
                    expected=f"revision {revision - 1} of the same reference",
                    got=got,
                )
            if due is not None and change != due:
                message = "credit less debit is not the change from the revision before"
                findings.add("net-change", message, seq=seq, expected=due, got=change)
            if not superseded:
                findings.add("supersede-missing", f"revision at seq {before} is not superseded by it", seq=seq)

    def _revisions(self) -> Iterator[tuple[int, bytes, int | None, int, int | None, int | None, int, int | None, int]]:
        yield from self._db.execute(_REVISIONS, (Status.SUPERSEDED,))


def _hashed(reference: str) -> bytes:
    return sha256(reference.encode())[:16]
