"""Receipts kept in a file, as they come: the service's signed promises."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from chainsvc.client import Accepted


@dataclass(frozen=True, slots=True)
class ReceiptFile:
    """Where receipts go.

    Attributes:
        file: An opened file, None to keep none.
    """

    file: BinaryIO | None

    @classmethod
    @contextmanager
    def open(cls, path: Path | None) -> Iterator["ReceiptFile"]:
        """Open a file to append to; None keeps nothing."""
        if path is None:
            yield cls(None)
            return
        with path.open("ab") as file:
            yield cls(file)

    def keep(self, ledger: str, accepted: Accepted) -> None:
        """Append one receipt."""
        if self.file is not None:
            self.file.write(orjson.dumps({"ledger": ledger, **accepted.to_json()}) + b"\n")

    def flush(self) -> None:
        """Give what was appended to the system, so that a kill of this process loses none."""
        if self.file is not None:
            self.file.flush()
