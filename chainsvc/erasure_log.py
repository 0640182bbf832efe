"""The erasure log: what was erased, in a file beside the database, for a restore to repeat.

A backup made before an erasure holds what was erased. Its seeds are deleted after some days, which ends that; until
then a restore would bring the record back, did it not read here what has to go again. One line an erasure, of JSON::

    {"commitment":HEX32,"erased_at":N,"erased_by":TEXT,"ledger":HEX32,"reason":TEXT}

A commitment reveals nothing, so the file may be kept for as long as the journal. Keep copies of it apart from the
database: who loses both at once has lost the erasures since the last copy.
"""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainsvc import jcs
from chainsvc.errors import DatabaseUnavailable, MalformedInput
from chainsvc.reading import members_of, text, unhex, whole

MAX_LINE = 65_536
"""Longest line in bytes."""

_MEMBERS = frozenset({"commitment", "erased_at", "erased_by", "ledger", "reason"})
_MAX_DEPTH = 2


@dataclass(frozen=True, slots=True)
class ErasedRecord:
    """One erasure.

    Attributes:
        ledger_id: 32 bytes.
        commitment: Of the entry whose record was erased, 32 bytes.
        erased_at: Unix seconds.
        erased_by: API key or operator.
        reason: Why, without personal data.
    """

    ledger_id: bytes
    commitment: bytes
    erased_at: int
    erased_by: str
    reason: str

    @classmethod
    def from_json(cls, value: Any, where: str) -> "ErasedRecord":
        """Read a line's object."""
        value = members_of(value, _MEMBERS, where)
        return cls(
            unhex(value["ledger"], where, 32),
            unhex(value["commitment"], where, 32),
            whole(value["erased_at"], where),
            text(value["erased_by"], where),
            text(value["reason"], where),
        )

    def to_line(self) -> bytes:
        """Return the line, newline included."""
        value = {
            "ledger": self.ledger_id.hex(),
            "commitment": self.commitment.hex(),
            "erased_at": self.erased_at,
            "erased_by": self.erased_by,
            "reason": self.reason,
        }
        return jcs.dumps(value) + b"\n"


class ErasureLog:
    """One file; several processes may write to it at once.

    Args:
        path: The file; made with the first erasure.
    """

    def __init__(self, path: Path) -> None:
        """Name the file."""
        self.path = path

    def append(self, erased: ErasedRecord) -> None:
        """Add one erasure; on return it is on the disk.

        Raises:
            DatabaseUnavailable: It can't be written.
        """
        try:
            self._append(erased.to_line())
        except OSError as error:
            hint = "An erasure is not done without it: make room, or mend the folder, and ask again."
            reason = error.strerror or type(error).__name__
            raise DatabaseUnavailable("the erasure log can't be written", got=reason, hint=hint) from error

    def _append(self, line: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        number = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(number, fcntl.LOCK_EX)
            size = os.fstat(number).st_size
            cut = size > 0 and os.pread(number, 1, size - 1) != b"\n"  # by a loss of power: that one was never done
            _write(number, (b"\n" if cut else b"") + line)
            os.fsync(number)
        finally:
            os.close(number)

    def read(self) -> tuple[ErasedRecord, ...]:
        """Return every erasure, the oldest first; none where there is no file.

        Raises:
            MalformedInput: A line that is none.
        """
        if not self.path.exists():
            return ()
        with self.path.open("rb") as file:
            lines = enumerate(iter(lambda: file.readline(MAX_LINE + 1), b""), 1)
            return tuple(self._parse(line, number) for number, line in lines)

    def _parse(self, line: bytes, number: int) -> ErasedRecord:
        where = f"{self.path}:{number}"
        try:
            value = jcs.loads(line.removesuffix(b"\n"), max_bytes=MAX_LINE, max_depth=_MAX_DEPTH)
            return ErasedRecord.from_json(value, where)
        except MalformedInput as error:
            hint = "A line that was cut by a loss of power is of an erasure that was not done: remove it."
            raise MalformedInput(f"no line of an erasure log: {error.message}", where=where, hint=hint) from error


def _write(number: int, data: bytes) -> None:
    while data:
        data = data[os.write(number, data) :]
