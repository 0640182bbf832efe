"""What was promised in a drill: every receipt that came back, on disk as soon as it came."""

import json
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from chainsvc.client import Accepted
from chainsvc.record import Record


class Broken(AssertionError):
    """The service broke a promise."""


class Name(NamedTuple):
    """How a business system names one record."""

    ledger: str
    reference: str
    revision: int


@dataclass(frozen=True)
class Amounts:
    """What a record adds to its ledger's sums, in fen."""

    credit: int
    debit: int


class Promises:
    """The log of receipts, and which record has which commitment.

    Attributes:
        receipts: By ledger; one commitment may have several, from repeated answers.
        known: The commitment of each record that was answered.
        amounts: By ledger and commitment.
    """

    def __init__(self, path: Path) -> None:
        self.receipts: dict[str, list[Accepted]] = {}
        self.known: dict[Name, bytes] = {}
        self.amounts: dict[str, dict[bytes, Amounts]] = {}
        self.refused: dict[Name, Record] = {}
        self.counts: Counter[str] = Counter()
        self._log = path.open("a")
        self._lock = threading.Lock()

    def keep(self, record: Record, accepted: Accepted) -> None:
        """Note an answer for a record.

        Raises:
            Broken: The same record got another commitment before.
        """
        name = Name(record.ledger, record.reference, record.revision)
        with self._lock:
            before = self.known.setdefault(name, accepted.commitment)
            if before != accepted.commitment:
                raise Broken(f"{name} is {before.hex()} and {accepted.id}: stored twice")
            self.amounts.setdefault(record.ledger, {})[accepted.commitment] = Amounts(record.credit, record.debit)
            self.counts["records"] = len(self.known)
            self.refused.pop(name, None)
        self.keep_receipt(record.ledger, accepted)

    def keep_receipt(self, ledger: str, accepted: Accepted) -> None:
        """Note a receipt."""
        line = json.dumps({"ledger": ledger, **accepted.to_json()}, ensure_ascii=False)
        with self._lock:
            self._log.write(line + "\n")
            self._log.flush()
            self.receipts.setdefault(ledger, []).append(accepted)
            self.counts["receipts"] += 1

    def refuse(self, record: Record) -> None:
        """Note that a policy refused a record; a late copy of it may still be accepted."""
        with self._lock:
            self.refused[Name(record.ledger, record.reference, record.revision)] = record
            self.counts["refused"] += 1

    def close(self) -> None:
        """Close the file."""
        self._log.close()
