"""A small ledger on paper with everything that an audit looks at."""

from dataclasses import dataclass
from typing import Any

from support.paper_chain import PaperChain, PaperNode
from support.paper_evidence import LEDGER, PaperLedger, corrected, donation

from chainsvc.heads import Status
from chainsvc.record import Record
from chainsvc.verify.audit_report import AuditReport
from chainsvc.verify.completeness import audit_export


@dataclass
class Book:
    """A ledger of nine donations in three batches, one of them corrected and one revoked."""

    chain: PaperChain
    ledger: PaperLedger
    corrected: int
    correction: int
    revoked: int

    def audit(self, lines: list[bytes] | None = None, **options: Any) -> AuditReport:
        """Audit against the chain."""
        lines = self.ledger.export() if lines is None else lines
        return audit_export(lines, self.chain.network, PaperNode(self.chain), **options)


def cause(target: int, commitment: bytes, status: str = "revoked") -> Record:
    body = {
        "target": {"ledger": LEDGER, "seq": target, "commitment": commitment.hex()},
        "status": status,
        "reason": "登记有误",
    }
    return Record("status.cause.v1", LEDGER, f"CAUSE-{target}", 0, None, 0, 0, "2026-09-02T10:00:00+08:00", body)


def make_book() -> Book:
    """Return a fresh, honest book."""
    chain = PaperChain()
    ledger = PaperLedger(chain)
    records = [donation(number, 100 + number) for number in range(6)]
    seqs = ledger.anchor(records)
    correction, *_ = ledger.anchor([corrected(records[2], ledger.entry(seqs[2]).commitment, 90), donation(7)])
    chain.mark(ledger.id, seqs[2], Status.SUPERSEDED, (ledger.id, correction))
    (made,) = ledger.anchor([cause(seqs[4], ledger.entry(seqs[4]).commitment)])
    chain.mark(ledger.id, seqs[4], Status.REVOKED, (ledger.id, made))
    return Book(chain, ledger, seqs[2], correction, seqs[4])
