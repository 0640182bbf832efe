"""What goes to the chain in one call: batches first, then the changes of standing that rest on them. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from chainsvc.chain.ledgers import LARGEST_CALL, Anchor, Mark
from chainsvc.errors import ChainRefused
from chainsvc.journal.batches import StoredBatch
from chainsvc.journal.marks import DueMark

Simulate = Callable[[Sequence[Anchor], Sequence[Mark]], ChainRefused | None]
"""Asks the chain whether it would refuse this now."""


@dataclass(frozen=True, slots=True)
class Call:
    """The content of one transaction to one contract.

    Attributes:
        batches: By ledger, in order.
        marks: In the order of request.
    """

    batches: tuple[StoredBatch, ...]
    marks: tuple[DueMark, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to send."""
        return not self.batches and not self.marks

    @property
    def ledgers(self) -> set[bytes]:
        """The ledgers on whose behalf it is sent: those of the batches, and those of the causes of changes."""
        return {batch.ledger_id for batch in self.batches} | {due.mark.cause_ledger_id for due in self.marks}

    @property
    def anchors(self) -> list[Anchor]:
        """The batches as the contract takes them."""
        return [Anchor(b.ledger_id, b.first, b.count, b.root, b.credit, b.debit) for b in self.batches]

    @property
    def changes(self) -> list[Mark]:
        """The changes of standing as the contract takes them."""
        return [
            Mark(due.mark.ledger_id, due.seq, due.mark.status, due.mark.cause_ledger_id, due.cause_seq)
            for due in self.marks
        ]


@dataclass(frozen=True, slots=True)
class Admitted:
    """What the chain would take of a call, and what not.

    Attributes:
        call: What it takes.
        held: Ledgers whose batches it would refuse, with why; they wait and hold up nobody.
        refused: Marks that it would refuse, with why.
    """

    call: Call
    held: tuple[tuple[bytes, ChainRefused], ...] = ()
    refused: tuple[tuple[DueMark, ChainRefused], ...] = ()


def compose(batches: Sequence[StoredBatch], due: Sequence[DueMark]) -> Call:
    """Take as many batches as one call may have, and the marks that rest on them or on what is final."""
    chosen = tuple(batches[:LARGEST_CALL])
    there = {(batch.ledger_id, batch.k) for batch in chosen}
    return Call(chosen, tuple(mark for mark in due if _rests_on(mark, there)))


def _rests_on(due: DueMark, there: set[tuple[bytes, int]]) -> bool:
    target = due.target_state == "final" or (due.mark.ledger_id, due.k) in there
    cause = due.cause_state == "final" or (due.mark.cause_ledger_id, due.cause_k) in there
    return target and cause


def admit(call: Call, simulate: Simulate) -> Admitted:
    """Leave out what the chain would refuse, so that the rest of the call goes.

    A call that passes as a whole costs one question; only a refused one is asked part by part.
    """
    if call.empty or simulate(call.anchors, call.changes) is None:
        return Admitted(call)
    batches, held = _admit_ledgers(call, simulate)
    kept, refused = _admit_marks(replace(compose(batches, call.marks), marks=()), call, simulate)
    return Admitted(kept, tuple(held), tuple(refused))


def _admit_ledgers(call: Call, simulate: Simulate) -> tuple[list[StoredBatch], list[tuple[bytes, ChainRefused]]]:
    """Keep of each ledger the longest run of batches that the chain takes."""
    kept: list[StoredBatch] = []
    held: list[tuple[bytes, ChainRefused]] = []
    for ledger_id in dict.fromkeys(batch.ledger_id for batch in call.batches):
        ours = tuple(batch for batch in call.batches if batch.ledger_id == ledger_id)
        while ours and (why := simulate(Call(ours, ()).anchors, [])) is not None:
            if not held or held[-1][0] != ledger_id:
                held.append((ledger_id, why))
            ours = ours[:-1]
        kept += ours
    return kept, held


def _admit_marks(base: Call, call: Call, simulate: Simulate) -> tuple[Call, list[tuple[DueMark, ChainRefused]]]:
    refused = []
    possible = compose(base.batches, call.marks).marks
    for due in possible:
        tried = replace(base, marks=(*base.marks, due))
        why = simulate(tried.anchors, tried.changes)
        if why is None:
            base = tried
        else:
            refused.append((due, why))
    return base, refused
