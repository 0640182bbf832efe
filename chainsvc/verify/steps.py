"""The verifier: ten steps from an evidence file to a verdict.

1. File: within the limits, canonical JSON, every member as the format says.
2. Commitment: recomputed from disclosed values with their salts, and from the digests of hidden ones.
3. Content: disclosed values fit the schema; credit and debit follow from them.
4. Path: leaf and path give the batch's root and sums.
5. Head: recomputed from batch, root and sums, it is what the contract holds.
6. Block: the block that was read is trusted (a node of the verifier's, a checkpoint, or the seals of validators that
   the descriptor pins). Seals in the file's proof are judged beside a node or checkpoint too.
7. Contract: it is the descriptor's, with the pinned code. That code let only an active organization's entitled
   account anchor, so both held at the batch's block.
8. Standing: the status words recomputed from the file's changes are the slot's; an empty slot proves ``current``.
9. Submission: signed by the organization's key, valid at the batch's block. Mandatory in a signed ledger.
10. Receipt: the service's signature over this commitment, and whether its deadline was kept; timestamps.

A step that failed makes the verdict ``invalid``. One of 5 to 8 that was not checked, or 9 in a signed ledger, makes it
``undetermined``, with one exception: a slot that shows another standing than current is believed even where the
file is older than that change and can't say how it came about; the verdict is then that standing, and step 8 says so.
Step 3 may stay unchecked (a schema of a later version): integrity, time, origin and standing do not rest on it.
A missed receipt deadline is told and is no failure: the record is sound, the operator broke its promise.

Not checked here: RFC 3161 tokens, since no time-stamping authority is pinned; the money rule across revisions, the
cause of a standing and the rest of the ledger (:mod:`chainsvc.verify.completeness` does); whether what the record says
is true.

Work and memory are bounded by the limits of the file (256 KiB, 256 pairs, 4,096 leaves, 65 nodes a proof).
"""

from collections.abc import Callable, Sequence

from chainsvc.errors import ChainsvcError, HeaderRefused, MalformedInput, NotFound
from chainsvc.evidence import Evidence
from chainsvc.heads import ZERO, Status
from chainsvc.network import Contract, Network
from chainsvc.receipt import Submission
from chainsvc.record import FLAG_SIGNED
from chainsvc.verify.case import Case, pinned_contract, status_of
from chainsvc.verify.content import check_content
from chainsvc.verify.facts import facts_of, receipt_late, standing_of
from chainsvc.verify.judging import attempted, in_every_view, told
from chainsvc.verify.keys import RECEIPT, SUBMISSION, judge
from chainsvc.verify.sources import CONTRACT, HEAD, INSTITUTIONS, KEY, PROOF_BLOCK, RECEIPT_KEY, WORD, Snapshot, Source
from chainsvc.verify.verdict import (
    INVALID,
    UNDETERMINED,
    VALID,
    Finding,
    Outcome,
    Seals,
    Step,
    Verdict,
    failed,
    not_checked,
    passed,
)


def verify(data: bytes, network: Network, source: Source | None, at: int | None = None) -> Verdict:
    """Verify one evidence file.

    Args:
        data: The file's bytes; hostile ones give ``invalid``, step 1.
        network: The verifier's own descriptor, never one that came with the file.
        source: A node or a checkpoint; None rests on validators' seals, and without any pinned leaves steps 5 to 8
            unchecked.
        at: Block at which the standing is asked for; None for the newest final block of the node, the checkpoint's,
            or the proof's.

    Returns:
        A verdict; nothing is raised for anything that is wrong with the file, the node or the checkpoint.
    """
    try:
        evidence = Evidence.parse(data)
    except Exception as error:  # noqa: BLE001 - whatever a hostile file brings about is its own fault
        return _unreadable(error)
    case = Case.read(evidence, network, source, at)
    steps = [Step(1, passed(f"{len(data)} bytes, canonical"))]
    for number, check, needs in _STEPS:
        steps.append(Step(number, _finding(check, case, [steps[need - 1] for need in needs])))
    verdict = _decide(case, steps)
    return Verdict(verdict, tuple(steps), facts_of(case, steps))


