"""Cases at the borders: sizes, shapes that parse but fail later, blocks, and the times of keys."""

from collections.abc import Iterator
from dataclasses import replace

from chainsvc.evidence import MAX_BYTES, MAX_BYTES_WITH_PROOF, Pair
from chainsvc.proof.slots import nested_slot
from chainsvc.receipt import Submission
from vector_parts.batches import BATCHES, DONATIONS
from vector_parts.cases import FILES, Case, Raw
from vector_parts.constants import CONTRACT, OPERATOR, UNIT, derived
from vector_parts.sample import ACCEPTED, TIME
from vector_parts.state import SLOTS, ChainState, key_word

TOLERANCE = 5
"""Of the descriptor, in seconds."""

UNREAD = tuple(range(2, 11))
DONATION, SIGNED = FILES["donation"], FILES["signed"]
ORDER = 2**252 + 27_742_317_777_372_353_535_851_937_790_883_648_493
"""Order of the group of Ed25519."""


def chains() -> dict[str, ChainState]:
    """Return the chain states that only these cases need."""
    ends = {
        "receipt key from 5 s later": key_word(OPERATOR, 2, since=ACCEPTED + TOLERANCE),
        "receipt key from 6 s later": key_word(OPERATOR, 2, since=ACCEPTED + TOLERANCE + 1),
        "receipt key until 4 s before": key_word(OPERATOR, 2, until=ACCEPTED - TOLERANCE + 1),
        "receipt key until 5 s before": key_word(OPERATOR, 2, until=ACCEPTED - TOLERANCE),
        "receipt key compromised 5 s later": key_word(OPERATOR, 2, compromised=ACCEPTED + TOLERANCE),
        "receipt key compromised 6 s later": key_word(OPERATOR, 2, compromised=ACCEPTED + TOLERANCE + 1),
        "receipt key for submissions": key_word(OPERATOR, 1),
    }
    unknown = ChainState.of(BATCHES)
    unknown.slots[CONTRACT][nested_slot(DONATIONS.ledger_id, DONATION.seq, SLOTS.words)] = b"\1" * 31 + b"\7"
    absent, early = ChainState.of([]), ChainState.of(BATCHES)
    absent.number, absent.time = DONATION.batch.block, TIME
    early.number, early.time = DONATION.batch.block - 1, TIME - 2
    return {
        **{name: ChainState.of(BATCHES, service=word) for name, word in ends.items()},
        "key from the batch's time": ChainState.of(BATCHES, issuer=key_word(UNIT, 1, since=TIME)),
        "unknown standing": unknown,
        "the batch's block, without batches": absent,
        "heads before the batches' block": early,
    }


def cases() -> Iterator[Case]:
    """Yield every case."""
    yield from _sizes()
    yield from _blocks()
    yield from _elsewhere()
    yield from _keys()
    yield from _shapes()


def _sizes() -> Iterator[Case]:
    for base, most in (("donation", MAX_BYTES), ("donation-proven", MAX_BYTES_WITH_PROOF)):
        data = FILES[base].to_bytes()
        place = data.index("学生午餐".encode())
        fill = most - len(data)
        yield Case(f"{most} bytes", Raw(base, place, place, b"a", fill), "invalid", (3, 5))
        yield Case(f"{most + 1} bytes", Raw(base, place, place, b"a", fill + 1), "invalid", (1,), UNREAD)
    superseded = FILES["donation-superseded"].to_bytes()
    place = superseded.index(b'"status":[') + len(b'"status":[')
    change = superseded[place : superseded.index(b"]", place) + 1] + b","
    wrong = Raw("donation-superseded", place, place, change, 255)
    yield Case("256 changes of standing", wrong, "undetermined", (), (8, 9, 10), "superseded")
    yield Case("257 changes of standing", wrong._replace(times=256), "invalid", (1,), UNREAD)
    data = DONATION.to_bytes()
    place, pairs = data.index(b'"pairs":[') + len(b'"pairs":['), len(DONATION.pairs)
    many = Raw("donation", place, place, b'["/a","' + b"0" * 64 + b'"],', 256 - pairs)
    yield Case("256 pairs", many, "invalid", (2,), (3, 4, 5, 9, 10))
    yield Case("257 pairs", many._replace(times=257 - pairs), "invalid", (1,), UNREAD)


