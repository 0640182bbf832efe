"""What a verdict says beside its steps: who, where, when, which standing, and what is not proven."""

from collections.abc import Sequence

from chainsvc.errors import ChainsvcError
from chainsvc.heads import Status
from chainsvc.record import FLAG_SIGNED
from chainsvc.verify import wording
from chainsvc.verify.case import Case
from chainsvc.verify.verdict import Cause, Facts, Outcome, Seals, Step
from chainsvc.verify.wording import Wording


def facts_of(case: Case, steps: Sequence[Step]) -> Facts:
    """Gather the facts; what a failed or unchecked step would have shown is None."""
    evidence = case.evidence
    snapshot = None if isinstance(case.snapshot, ChainsvcError) else case.snapshot
    name = evidence.ledger_name
    standing = standing_of(case, steps)
    return Facts(
        network=evidence.network,
        ledger=str(name),
        organization=name.uscc,
        schema=str(evidence.value("/schema")),
        seq=evidence.seq,
        commitment=case.commitment if _passed(steps, 2) else None,
        head=case.head if _passed(steps, 4) else None,
        actor=evidence.batch.actor,
        block=evidence.batch.block,
        time=evidence.batch.time,
        tolerance=case.network.time.tolerance,
        signed=bool(evidence.flags & FLAG_SIGNED),
        standing=standing,
        cause=_cause(case) if _passed(steps, 8) and standing else None,
        standing_block=snapshot.block.number if snapshot else None,
        standing_time=snapshot.block.time if snapshot else None,
        trust=snapshot.trust if snapshot else None,
        seals=_seals(case, steps),
        attests=_attests(steps),
        receipt_late=receipt_late(case),
        disclosed=len(evidence.pairs) - evidence.hidden,
        hidden=evidence.hidden,
        not_proven=tuple(_not_proven(case, steps)),
    )


def standing_of(case: Case, steps: Sequence[Step]) -> Status | None:
    """Return the standing that the chain shows for this very entry, None when it does not.

    A file without any change of standing may be older than a change: then the slot alone speaks, and what it says is
    taken unless it says that the entry is current again, since ``current`` needs a step 8 that passed.
    """
    if not all(_passed(steps, number) for number in (5, 6, 7)):
        return None
    if _passed(steps, 8):
        return case.standing
    is_older = not case.evidence.status and steps[7].outcome is Outcome.NOT_CHECKED
    return case.standing or None if is_older else None


def receipt_late(case: Case) -> int | None:
    """Return by how many seconds the receipt's deadline was missed, 0 when kept, None without a receipt."""
    receipt = case.evidence.receipt
    if receipt is None:
        return None
    return max(case.evidence.batch.time - receipt.anchor_by, 0)


def _passed(steps: Sequence[Step], number: int) -> bool:
    return steps[number - 1].finding.outcome is Outcome.PASSED


def _cause(case: Case) -> Cause | None:
    block = case.chain().block.number
    changes = [change for change in case.evidence.status if change.block <= block]
    return Cause(changes[-1].cause_ledger, changes[-1].cause_seq) if changes else None


def _attests(steps: Sequence[Step]) -> Wording:
    if not all(_passed(steps, number) for number in (5, 6, 7)):
        return wording.UNKNOWN_ORIGIN
    return wording.SIGNED if _passed(steps, 9) else wording.UNSIGNED


def _seals(case: Case, steps: Sequence[Step]) -> Seals | None:
    return case.seals if isinstance(case.seals, Seals) and _passed(steps, 6) else None


def _basis(case: Case, steps: Sequence[Step]) -> Wording:
    """Say what the trust in the block itself leaves open: each kind of it its own, and none what was not shown."""
    if case.source is None or not _passed(steps, 6):
        return wording.UNANCHORED
    shown = case.by_proof and _seals(case, steps) is not None
    return wording.SEALS if shown else case.source.leaves_open


def _not_proven(case: Case, steps: Sequence[Step]) -> list[Wording]:
    found = [wording.TRUTH, wording.NOT_BEFORE, wording.LATER_STANDING]
    found.append(_basis(case, steps))
    if not _passed(steps, 9) and not case.evidence.flags & FLAG_SIGNED:
        found.append(wording.ORIGIN)
    if case.evidence.hidden:
        found.append(wording.HIDDEN)
    if case.evidence.receipt is not None and (case.by_proof or isinstance(case.snapshot, ChainsvcError)):
        found.append(wording.RECEIPT_KEY)
    if any(step.outcome is Outcome.NOT_CHECKED for step in steps):
        found.append(wording.UNCHECKED)
    return found
