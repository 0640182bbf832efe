"""Verifications with the verdict that they must come to, written by hand from docs/evidence-format.md."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from chainsvc.crypto.keys import SigningKey
from chainsvc.evidence import Evidence, Pair, Proof
from chainsvc.heads import Status
from chainsvc.receipt import ChunkTree, Receipt, Submission, sign_receipts, submission_message
from chainsvc.sumtree import Node
from vector_parts.batches import DONATIONS, SIGNED, changes
from vector_parts.constants import derived
from vector_parts.evidence_files import edit_of, valid
from vector_parts.sample import ACCEPTED, SERVICE_KEY, TIME
from vector_parts.state import NUMBER

FILES = {name: evidence for name, (_, evidence) in valid().items()}
STRANGER = SigningKey.from_seed(derived("stranger's key"))


class Raw(NamedTuple):
    """One edit of a valid file, for files too large to be written out."""

    base: str
    start: int
    end: int
    put: bytes
    times: int

    @property
    def edit(self) -> dict[str, Any]:
        """The edit's JSON form."""
        return edit_of(self.start, self.end, self.put, self.times)


@dataclass(frozen=True)
class Case:
    """One verification; a step in neither list passes.

    Attributes:
        name: What is special about it.
        evidence: The file.
        verdict: ``valid``, a standing, ``invalid`` or ``undetermined``.
        failed: Steps that fail.
        unchecked: Steps that can't be checked; 9 and 10 in an unsigned ledger without a receipt.
        chain: Name of the chain state that the node answers from, None for no node.
        checkpoint: Name of the checkpoint, None for none.
        at: Block asked for, None for the newest.
    """

    name: str
    evidence: Evidence | Raw
    verdict: str
    failed: tuple[int, ...] = ()
    unchecked: tuple[int, ...] = (9, 10)
    chain: str | None = "plain"
    checkpoint: str | None = None
    at: int | None = None


def cases() -> Iterator[Case]:
    """Yield every case, by the step that it is about."""
    yield from _sound()
    yield from _content()
    yield from _batch()
    yield from _block_and_contract()
    yield from _standing()
    yield from _submission()
    yield from _key()
    yield from _receipt()
    yield from _proof()


def _sound() -> Iterator[Case]:
    for name in ("donation", "donation-shown-in-part", "donation-least-shown", "disbursement", "registration"):
        yield Case(name, FILES[name], "valid")
    yield Case("signed", FILES["signed"], "valid", unchecked=())
    yield Case("unsigned ledger, signed all the same", DONATIONS.signed(FILES["donation"]), "valid", unchecked=())


def revalued(evidence: Evidence, path: str, value: Any) -> Evidence:
    """Return the evidence with another disclosed value at the path."""
    pairs = (pair._replace(value=value) if pair.path == path else pair for pair in evidence.pairs)
    return replace(evidence, pairs=tuple(pairs))


def _content() -> Iterator[Case]:
    donation, needs_2 = FILES["donation"], (3, 4, 5, 9, 10)
    first, second, *rest = donation.pairs
    below = Pair(f"{first.path}/a", None, None, bytes(32))
    yield Case("pairs out of order", replace(donation, pairs=(second, first, *rest)), "invalid", (2,), needs_2)
    yield Case("a path twice", replace(donation, pairs=(first, first, second, *rest)), "invalid", (2,), needs_2)
    yield Case("a path below another", replace(donation, pairs=(first, below, second, *rest)), "invalid", (2,), needs_2)
    yield Case("credit is not the body's amount", FILES["odd-amount"], "invalid", (3,))
    yield Case("a field of the schema is missing", FILES["odd-fields"], "invalid", (3,))
    yield Case("a schema that the descriptor does not pin", FILES["odd-schema"], "valid", (), (3, 9, 10))
    yield Case("revision 0 with a previous one", revalued(donation, "/previous", "00" * 32), "invalid", (3, 5))
    yield Case(
        "amounts raised alike", revalued(revalued(donation, "/credit", 10_001), "/body/amount", 10_001), "invalid", (5,)
    )
    yield Case("a text changed", revalued(donation, "/body/purpose", "午餐"), "invalid", (5,))
    yield Case("a date changed, SM3", revalued(FILES["registration"], "/body/date", "2026-09-10"), "invalid", (5,))
    hidden = tuple(
        pair._replace(digest=bytes(32)) if pair.hidden else pair for pair in FILES["donation-least-shown"].pairs
    )
    yield Case("hidden digests changed", replace(donation, pairs=hidden), "invalid", (5,))


