"""The proof of a restored journal: it agrees with itself, and every ledger with the chain."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

from chainsvc.journal import ledgers, lost
from chainsvc.journal.batches import StoredBatch
from chainsvc.journal.check import Disagreement, disagreements
from chainsvc.journal.ledgers import Ledger
from chainsvc.network import Network
from chainsvc.verify.audit_report import FINDINGS, AuditReport, exit_code_of, gravest
from chainsvc.verify.completeness import Progress, audit_export
from chainsvc.verify.sources import Source

Export = Callable[[Ledger], Iterator[bytes]]
"""Gives the lines of a ledger's export, records included."""


@dataclass(frozen=True, slots=True)
class LedgerLosses:
    """What is lost or late in one ledger.

    Attributes:
        name: ``kind/uscc/book``.
        held: Whether it waits for its lost entries.
        batches: With lost entries.
        waiting: Accepted entries that are not final; the service anchors them.
        late: Of these, those that are late by their receipts.
    """

    name: str
    held: bool
    batches: tuple[StoredBatch, ...]
    waiting: int
    late: int

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form; roots in hex."""
        return {
            "ledger": self.name,
            "held": self.held,
            "lost": [lost_json(batch) for batch in self.batches],
            "waiting": self.waiting,
            "late": self.late,
        }


def lost_json(batch: StoredBatch) -> dict[str, Any]:
    """Return the JSON form of a batch with lost entries."""
    return {
        "batch": batch.k,
        "first": batch.first,
        "last": batch.first + batch.count - 1,
        "lost": batch.lost,
        "root": batch.root.hex(),
        "credit": batch.credit,
        "debit": batch.debit,
        "time": None if batch.anchor is None else batch.anchor.time,
    }


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found.

    Attributes:
        disagreements: Where the journal contradicts itself.
        audits: One report a ledger, by name.
        ledgers: What is lost or late, of the same ledgers.
    """

    disagreements: tuple[Disagreement, ...]
    audits: tuple[AuditReport, ...]
    ledgers: tuple[LedgerLosses, ...]

    @property
    def outcome(self) -> str:
        """``complete``, ``findings``, or ``undetermined`` when nothing was found but the chain was not read."""
        if self.disagreements:
            return FINDINGS
        return gravest(report.outcome for report in self.audits)

    @property
    def exit_code(self) -> int:
        """0 complete, 11 undetermined, 13 findings."""
        return exit_code_of(self.outcome)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "outcome": self.outcome,
            "disagreements": [
                {"rule": one.rule, "ledger": one.ledger, "detail": one.detail} for one in self.disagreements
            ],
            "audits": [report.to_json() for report in self.audits],
            "ledgers": [one.to_json() for one in self.ledgers],
        }


def prove(
    engine: Engine,
    export: Export,
    network: Network,
    source: Source | None,
    progress: Callable[[str], Progress],
    *,
    now: int,
) -> Proof:
    """Check the whole journal.

    Args:
        engine: The journal; it has read everything that the chain reports.
        export: Of a ledger.
        network: The operator's descriptor.
        source: A node; None compares with nothing.
        progress: Gives, for a ledger's name, what is told of its audit.
        now: Unix seconds.
    """
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
        broken = disagreements(conn)
        known = ledgers.listing(conn)
        losses = tuple(_losses(conn, ledger, now) for ledger in known)
    audits = [audit_export(export(one), network, source, progress=progress(one.name)) for one in known]
    return Proof(broken, tuple(audits), losses)


def _losses(conn: Connection, ledger: Ledger, now: int) -> LedgerLosses:
    held = ledgers.sums_of(conn, ledger.ledger_id).behind
    waits = lost.waiting(conn, ledger.ledger_id, now)
    return LedgerLosses(ledger.name, held, lost.of_ledger(conn, ledger.ledger_id), *waits)
