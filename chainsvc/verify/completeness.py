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

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from chainsvc.errors import MalformedInput
from chainsvc.network import Network
from chainsvc.record import ledger_id
from chainsvc.verify.audit_batches import BatchAudit
from chainsvc.verify.audit_blocks import Block, BlockCheck, in_blocks, is_block
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
from chainsvc.verify.links import Links, row_of
from chainsvc.verify.processes import Processes
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
    processes: int = 1,
) -> AuditReport:
    """Audit one ledger.

    Args:
        lines: Lines of the export, see :func:`chainsvc.verify.export.read_lines`.
        network: The auditor's own descriptor.
        source: A node; None recomputes everything and compares it with nothing.
        at: Block to compare with, for a ledger that goes on; None for the newest final one.
        progress: Told after each batch.
        processes: How many share the work; 1 does everything in this process.

    Raises:
        ConfigurationRefused: The source is a checkpoint.
    """
    with closing(Links()) as links:
        audit = Audit(network, AuditedChain(network, source, at), links, progress)
        return audit.run(lines, processes)


class Audit:
    """One audit between two lines: it sorts the lines to those who check them.

    Attributes:
        offset: Bytes of the export that are done.
        chain: What it is compared with.
        findings: So far.
    """

    def __init__(
        self,
        network: Network,
        chain: AuditedChain,
        links: Links,
        progress: Progress | None = None,
        save: Callable[[], None] | None = None,
    ) -> None:
        """Start before the first line; ``save`` is called wherever :meth:`state` is whole."""
        self._network = network
        self._progress = progress or (lambda _done, _all: None)
        self._state: LedgerState | None = None
        self._parts: _Parts | None = None
        self._ended = self._broken = self._read = False
        self._number = 0
        self._links = links
        self._save = save or (lambda: None)
        self._compared = 0
        self.offset = 0
        self.chain = chain
        self.findings = FindingList()

    def run(self, lines: Iterable[bytes], processes: int = 1) -> AuditReport:
        """Take all lines, and report."""
        rest = iter(lines)
        first = next(rest, None)
        if first is not None and self.take(first) and self._parts is not None:
            self._run(rest, first, processes)
        return self.finish()

    def run_on(self, header: bytes, rest: Iterable[bytes], state: Mapping[str, Any], processes: int) -> AuditReport:
        """Take the lines that are left from a :meth:`state` on, and report."""
        self.take(header)
        self.findings.resume(state["findings"])  # those about the first line are among them
        if (parts := self._parts) is not None:
            for name, part in parts.parts.items():
                part.resume(state[name])
            self.offset, self._number = state["offset"], state["number"]
            self._read, self._compared = state["read"], state["compared"]
            if not self._read:
                self._run(rest, header, processes)
        return self.finish()

    def state(self) -> dict[str, Any]:
        """Return where it is, between two batches or two windows of slots, as JSON."""
        assert self._parts is not None  # the first line is no place to save
        number = self._number if self._read else self._number - 1  # the line that is being taken is taken again
        facts = {"offset": self.offset, "number": number, "read": self._read, "compared": self._compared}
        parts = {name: part.state() for name, part in self._parts.parts.items()}
        return {"findings": self.findings.state(), **facts, **parts}

    def _run(self, lines: Iterable[bytes], header: bytes, processes: int) -> None:
        with Processes(processes, BlockCheck, self._network.to_bytes(), header) as pool:
            for item, block in pool.in_order(in_blocks(lines), is_block):
                goes_on = self._take_block(item, block) if isinstance(item, list) else self.take(item)
                if not goes_on:
                    break

    def take(self, data: bytes) -> bool:
        """Take one line; False when the audit can't go on."""
        self._number += 1
        try:
            self._dispatch(parse_line(data))
        except MalformedInput as error:
            self._broken = True
            where = f" ({error.where})" if error.where else ""
            message = f"line {self._number}: {error.message}{where}"
            self.findings.add("malformed", message, expected=error.expected, got=error.got)
        self.offset += len(data)
        return not self._broken

    def _take_block(self, lines: list[bytes], block: Block | None) -> bool:
        """Take entries that were found to be right; or look at them one by one, to name what is not."""
        parts = self._parts
        if block is None or parts is None or self._ended or not parts.batches.takes(block):
            return all(self.take(line) for line in lines)
        self._number += len(lines)
        self.offset += sum(map(len, lines))
        parts.records.takes(block)
        self._links.add_entries(block.rows)
        return True

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
            self._links.add_entries([row_of(line.seq, line.commitment, line.credit - line.debit, meaning)])
            return
        if parts.batches.close():
            self._progress(parts.batches.entries, parts.header.entries)
        self._save()
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
            self.findings.add("wrong-network", "another network", expected=expected, got=got)
        elif contract is None or contract.address != header.contract:
            expected = contract.address.hex() if contract else "a kind of the descriptor"
            self.findings.add("wrong-network", "no contract of it", expected=expected, got=header.contract.hex())
        elif found := self.chain.open(header.contract, identifier):
            code, self._state = found
            if code != contract.code_hash:
                expected = contract.code_hash.hex()
                self.findings.add("wrong-code", "the contract has other code", expected=expected, got=code.hex())
        self._parts = _Parts(
            header,
            BatchAudit(header, identifier, self.chain, self._state, self.findings),
            RecordAudit(self._network, header, self.findings),
            StandingAudit(identifier, self.chain, self._links, self.findings),
        )

    def finish(self) -> AuditReport:
        """Compare what stands at the end, and report."""
        parts = self._parts
        if not self._ended and not self._broken and not self._read:
            if parts is not None:
                parts.batches.close()
            self.findings.add("truncated", "the export ends before its last line", expected='{"end":true}')
        self._read = True
        if parts is not None and not self._broken:
            if not self._compared:
                self._compare_counts(parts)
                parts.batches.compare_totals()
            entries = min(parts.batches.next_seq, self._state.entries if self._state else 0)
            parts.standing.compare(self._compared, entries, self._has_compared)
            self._links.check(self.findings)
        return self._report(parts)

    def _has_compared(self, done: int, entries: int) -> None:
        self._compared = done
        self._progress(done, entries)
        self._save()

    def _compare_counts(self, parts: "_Parts") -> None:
        stated = f"{parts.header.entries} entries in {parts.header.batches} batches"
        read = f"{parts.batches.entries} entries in {parts.batches.batches} batches"
        if stated != read:
            self.findings.add("truncated", "not as many as the first line says", expected=stated, got=read)

    def _report(self, parts: "_Parts | None") -> AuditReport:
        chain = self.chain
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
            findings=tuple(self.findings.kept),
            found=self.findings.found,
            notes=tuple(parts.notes()) if parts else (),
        )


@dataclass(frozen=True, slots=True)
class _Parts:
    """Who checks what, once the first line is known."""

    header: ExportHeader
    batches: BatchAudit
    records: RecordAudit
    standing: StandingAudit

    @property
    def parts(self) -> "dict[str, BatchAudit | RecordAudit | StandingAudit]":
        """Those that remember something, by name."""
        return {"batches": self.batches, "records": self.records, "standing": self.standing}

    def notes(self) -> Iterator[str]:
        """Say what was not checked."""
        if closed := self.batches.entries - self.records.readable:
            yield f"{closed} entries are not readable: checked as commitments with their amounts"
        if unknown := sorted(self.records.unknown_schemas):
            yield f"not pinned or not known, so not checked: {', '.join(unknown[:20])}"
        if far := self.standing.far_causes:
            yield f"{far} changes have their cause in another ledger: audit that one too"