def _batch() -> Iterator[Case]:
    donation, batch = FILES["donation"], FILES["donation"].batch
    sibling = donation.path[0]
    yield Case("the sibling is missing", replace(donation, path=()), "invalid", (4,), (5, 9, 10))
    yield Case(
        "a sibling too many", replace(donation, path=(sibling, Node(bytes(32), 0, 0))), "invalid", (4,), (5, 9, 10)
    )
    yield Case("seq outside the batch", replace(donation, seq=2), "invalid", (4,), (5, 9, 10))
    empty = replace(donation, batch=replace(batch, count=0), path=())
    yield Case("a batch of no entries", empty, "invalid", (4,), (5, 9, 10))
    full = sibling._replace(credit=2**53 - 1)
    yield Case("sums beyond 2^53-1", replace(donation, path=(full,)), "invalid", (4,), (5, 9, 10))
    yield Case("the other entry's seq", replace(donation, seq=1 - donation.seq), "invalid", (5,))
    yield Case("the sibling's credit raised", replace(donation, path=(sibling._replace(credit=1),)), "invalid", (5,))
    yield Case("another time", replace(donation, batch=replace(batch, time=TIME - 1)), "invalid", (5,))
    yield Case("another account", replace(donation, batch=replace(batch, actor=bytes(20))), "invalid", (5,))
    yield Case("another head before", replace(donation, batch=replace(batch, prev=derived("x"))), "invalid", (5,))
    yield Case("a batch that was never anchored", replace(donation, batch=replace(batch, index=1)), "invalid", (5,))
    yield Case("another suite", replace(donation, suite=FILES["registration"].suite), "invalid", (5,))
    yield Case("flagged as signed", replace(donation, flags=1), "invalid", (5, 9), (10,))


def _block_and_contract() -> Iterator[Case]:
    donation, unread = FILES["donation"], (5, 6, 7, 8, 9, 10)
    yield Case("no node and no checkpoint", donation, "undetermined", (), unread, None)
    yield Case("signed, no node and no checkpoint", FILES["signed"], "undetermined", (), (5, 6, 7, 8, 9), None)
    yield Case("the block asked for is not there yet", donation, "undetermined", (), unread, at=NUMBER + 1)
    yield Case("a block before the batch", donation, "undetermined", (), (5, 9, 10), "before the batches")
    yield Case("other code at the contract", donation, "invalid", (7,), chain="other code")
    yield Case("other code at Institutions", donation, "invalid", (7,), chain="other register")
    elsewhere = (5, 6, 8, 9, 10)
    yield Case("another network", replace(donation, network=derived("another")), "invalid", (7,), elsewhere)
    yield Case("another contract", replace(donation, contract=bytes(20)), "invalid", (7,), elsewhere)


def _standing() -> Iterator[Case]:
    donation, superseded, resumed = (FILES[name] for name in ("donation", "donation-superseded", "donation-resumed"))
    open_8 = (8, 9, 10)
    yield Case("superseded", superseded, "superseded", chain="superseded")
    yield Case("dissolved, SM3", FILES["registration-dissolved"], "dissolved", chain="dissolved")
    yield Case("suspended and resumed", resumed, "valid", chain="resumed")
    yield Case("an older file, superseded since", donation, "superseded", (), open_8, "superseded")
    yield Case("an older file, suspended and resumed since", donation, "undetermined", (), open_8, "resumed")
    first_only = replace(resumed, status=resumed.status[:1])
    yield Case("a file that tells one of two changes", first_only, "undetermined", (), open_8, "resumed")
    other_cause = replace(superseded, status=(superseded.status[0]._replace(cause_seq=0),))
    yield Case("another cause", other_cause, "undetermined", (), open_8, "superseded")
    yield Case("a change that the chain does not know", superseded, "invalid", (8,))
    later = replace(donation, status=changes(Status.REVOKED, after=NUMBER))
    yield Case("a change after the block that was read", later, "undetermined", (), open_8)
    yield Case("the same, asked for that very block", later, "valid", at=NUMBER)


def _submission() -> Iterator[Case]:
    signed = FILES["signed"]
    submission = signed.submission
    assert submission is not None
    yield Case("signed ledger, no submission", replace(signed, submission=None), "invalid", (9,), ())
    for name, wrong in _wrong_submissions(submission):
        yield Case(name, replace(signed, submission=wrong), "invalid", (9,), ())