def _blocks() -> Iterator[Case]:
    yield Case(
        "no head at the batch's own block", DONATION, "invalid", (5,), chain="the batch's block, without batches"
    )
    other = replace(DONATION, batch=replace(DONATION.batch, time=TIME - 1))
    yield Case("another head before the batch's block", other, "invalid", (5,), chain="heads before the batches' block")
    yield Case("a status byte of 7", DONATION, "invalid", (8,), chain="unknown standing")
    later = replace(DONATION, status=tuple(c._replace(block=9000) for c in FILES["donation-superseded"].status))
    yield Case("a status byte of 7, and a later change", later, "invalid", (8,), chain="unknown standing")


def _elsewhere() -> Iterator[Case]:
    unread = (5, 6, 8)
    foreign = replace(DONATION, network=derived("another"))
    yield Case("another network, no source", foreign, "invalid", (7,), (*unread, 9, 10), None)
    signed = replace(SIGNED, contract=bytes(20))
    yield Case("another contract: what was signed names the ledger", signed, "invalid", (7, 9, 10), unread)
    yield Case("another contract, no submission", replace(signed, submission=None), "invalid", (7, 9, 10), unread)
    kind = tuple(
        pair._replace(value=str(pair.value).replace("charity", "funeral")) if pair.path == "/ledger" else pair
        for pair in DONATION.pairs
    )
    yield Case("a kind that the descriptor has not", replace(DONATION, pairs=kind), "invalid", (3, 7), (*unread, 9, 10))


def _keys() -> Iterator[Case]:
    yield Case("key from the batch's time", SIGNED, "valid", (), (), "key from the batch's time")
    for name in ("from 5 s later", "until 4 s before", "compromised 6 s later"):
        yield Case(f"receipt key {name}", SIGNED, "valid", (), (), f"receipt key {name}")
    for name in ("from 6 s later", "until 5 s before", "for submissions"):
        yield Case(f"receipt key {name}", SIGNED, "invalid", (10,), (), f"receipt key {name}")
    name = "receipt key compromised 5 s later"
    yield Case(name, SIGNED, "valid", (), (10,), name)


def _shapes() -> Iterator[Case]:
    """Yield shapes that step 1 lets pass."""
    good = SIGNED.submission
    assert good is not None
    for name, wrong in _submissions(good):
        yield Case(f"submission: {name}", replace(SIGNED, submission=wrong), "invalid", (9,), ())
    least, first = FILES["donation-least-shown"], DONATION.pairs[0]
    twice = (Pair(first.path, None, None, bytes(32)), *DONATION.pairs)
    yield Case("a path hidden and disclosed", replace(least, pairs=twice), "invalid", (2,), (3, 4, 5, 9, 10))
    credit = next(pair for pair in DONATION.pairs if pair.path == "/credit")
    both = (*DONATION.pairs, credit._replace(value=1))
    yield Case("credit twice", replace(DONATION, pairs=both), "invalid", (2,), (3, 4, 5, 9, 10))
    token = replace(DONATION, timestamps=(b"", b"no token"))
    yield Case("timestamps that are no tokens", token, "valid")


def _submissions(good: Submission) -> Iterator[tuple[str, Submission]]:
    yield "a key of 31 bytes", replace(good, pubkey=good.pubkey[:-1])
    yield "a signature of 63 bytes", replace(good, signature=good.signature[:-1])
    yield "an empty signature", replace(good, signature=b"")
    yield "a chunk of none", replace(good, index=0, count=0, path=())
    yield "a position behind the chunk", replace(good, index=good.count)
    scalar = int.from_bytes(good.signature[32:], "little") + ORDER
    yield "S not below the group's order", replace(good, signature=good.signature[:32] + scalar.to_bytes(32, "little"))
