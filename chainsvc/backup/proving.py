"""The proof of a restored journal: it agrees with itself, and every ledger with the chain."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from chainsvc.journal import ledgers
from chainsvc.journal.check import Disagreement, disagreements
from chainsvc.journal.ledgers import Ledger
from chainsvc.network import Network
from chainsvc.verify.audit_report import FINDINGS, AuditReport, exit_code_of, gravest
from chainsvc.verify.completeness import Progress, audit_export
from chainsvc.verify.sources import Source

Export = Callable[[Ledger], Iterator[bytes]]
"""Gives the lines of a ledger's export, records included."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found.

    Attributes:
        disagreements: Where the journal contradicts itself.
        audits: One report a ledger, by name.
    """

    disagreements: tuple[Disagreement, ...]
    audits: tuple[AuditReport, ...]

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
        }


def prove(
    engine: Engine, export: Export, network: Network, source: Source | None, progress: Callable[[str], Progress]
) -> Proof:
    """Check the whole journal.

    Args:
        engine: The journal; it has read everything that the chain reports.
        export: Of a ledger.
        network: The operator's descriptor.
        source: A node; None compares with nothing.
        progress: Gives, for a ledger's name, what is told of its audit.
    """
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
        broken = disagreements(conn)
        known = ledgers.listing(conn)
    audits = [audit_export(export(one), network, source, progress=progress(one.name)) for one in known]
    return Proof(broken, tuple(audits))
