"""One ledger of the fake service."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from support.paper_chain import LEDGER_CONTRACT, NETWORK_ID, START, PaperChain

from chainsvc.batch import Batch, Member, build_batch
from chainsvc.client.answers import (
    Erasure,
    LedgerBatch,
    LedgerEntry,
    LedgerFacts,
    RecordStatus,
    Standing,
    StandingChange,
)
from chainsvc.commitment import commit, derive_salts
from chainsvc.crypto.suites import Suite
from chainsvc.errors import NotReady, ReferenceConflict
from chainsvc.evidence import BatchFacts, Evidence, Pair
from chainsvc.heads import Status
from chainsvc.policies import Totals
from chainsvc.receipt import Receipt, Submission
from chainsvc.record import Record, ledger_id


@dataclass
class Kept:
    """One entry."""

    commitment: bytes
    credit: int
    debit: int
    record: Record | None = None
    seed: bytes | None = None
    receipt: Receipt | None = None
    submission: Submission | None = None
    seq: int | None = None
    batch: int | None = None
    erasure: Erasure | None = None
    requested: list[StandingChange] = field(default_factory=list)
    private: bool = False

    def pairs(self, suite: Suite) -> tuple[Pair, ...]:
        """Return every pair disclosed, none where the record is not known."""
        if self.record is None or self.seed is None:
            return ()
        flat = self.record.flatten()
        salts = derive_salts(suite, self.seed, len(flat))
        return tuple(Pair(path, salt, value, None) for (path, value), salt in zip(flat, salts, strict=True))


@dataclass
class FakeLedger:
    """Entries in the order they came, and what of them is on the paper chain."""

    name: str
    suite: Suite
    flags: int
    closed: bool = False
    entries: list[Kept] = field(default_factory=list)
    anchored: list[tuple[Batch, BatchFacts]] = field(default_factory=list)

    @property
    def id(self) -> bytes:
        """The ledger id."""
        return ledger_id(NETWORK_ID, LEDGER_CONTRACT, self.suite.id, self.flags, self.name)

    def totals(self) -> Totals:
        """Sums of what was accepted."""
        return Totals(sum(k.credit for k in self.entries), sum(k.debit for k in self.entries), None)

    def find(self, draft: Kept, new: Sequence[Kept]) -> Kept | None:
        """Return what is there of the same commitment, or reference with the same content.

        Raises:
            ReferenceConflict: Other content.
        """
        for kept in (*self.entries, *new):
            if kept.commitment == draft.commitment:
                return kept
            if kept.record is None or draft.record is None or kept.seed is None:
                continue
            if (kept.record.reference, kept.record.revision) == (draft.record.reference, draft.record.revision):
                pairs = draft.record.flatten()
                if commit(self.suite, pairs, derive_salts(self.suite, kept.seed, len(pairs))) != kept.commitment:
                    raise ReferenceConflict("the reference was notarized with other content", where="/reference")
                return kept
        return None

    def anchor(self, chain: PaperChain) -> None:
        """Anchor what is not on chain yet as one batch."""
        waiting = {i: kept for i, kept in enumerate(self.entries) if kept.seq is None}
        if not waiting:
            return
        members = [Member(i, kept.commitment, kept.credit, kept.debit) for i, kept in waiting.items()]
        batch = build_batch(self.suite, self.id, sum(len(b.members) for b, _ in self.anchored), members)
        for position, member in enumerate(batch.members):
            kept = waiting[member.entry_id]
            kept.seq, kept.batch = batch.first + position, len(self.anchored)
        self.anchored.append((batch, chain.anchor(batch)))

    def evidence(self, kept: Kept, chain: PaperChain) -> Evidence:
        """Return everything disclosed; without pairs where the record is not known.

        Raises:
            NotReady: Not on chain yet.
        """
        if kept.seq is None or kept.batch is None:
            raise NotReady("the record is not final yet", got="accepted")
        batch, facts = self.anchored[kept.batch]
        return Evidence(
            network=NETWORK_ID,
            contract=LEDGER_CONTRACT,
            suite=self.suite,
            flags=self.flags,
            pairs=kept.pairs(self.suite),
            seq=kept.seq,
            path=tuple(batch.tree.path(kept.seq - batch.first)),
            batch=facts,
            status=tuple(chain.words.get((self.id, kept.seq), ())),
            submission=kept.submission,
            receipt=kept.receipt,
            proof=None,
            timestamps=(),
        )

    def standing(self, kept: Kept, chain: PaperChain) -> Standing:
        """Return the changes on the paper chain, then those that wait."""
        done = chain.words.get((self.id, kept.seq), []) if kept.seq is not None else []
        changes = [
            StandingChange(Status(c.status), "final", c.cause_ledger, c.cause_seq, None, c.actor, c.block, c.time)
            for c in done
        ]
        return Standing(changes[-1].status if changes else Status.CURRENT, (*changes, *kept.requested))

    def status(self, kept: Kept, chain: PaperChain, *, disclose: bool) -> RecordStatus:
        """Return where an entry stands."""
        assert kept.receipt is not None
        return RecordStatus(
            commitment=kept.commitment,
            ledger=self.name,
            reference=kept.record.reference if kept.record else None,
            revision=kept.record.revision if kept.record else None,
            state="accepted" if kept.seq is None else "final",
            seq=kept.seq,
            batch=kept.batch,
            standing=self.standing(kept, chain).standing,
            accepted_at=kept.receipt.accepted_at,
            anchor_by=kept.receipt.anchor_by,
            erased=kept.erasure is not None,
            private=kept.private,
            record=kept.record.to_json() if kept.record and disclose else None,
        )

    def listed(self, kept: Kept, chain: PaperChain) -> LedgerEntry:
        """Return an entry's line in a list."""
        return LedgerEntry(
            kept.commitment,
            "accepted" if kept.seq is None else "final",
            kept.seq,
            kept.batch,
            kept.credit,
            kept.debit,
            None,
            self.standing(kept, chain).standing,
            START,
        )

    def batches(self) -> list[LedgerBatch]:
        """Return all batches."""
        return [
            LedgerBatch(
                index=index,
                first=batch.first,
                count=len(batch.members),
                root=batch.root.hash,
                credit=batch.root.credit,
                debit=batch.root.debit,
                state="final",
                prev=facts.prev,
                actor=facts.actor,
                block=facts.block,
                time=facts.time,
            )
            for index, (batch, facts) in enumerate(self.anchored)
        ]

    def facts(self) -> LedgerFacts:
        """Return the ledger's facts."""
        roots = [batch.root for batch, _ in self.anchored]
        totals = self.totals()
        return LedgerFacts(
            name=self.name,
            network=NETWORK_ID,
            contract=LEDGER_CONTRACT,
            suite=self.suite,
            flags=self.flags,
            closed=self.closed,
            entries=len(self.entries),
            credit=totals.credit,
            debit=totals.debit,
            batches=len(roots),
            anchored_entries=sum(len(batch.members) for batch, _ in self.anchored),
            anchored_credit=sum(root.credit for root in roots),
            anchored_debit=sum(root.debit for root in roots),
        )