def _unreadable(error: Exception) -> Verdict:
    expected, got = (error.expected, error.got) if isinstance(error, ChainsvcError) else (None, None)
    first = Step(1, failed(told(error), expected=expected, got=got))
    rest = [Step(number, not_checked("the file could not be read")) for number, _, _ in _STEPS]
    return Verdict(INVALID, (first, *rest), None)


def _finding(check: Callable[[Case], Finding], case: Case, needed: list[Step]) -> Finding:
    for step in needed:
        if step.outcome is not Outcome.PASSED:
            return not_checked(f"step {step.number} did not pass")
    return attempted(case, lambda: check(case))


def _commitment(case: Case) -> Finding:  # 2
    return passed(got=case.commitment.hex())


def _content(case: Case) -> Finding:  # 3
    return check_content(case.evidence, case.network)


def _path(case: Case) -> Finding:  # 4
    root = case.root
    return passed(f"credit {root.credit}, debit {root.debit} in the batch", got=root.hash.hex())


def _head(case: Case) -> Finding:  # 5
    return in_every_view(case, lambda view: _head_in(view, case))


def _head_in(view: Snapshot, case: Case) -> Finding:
    held = view.value(HEAD)
    if held == ZERO and view.block.number < case.evidence.batch.block:
        return not_checked(
            "the block that was read lies before the batch",
            expected=f"block {case.evidence.batch.block} or later",
            got=f"block {view.block.number}",
        )
    if held != case.head:
        return failed("the contract holds another head", expected=held.hex(), got=case.head.hex())
    return passed(got=case.head.hex())


def _block(case: Case) -> Finding:  # 6
    if isinstance(case.snapshot, MalformedInput):
        return _no_header(case.snapshot)
    snapshot, own = case.chain(), case.own
    if isinstance(own, MalformedInput):
        return _no_header(own)
    if own is not None and (known := snapshot.value(PROOF_BLOCK)) != own.block.hash:
        yet = f", yet sealed by {case.seals}" if isinstance(case.seals, Seals) else ""
        reason = f"the file's proof is for no block of this chain{yet}"
        return failed(reason, expected=known.hex(), got=own.block.hash.hex())
    return _sealing(case, snapshot)


def _sealing(case: Case, snapshot: Snapshot) -> Finding:
    """Judge the file's seals beside what the block is trusted by; too few fail nothing where it is trusted anyway."""
    seals, block = case.seals, snapshot.block
    if isinstance(seals, HeaderRefused):
        return _no_header(seals)
    if isinstance(seals, Seals):
        besides = "" if snapshot.trust == f"sealed by {seals}" else f"; sealed by {seals}"
    else:
        besides = "; seals not checked" if seals is None else f"; seals: {told(seals)}"
    return passed(f"{snapshot.trust}{besides}", got=f"block {block.number} {block.hash.hex()}")


def _no_header(error: MalformedInput) -> Finding:
    return failed(told(error), expected=error.expected, got=error.got)


def _contract(case: Case) -> Finding:  # 7
    evidence, network = case.evidence, case.network
    if evidence.network != network.network_id:
        return failed("the file is of another network", expected=network.network_id.hex(), got=evidence.network.hex())
    contract = pinned_contract(evidence, network)
    if contract is None:
        pinned = network.contract_of(evidence.ledger_name.kind)
        expected = pinned.address.hex() if pinned else "a kind of the descriptor"
        return failed("not the descriptor's contract", expected=expected, got=evidence.contract.hex())
    return in_every_view(case, lambda view: _codes_in(view, contract, network.institutions))


def _codes_in(view: Snapshot, contract: Contract, institutions: Contract) -> Finding:
    finding = _code(view, CONTRACT, contract)
    register = _code(view, INSTITUTIONS, institutions)
    return register if register.outcome is Outcome.FAILED and finding.outcome is Outcome.PASSED else finding


def _code(snapshot: Snapshot, name: str, pinned: Contract) -> Finding:
    try:
        found = snapshot.value(name)
    except NotFound:
        if name == CONTRACT:
            raise
        return passed()  # its address is an immutable of the ledger contract, whose code is pinned
    if found != pinned.code_hash:
        return failed(f"other code at the address of the {name}", expected=pinned.code_hash.hex(), got=found.hex())
    return passed("the pinned code let only an active organization's entitled account anchor", got=found.hex())


def _standing(case: Case) -> Finding:  # 8
    return in_every_view(case, lambda view: _standing_in(view, case))


