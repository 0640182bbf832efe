"""The batches of an audited ledger: every seq in order, every head and the totals recomputed."""

from collections.abc import Mapping
from typing import Any

from chainsvc.errors import MalformedInput
from chainsvc.evidence import BatchFacts
from chainsvc.heads import ZERO, head
from chainsvc.sumtree import MAX_SUM, Node, SumTree, leaf
from chainsvc.verify.audit_blocks import Block
from chainsvc.verify.audit_chain import AuditedChain, LedgerState
from chainsvc.verify.audit_report import FindingList
from chainsvc.verify.export import ExportEntry, ExportHeader

_COUNTED = ("entries", "batches", "next_seq", "credit", "debit")


class BatchAudit:
    """Walks through the batches.

    Attributes:
        entries: Entries read.
        batches: Number of the next batch.
        next_seq: Seq of the next entry.
        credit: Sum so far, in fen.
        debit: Sum so far, in fen.
        head: Recomputed head of the last batch, None before the first.
    """

    def __init__(
        self,
        header: ExportHeader,
        ledger_id: bytes,
        chain: AuditedChain,
        state: LedgerState | None,
        findings: FindingList,
    ) -> None:
        """Compare with the chain's state, None where it was not read."""
        self._suite = header.suite
        self._ledger_id = ledger_id
        self._chain = chain
        self._state = state
        self._findings = findings
        self._open: BatchFacts | None = None
        self._leaves: list[bytes] = []
        self._last_commitment = b""
        self._last_time = 0
        self._last_block = 0
        self._prev = ZERO
        self.entries = self.batches = self.next_seq = self.credit = self.debit = 0
        self.head: bytes | None = None

    def open(self, facts: BatchFacts) -> None:
        """Begin a batch."""
        if facts.index != self.batches:
            message = "not the next batch"
            self._findings.add("disorder", message, batch=facts.index, expected=self.batches, got=facts.index)
        self._expect(facts.first, facts.index)
        if facts.block < self._last_block or facts.time < self._last_time:
            expected = f"block {self._last_block}, time {self._last_time} or later"
            got = f"block {facts.block}, time {facts.time}"
            message = "anchored before its predecessor"
            self._findings.add("disorder", message, batch=facts.index, expected=expected, got=got)
        self._last_block, self._last_time = facts.block, facts.time
        self._open, self._leaves, self._last_commitment = facts, [], b""

    def entry(self, entry: ExportEntry) -> None:
        """Take the next entry of the open batch.

        Raises:
            MalformedInput: No batch is open, or it is full.
        """
        batch = self._open
        if batch is None or len(self._leaves) == batch.count:
            raise MalformedInput("an entry outside its batch", expected="a batch line first", got=f"seq {entry.seq}")
        self._expect(entry.seq, batch.index)
        self.next_seq = entry.seq + 1
        self.entries += 1
        if entry.commitment <= self._last_commitment:
            self._findings.add("leaf-order", "commitments do not ascend", seq=entry.seq, batch=batch.index)
        self._last_commitment = entry.commitment
        amounts = entry.credit, entry.debit
        self._leaves.append(leaf(self._suite, self._ledger_id, entry.seq, entry.commitment, *amounts).encode())

    def takes(self, block: Block) -> bool:
        """Take the next entries of the open batch together; False when something is wrong with their place."""
        batch = self._open
        if batch is None or len(self._leaves) + len(block.leaves) > batch.count:
            return False
        if block.first != self.next_seq or block.lowest <= self._last_commitment:
            return False
        self.next_seq += len(block.leaves)
        self.entries += len(block.leaves)
        self._last_commitment = block.highest
        self._leaves += block.leaves
        return True

    def close(self) -> bool:
        """End the open batch: compute its head and compare it; False when none was open.

        Raises:
            MalformedInput: The sums pass 2^53-1.
        """
        facts, self._open = self._open, None
        if facts is None:
            return False
        self._expect(facts.first + facts.count, facts.index)
        self.batches = facts.index + 1
        computed = self.head = self._computed(facts)
        held = self._held(facts.index)
        # After a wrong batch go on from the contract's head, so that it does not darken the next one.
        self._prev = held or computed if held != ZERO else computed
        seqs = f"seq {facts.first} to {facts.first + facts.count - 1}"
        place = {"batch": facts.index, "seq": facts.first}
        if held == ZERO:
            self._findings.add("unanchored", f"the contract has no such batch: {seqs}", **place)
        elif held not in (None, computed):
            message = f"not the contract's head: {seqs}, or the batch's facts, are not what was anchored"
            expected = held.hex() if held else None
            self._findings.add("head-mismatch", message, expected=expected, got=computed.hex(), **place)
        return True

    def state(self) -> dict[str, Any]:
        """Return where it is, between two batches, as JSON."""
        names = ("_last_time", "_last_block", *_COUNTED)
        head = None if self.head is None else self.head.hex()
        return {"prev": self._prev.hex(), "head": head} | {name: getattr(self, name) for name in names}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a :meth:`state`."""
        self._prev = bytes.fromhex(state["prev"])
        self.head = None if state["head"] is None else bytes.fromhex(state["head"])
        self._last_time, self._last_block = state["_last_time"], state["_last_block"]
        for name in _COUNTED:
            setattr(self, name, state[name])

    def compare_totals(self) -> None:
        """Compare count and sums with the contract's."""
        state = self._state
        if state is None:
            return
        if state.entries > self.next_seq:
            message = "the contract has more entries: export again, or name the export's block"
            expected, got = f"{state.entries} entries", f"{self.next_seq} entries"
            self._findings.add("entries-missing", message, seq=self.next_seq, expected=expected, got=got)
        elif (state.credit, state.debit) != (self.credit, self.debit):
            expected = f"credit {state.credit}, debit {state.debit}"
            got = f"credit {self.credit}, debit {self.debit}"
            self._findings.add("totals-mismatch", "the sums are not the contract's", expected=expected, got=got)

    def _expect(self, seq: int, batch: int) -> None:
        """Compare a seq with the next one, and go on from it."""
        if seq > self.next_seq:
            expected = f"seq {self.next_seq} to {seq - 1}"
            self._findings.add("gap", "entries are missing", seq=self.next_seq, batch=batch, expected=expected)
        elif seq < self.next_seq:
            message = "not the next entry"
            self._findings.add("disorder", message, seq=seq, batch=batch, expected=self.next_seq, got=seq)
        self.next_seq = seq

    def _computed(self, facts: BatchFacts) -> bytes:
        root = SumTree.of_encoded(self._suite, self._leaves).root if self._leaves else Node(ZERO, 0, 0)
        self.credit += root.credit
        self.debit += root.debit
        if max(self.credit, self.debit) > MAX_SUM:
            raise MalformedInput("the ledger's sums pass 2^53-1", got=f"credit {self.credit}, debit {self.debit}")
        figures = facts.index, facts.first, facts.count, root.hash, root.credit, root.debit
        return head(self._prev, self._ledger_id, *figures, facts.actor, facts.block, facts.time)

    def _held(self, index: int) -> bytes | None:
        """Return the contract's head, zero for a batch it does not have, None when the chain is not read."""
        if self._state is None:
            return None
        return self._chain.head(index, self._state.batches) if index < self._state.batches else ZERO
