"""The report of a long verification: a first line that says against what, then a line of JSON a file.

A run that was killed leaves whole lines and perhaps a broken last one, which is cut off. What the lines say is looked
up by the file's SHA-256 in a temporary database, so that memory stays flat.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

import orjson

from chainsvc.errors import FileRefused
from chainsvc.verify.verdict import INVALID, UNDETERMINED, Outcome

FORMAT = "chainsvc-verification/1"
"""Version of the report; its first line states it."""

_TABLE = """
PRAGMA journal_mode = OFF;
CREATE TABLE known (sha256 BLOB PRIMARY KEY, verdict TEXT, exit_code INTEGER, reason TEXT) WITHOUT ROWID;
BEGIN;
"""


class Known(NamedTuple):
    """What a report says of one file.

    Attributes:
        sha256: Of the file, 32 bytes.
        verdict: ``valid``, a standing, ``invalid`` or ``undetermined``.
        exit_code: See :attr:`chainsvc.verify.verdict.Verdict.exit_code`.
        reason: The step that did not pass, None for a verdict that needs none.
    """

    sha256: bytes
    verdict: str
    exit_code: int
    reason: str | None


class VerificationReport:
    """A report that lines are added to."""

    def __init__(self, path: Path, against: Mapping[str, Any]) -> None:
        """Open the report, or begin it.

        Args:
            path: The file.
            against: What the verdicts rest on; a report that rests on something else is refused.

        Raises:
            OSError: It can't be read or written.
            FileRefused: It is no such report, or rests on something else.
        """
        self._path = path
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(_TABLE)
        first = orjson.dumps({"format": FORMAT, "against": against}) + b"\n"
        self._file = path.open("r+b" if path.exists() else "w+b")
        try:
            self._read(first)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._db.close()

    def __enter__(self) -> Self:
        """Use it in a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def known(self, digest: bytes) -> Known | None:
        """Return what the report said, when it was opened, of the file with this SHA-256."""
        row = self._db.execute("SELECT * FROM known WHERE sha256 = ?", (digest,)).fetchone()
        return None if row is None else Known(*row)

    def add(self, lines: Iterable[bytes]) -> None:
        """Add lines; a kill afterwards does not take them back."""
        self._file.write(b"".join(lines))
        self._file.flush()

    def _read(self, first: bytes) -> None:
        found = self._file.readline(len(first) + 1)
        if found and not first.startswith(found):  # a kill may have cut the first line short
            hint = "Name another file for another verification."
            message = "the report is of a verification against something else, or no report"
            where = str(self._path)
            raise FileRefused(message, expected=first.decode().strip(), got=_shown(found), where=where, hint=hint)
        if found != first:
            self._cut(0)
            self.add([first])
            return
        whole = len(first)
        for line in self._file:
            known = _known(line)
            if known is None:
                break
            self._db.execute("INSERT OR REPLACE INTO known VALUES (?,?,?,?)", known)
            whole += len(line)
        self._cut(whole)

    def _cut(self, size: int) -> None:
        self._file.seek(size)
        self._file.truncate()


def known_of(value: Mapping[str, Any]) -> Known:
    """Read a line's object.

    Raises:
        KeyError: A member is missing; also TypeError or ValueError for wrong ones.
    """
    reason = _reason(value["steps"]) if value["verdict"] in (INVALID, UNDETERMINED) else None
    return Known(bytes.fromhex(value["sha256"]), value["verdict"], value["exitCode"], reason)


def _reason(steps: Sequence[Mapping[str, Any]]) -> str | None:
    """Name the step that stands in the way: the first that failed, else the first that was not checked."""
    for outcome in (Outcome.FAILED, Outcome.NOT_CHECKED):
        for step in steps:
            if step["outcome"] == outcome:
                return f"step {step['number']} {step['name']}: {step['reason']}"
    return None


def _known(line: bytes) -> Known | None:
    """Read a line; None for one that a kill cut short."""
    with suppress(ValueError, KeyError, TypeError):
        return known_of(orjson.loads(line)) if line.endswith(b"\n") else None
    return None


def _shown(line: bytes) -> str:
    return line[:200].decode(errors="replace").strip()