def _wrong_submissions(good: Submission) -> Iterator[tuple[str, Submission]]:
    yield "submission: signature changed", replace(good, signature=bytes([good.signature[0] ^ 1]) + good.signature[1:])
    yield "submission: path too short", replace(good, path=good.path[:-1])
    yield "submission: another position", replace(good, index=good.index ^ 1)
    yield "submission: another algorithm", replace(good, alg=2)
    alone = Submission(1, 0, 1, (), STRANGER.public, b"")
    commitment = SIGNED.entries[good.index].commitment
    message = submission_message(SIGNED.ledger_id, 1, ChunkTree([commitment]).root)
    yield "submission: a stranger's key", replace(alone, signature=STRANGER.sign(message))


def _key() -> Iterator[Case]:
    signed = FILES["signed"]
    yield Case("no key was registered", signed, "invalid", (9, 10), (), "no keys")
    for chain in ("another's key", "key for receipts", "key ended", "key too late"):
        yield Case(chain, signed, "invalid", (9,), (), chain)
    yield Case("key compromised", signed, "undetermined", (), (9,), "key compromised")
    for chain in ("key ends later", "key compromised later"):
        yield Case(chain, signed, "valid", (), (), chain)


def _receipt() -> Iterator[Case]:
    signed = FILES["signed"]
    receipt = signed.receipt
    assert receipt is not None
    yield Case("no receipt", replace(signed, receipt=None), "valid", (), (10,))
    for name, wrong in _wrong_receipts(receipt):
        yield Case(name, replace(signed, receipt=wrong), "invalid", (10,), ())
    commitments = [entry.commitment for entry in SIGNED.entries]
    late = sign_receipts(SERVICE_KEY, SIGNED.ledger_id, commitments, ACCEPTED, TIME - 60)[receipt.index]
    yield Case("receipt: the deadline was missed", replace(signed, receipt=late), "valid", (), ())


def _wrong_receipts(good: Receipt) -> Iterator[tuple[str, Receipt]]:
    yield "receipt: another deadline", replace(good, anchor_by=good.anchor_by + 1)
    yield "receipt: accepted earlier", replace(good, accepted_at=good.accepted_at - 1)
    yield "receipt: path too long", replace(good, path=(*good.path, bytes(32)))
    commitments = [entry.commitment for entry in SIGNED.entries]
    yield (
        "receipt: a stranger's key",
        sign_receipts(STRANGER, SIGNED.ledger_id, commitments, ACCEPTED, TIME)[good.index],
    )


def _proof() -> Iterator[Case]:
    proven, unread = FILES["signed-proven"], (5, 6, 7, 8, 9)
    yield Case("proof and checkpoint", proven, "valid", (), (), None, "good")
    yield Case("proof, asked of a node", proven, "valid", (), ())
    yield Case("proof of a block that the node's chain does not have", proven, "invalid", (6,), (), "resumed")
    yield Case("checkpoint of a stranger", proven, "undetermined", (), unread, None, "stranger")
    yield Case("checkpoint of another block", proven, "undetermined", (), unread, None, "another block")
    yield Case("checkpoint of another network", proven, "undetermined", (), unread, None, "another network")
    yield Case("checkpoint with another hash", proven, "invalid", (6,), (5, 7, 8, 9), None, "another hash")
    yield Case("checkpoint, but no proof", FILES["signed"], "undetermined", (), unread, None, "good")
    yield Case("checkpoint, another block asked for", proven, "undetermined", (), unread, None, "good", NUMBER - 1)
    proof = proven.proof
    assert proof is not None
    for name, wrong, failed, unchecked in _wrong_proofs(proof):
        verdict = "invalid" if failed else "undetermined"
        yield Case(name, replace(proven, proof=wrong), verdict, failed, unchecked, None, "good")


def _wrong_proofs(good: Proof) -> Iterator[tuple[str, Proof, tuple[int, ...], tuple[int, ...]]]:
    yield "proof: no node of the contract", good._replace(account=()), (5, 7, 8), ()
    yield "proof: no node of the head", good._replace(head=()), (5,), ()
    yield "proof: the head's nodes in another order", good._replace(head=good.head[::-1]), (5,), ()
    yield "proof: a node too many", good._replace(word=(*good.word, good.head[-1])), (8,), ()
    yield "proof: the word's nodes are the head's", good._replace(word=good.head), (8,), ()
    yield "proof: no node of the key", good._replace(key=()), (9,), ()
    yield "proof: Institutions left out", good._replace(institutions=()), (9,), ()
    yield "proof: Institutions and key left out", good._replace(institutions=(), key=()), (), (9,)
    yield "proof: header cut short", good._replace(header=good.header[:-1]), (6,), (5, 7, 8, 9)