def _standing_in(view: Snapshot, case: Case) -> Finding:
    block, slot = view.block.number, view.value(WORD)
    status = status_of(slot)
    ahead = [change.block for change in case.evidence.status if change.block > block]
    if ahead and case.at is None and view is case.snapshot:
        return not_checked(
            "the file tells of a later change", expected=f"block {ahead[0]} or later", got=f"block {block}"
        )
    word = case.word_at(block)
    if word == slot:
        return passed(f"{status.label} at block {block}", got=word.hex())
    if slot == ZERO:
        return failed("the chain knows of no such change of standing", expected=slot.hex(), got=word.hex())
    return not_checked(
        f"the chain says {status.label} at block {block}, and the file can't tell why: ask for a newer file",
        expected=slot.hex(),
        got=word.hex(),
    )


def _submission(case: Case) -> Finding:  # 9
    evidence = case.evidence
    submission, proof = evidence.submission, evidence.proof
    if proof is not None and proof.key and (submission is None or not proof.institutions):
        return failed(
            "the file's proof has nodes that prove nothing", expected="no key nodes", got=f"{len(proof.key)} nodes"
        )
    if submission is None and evidence.flags & FLAG_SIGNED:
        return failed(
            "a signed ledger, but no submission in the file", expected="the organization's signature", got="null"
        )
    if submission is None:
        return not_checked("the ledger is unsigned: the anchoring account attests the origin")
    if not submission.verifies(evidence.ledger_id, case.commitment):
        return failed("the submission's signature does not verify", expected="a signature by the key in the file")
    return in_every_view(case, lambda view: _key_in(view, case, submission))


def _key_in(view: Snapshot, case: Case, submission: Submission) -> Finding:
    proof = case.evidence.proof
    if view is case.own and proof is not None and not proof.institutions:
        return passed()  # the file's own proof may leave the key out where a node has it
    uscc, time = case.evidence.ledger_name.uscc, case.evidence.batch.time
    return judge(view.value(KEY), alg=submission.alg, purpose=SUBMISSION, time=time, uscc=uscc)


def _receipt(case: Case) -> Finding:  # 10
    evidence = case.evidence
    tokens = "timestamps not checked: no time-stamping authority is pinned" if evidence.timestamps else ""
    receipt = evidence.receipt
    if receipt is None:
        return not_checked(tokens or "the file has no receipt and no timestamps")
    if not receipt.verifies(evidence.ledger_id, case.commitment):
        return failed("the receipt's signature does not verify", expected="a signature by the key in the file")
    try:
        word = case.chain().value(RECEIPT_KEY)
    except ChainsvcError:
        origin = "the signature fits the key in the file, but whose key that is was not checked: no node was asked"
    else:
        slack = case.network.time.tolerance
        finding = judge(word, alg=receipt.alg, purpose=RECEIPT, time=receipt.accepted_at, slack=slack)
        if finding.outcome is not Outcome.PASSED:
            return finding
        origin = "signed by a registered receipt key"
    return passed("; ".join(filter(None, [origin, _deadline(case), tokens])))


def _deadline(case: Case) -> str:
    late = receipt_late(case)
    return f"anchored {late} s after the deadline: the promise was broken" if late else "anchored within the deadline"


_STEPS: tuple[tuple[int, Callable[[Case], Finding], tuple[int, ...]], ...] = (
    (2, _commitment, ()),
    (3, _content, (2,)),
    (4, _path, (2,)),
    (5, _head, (4,)),
    (6, _block, ()),
    (7, _contract, ()),
    (8, _standing, ()),
    (9, _submission, (2,)),
    (10, _receipt, (2,)),
)
"""Number, check, and the steps whose result it builds on."""


def _decide(case: Case, steps: Sequence[Step]) -> str:
    outcomes = {step.number: step.outcome for step in steps}
    if Outcome.FAILED in outcomes.values():
        return INVALID
    needed = [5, 6, 7, 9] if case.evidence.flags & FLAG_SIGNED else [5, 6, 7]
    if any(outcomes[number] is not Outcome.PASSED for number in needed):
        return UNDETERMINED
    standing = standing_of(case, steps)
    if standing is None:
        return UNDETERMINED
    return VALID if standing is Status.CURRENT else standing.label
