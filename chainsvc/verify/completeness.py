"""The audit of a whole ledger: is everything there, in order, unchanged, and what the chain says?

Everything is recomputed from the export (:mod:`chainsvc.verify.export`) line by line and compared with the contract's
slots at one block. Findings, by code:

======================  =======================================================================================
malformed               a line that is none; the audit stops there
truncated               the file ends before its last line, or holds less than its first line says
wrong-network           another network than the descriptor's, or a contract that it does not name
wrong-code              the contract at the address has other code than the pinned one
gap                     entries that are missing, by the first one's seq
disorder                an entry or a batch that is not the next one; block numbers or times that go back
leaf-order              entries of a batch that are not in the order of their commitments
commitment-mismatch     a record that is not what its commitment binds
amounts-mismatch        credit or debit of the leaf that are not the record's
record-refused          a record that does not fit its schema, or whose amounts do not follow from its body
head-mismatch           a batch whose recomputed head is not the contract's: changed, moved or inserted entries
unanchored              a batch that the contract does not have
entries-missing         entries that the contract has and the export has not
totals-mismatch         sums that are not the contract's
status-unknown-entry    a change of standing of an entry that is not there
standing-missing        a change of standing that the contract has and the export has not
standing-mismatch       a status word that is not the contract's
duplicate-commitment    two entries of one commitment
duplicate-reference     two entries of one reference and revision
previous-missing        a revision whose previous one is not in the ledger
revision-order          a revision that does not follow its previous one
net-change              a revision whose credit less debit is not the difference of the two bodies
supersede-missing       a revision that does not supersede the one before
effect-missing          a record that changes another's standing, without that change
cause-unknown           a change of standing whose cause is no other entry of the ledger
cause-mismatch          a change of standing whose cause says something else
======================  =======================================================================================

Not checked: entries whose record is not in the export are checked as commitments only; causes in other ledgers; ledgers
of the organization that nobody exported (Institutions lists them all). The lines may be hostile: time is linear in
them, and memory holds one batch, one window of slots and a thousand findings.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from chainsvc.errors import MalformedInput
from chainsvc.network import Network
from chainsvc.record import ledger_id
from chainsvc.verify.audit_batches import BatchAudit
from chainsvc.verify.audit_chain import AuditedChain, LedgerState
from chainsvc.verify.audit_records import RecordAudit
from chainsvc.verify.audit_report import AuditReport, FindingList
from chainsvc.verify.audit_standing import StandingAudit
from chainsvc.verify.export import (
    ExportBatch,
    ExportChange,
    ExportEntry,
    ExportHeader,
    ExportLine,
    parse_line,
)
from chainsvc.verify.links import Links
from chainsvc.verify.sources import Source

Progress = Callable[[int, int], None]
"""Called with entries done and entries in all."""


def audit_export(
    lines: Iterable[bytes],
    network: Network,
    source: Source | None = None,
    *,
    at: int | None = None,
    progress: Progress | None = None,
) -> AuditReport:
    """Audit one ledger.

    Args:
        lines: Lines of the export, see :func:`chainsvc.verify.export.read_lines`.
        network: The auditor's own descriptor.
        source: A node; None recomputes everything and compares it with nothing.
        at: Block to compare with, for a ledger that goes on; None for the newest final one.
        progress: Told after each batch.

    Raises:
        ConfigurationRefused: The source is a checkpoint.
    """
    audit = _Audit(network, AuditedChain(network, source, at), progress or (lambda _done, _all: None))
    try:
        for number, line in enumerate(lines, 1):
            if not audit.take(line, number):
                break
        return audit.finish()
    finally:
        audit.links.close()


class _Audit:
    """One audit between two lines: it sorts the lines to those who check them."""

    def __init__(self, network: Network, chain: AuditedChain, progress: Progress) -> None:
        self._network = network
        self._chain = chain
        self._progress = progress
        self._findings = FindingList()
        self._state: LedgerState | None = None
        self._parts: _Parts | None = None
        self._ended = self._broken = False
        self.links = Links()

    def take(self, data: bytes, number: int) -> bool:
        """Take one line; False when the audit can't go on."""
        try:
            self._dispatch(parse_line(data))
        except MalformedInput as error:
            self._broken = True
            where = f" ({error.where})" if error.where else ""
            message = f"line {number}: {error.message}{where}"
            self._findings.add("malformed", message, expected=error.expected, got=error.got)
        return not self._broken

    def _dispatch(self, line: ExportLine) -> None:
        parts = self._parts
        if self._ended or (parts is None) != isinstance(line, ExportHeader):
            raise MalformedInput("a line out of place", expected="one first line, and nothing after the last")
        if isinstance(line, ExportHeader):
            self._header(line)
        elif parts is not None:
            self._content(line, parts)

    def _content(self, line: ExportLine, parts: "_Parts") -> None:
        if isinstance(line, ExportEntry):
            parts.batches.entry(line)
            meaning = parts.records.check(line)
            self.links.add_entry(line.seq, line.commitment, line.credit - line.debit, meaning)
            return
        if parts.batches.close():
            self._progress(parts.batches.entries, parts.header.entries)
        if isinstance(line, ExportBatch):
            if parts.standing.changes:
                raise MalformedInput("a batch after changes of standing", expected="batches first")
            parts.batches.open(line.facts)
        elif isinstance(line, ExportChange):
            parts.standing.change(line, parts.batches.next_seq)
        else:
            self._ended = True

    def _header(self, header: ExportHeader) -> None:
        """Find the ledger in the descriptor and on the chain."""
        name = str(header.name)
        identifier = ledger_id(header.network, header.contract, header.suite.id, header.flags, name)
        contract = self._network.contract_of(header.name.kind)
        if header.network != self._network.network_id:
            expected, got = self._network.network_id.hex(), header.network.hex()
            self._findings.add("wrong-network", "another network", expected=expected, got=got)
        elif contract is None or contract.address != header.contract:
            expected = contract.address.hex() if contract else "a kind of the descriptor"
            self._findings.add("wrong-network", "no contract of it", expected=expected, got=header.contract.hex())
        elif found := self._chain.open(header.contract, identifier):
            code, self._state = found
            if code != contract.code_hash:
                expected = contract.code_hash.hex()
                self._findings.add("wrong-code", "the contract has other code", expected=expected, got=code.hex())
        self._parts = _Parts(
            header,
            BatchAudit(header, identifier, self._chain, self._state, self._findings),
            RecordAudit(self._network, header, self._findings),
            StandingAudit(identifier, self._chain, self.links, self._findings),
        )

    def finish(self) -> AuditReport:
        """Compare what stands at the end, and report."""
        parts = self._parts
        if not self._ended and not self._broken:
            if parts is not None:
                parts.batches.close()
            self._findings.add("truncated", "the export ends before its last line", expected='{"end":true}')
        if parts is not None and not self._broken:
            self._compare_counts(parts)
            parts.batches.compare_totals()
            parts.standing.compare(
                min(parts.batches.next_seq, self._state.entries if self._state else 0), self._progress
            )
            self.links.check(self._findings)
        return self._report(parts)

    def _compare_counts(self, parts: "_Parts") -> None:
        stated = f"{parts.header.entries} entries in {parts.header.batches} batches"
        read = f"{parts.batches.entries} entries in {parts.batches.batches} batches"
        if stated != read:
            self._findings.add("truncated", "not as many as the first line says", expected=stated, got=read)

    def _report(self, parts: "_Parts | None") -> AuditReport:
        chain = self._chain
        unread = chain.unread or (None if self._state else "the export is of no ledger of this network")
        block = None if unread or chain.block is None else chain.block.number
        return AuditReport(
            ledger=str(parts.header.name) if parts else "",
            network=self._network.network_id,
            entries=parts.batches.entries if parts else 0,
            batches=parts.batches.batches if parts else 0,
            changes=parts.standing.changes if parts else 0,
            readable=parts.records.readable if parts else 0,
            credit=parts.batches.credit if parts else 0,
            debit=parts.batches.debit if parts else 0,
            head=parts.batches.head if parts else None,
            block=block,
            trust=None if unread else chain.trust,
            unread=unread,
            findings=tuple(self._findings.kept),
            found=self._findings.found,
            notes=tuple(parts.notes()) if parts else (),
        )


@dataclass(frozen=True, slots=True)
class _Parts:
    """Who checks what, once the first line is known."""

    header: ExportHeader
    batches: BatchAudit
    records: RecordAudit
    standing: StandingAudit

    def notes(self) -> Iterator[str]:
        """Say what was not checked."""
        if closed := self.batches.entries - self.records.readable:
            yield f"{closed} entries are not readable: checked as commitments with their amounts"
        if unknown := sorted(self.records.unknown_schemas):
            yield f"not pinned or not known, so not checked: {', '.join(unknown[:20])}"
        if far := self.standing.far_causes:
            yield f"{far} changes have their cause in another ledger: audit that one too"
