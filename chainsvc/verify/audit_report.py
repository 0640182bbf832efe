"""What an audit of a whole ledger found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

FORMAT = "chainsvc-audit/1"
"""Version of the JSON form."""

MAX_FINDINGS = 1000
"""Findings that a report lists; more are counted."""

COMPLETE, FINDINGS, UNDETERMINED = "complete", "findings", "undetermined"
"""Outcomes of an audit."""

_EXIT_CODES = {COMPLETE: 0, UNDETERMINED: 11, FINDINGS: 13}
OUTCOMES_ZH = {COMPLETE: "完整一致", FINDINGS: "发现问题", UNDETERMINED: "无法判定"}
"""Chinese of each outcome."""


def exit_code_of(outcome: str) -> int:
    """Return the exit status of an outcome: 0 complete, 11 undetermined, 13 findings."""
    return _EXIT_CODES[outcome]


def gravest(outcomes: Iterable[str]) -> str:
    """Return the gravest of several outcomes; ``complete`` of none."""
    return max(outcomes, key=exit_code_of, default=COMPLETE)


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One thing that is not as it must be.

    Attributes:
        code: Stable name, e.g. ``gap``; all are listed in :mod:`chainsvc.verify.completeness`.
        message: One sentence.
        seq: Entry it is about, or None.
        batch: Batch it is about, or None.
        expected: What would be right, or what the chain holds.
        got: What the export says, or what was recomputed from it.
    """

    code: str
    message: str
    seq: int | None = None
    batch: int | None = None
    expected: str | None = None
    got: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the finding's JSON form."""
        return {
            "code": self.code,
            "message": self.message,
            "seq": self.seq,
            "batch": self.batch,
            "expected": self.expected,
            "got": self.got,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read the JSON form."""
        return cls(**value)

    @property
    def place(self) -> str:
        """Where it is, for a table."""
        parts = [
            f"seq {self.seq}" if self.seq is not None else "",
            f"batch {self.batch}" if self.batch is not None else "",
        ]
        return ", ".join(filter(None, parts)) or "ledger"


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The answer of an audit.

    Attributes:
        ledger: Ledger name, empty when the export has no readable first line.
        network: Network id of the descriptor, 32 bytes.
        entries: Entries read.
        batches: Batches read.
        changes: Changes of standing read.
        readable: Entries whose record was in the export and was recomputed.
        credit: Sum of all credits, in fen.
        debit: Sum of all debits, in fen.
        head: Head after the last batch, recomputed; None without batches.
        block: Block at which the chain was read, None when it was not.
        trust: Whose word the chain's state is, None as above.
        unread: Why the chain was not read, None when it was.
        findings: The first thousand.
        found: How many there are.
        notes: What was not checked.
    """

    ledger: str
    network: bytes
    entries: int
    batches: int
    changes: int
    readable: int
    credit: int
    debit: int
    head: bytes | None
    block: int | None
    trust: str | None
    unread: str | None
    findings: Sequence[AuditFinding]
    found: int
    notes: Sequence[str]

    @property
    def outcome(self) -> str:
        """``complete``, ``findings``, or ``undetermined`` when nothing was found but the chain was not read."""
        if self.found:
            return FINDINGS
        return COMPLETE if self.unread is None else UNDETERMINED

    @property
    def exit_code(self) -> int:
        """0 complete, 11 undetermined, 13 findings."""
        return _EXIT_CODES[self.outcome]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read the report's JSON form."""
        stated = {field.name: value[field.name] for field in fields(cls)}
        stated["network"] = bytes.fromhex(value["network"])
        stated["head"] = None if value["head"] is None else bytes.fromhex(value["head"])
        stated["findings"] = tuple(map(AuditFinding.from_json, value["findings"]))
        return cls(**stated | {"notes": tuple(value["notes"])})

    def to_json(self) -> dict[str, Any]:
        """Return the report's JSON form; bytes as hex."""
        return {
            "format": FORMAT,
            "outcome": self.outcome,
            "outcomeZh": OUTCOMES_ZH[self.outcome],
            "exitCode": self.exit_code,
            "ledger": self.ledger,
            "network": self.network.hex(),
            "entries": self.entries,
            "batches": self.batches,
            "changes": self.changes,
            "readable": self.readable,
            "credit": self.credit,
            "debit": self.debit,
            "head": self.head.hex() if self.head else None,
            "block": self.block,
            "trust": self.trust,
            "unread": self.unread,
            "findings": [finding.to_json() for finding in self.findings],
            "found": self.found,
            "notes": list(self.notes),
        }


class FindingList:
    """Collects findings, and only counts those beyond the limit: an audit's memory stays flat."""

    def __init__(self) -> None:
        """Start without findings."""
        self.kept: list[AuditFinding] = []
        self.found = 0

    def state(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"kept": [finding.to_json() for finding in self.kept], "found": self.found}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a :meth:`state`."""
        self.kept, self.found = list(map(AuditFinding.from_json, state["kept"])), state["found"]

    def add(
        self,
        code: str,
        message: str,
        *,
        seq: int | None = None,
        batch: int | None = None,
        expected: object = None,
        got: object = None,
    ) -> None:
        """Add one finding."""
        self.found += 1
        if len(self.kept) < MAX_FINDINGS:
            texts = (None if value is None else str(value) for value in (expected, got))
            self.kept.append(AuditFinding(code, message, seq, batch, *texts))
