"""The worked example of docs/evidence-format.md: one file, every hash with its preimage."""

from collections.abc import Iterator

from chainsvc import jcs
from chainsvc.commitment import pair_digest
from chainsvc.evidence import Evidence, Pair
from chainsvc.heads import ZERO
from chainsvc.proof.slots import mapping_slot, nested_slot
from chainsvc.receipt import ChunkTree, receipt_message, submission_message
from chainsvc.sumtree import Node
from vector_parts.batches import DONATIONS
from vector_parts.constants import NETWORK
from vector_parts.evidence_files import valid
from vector_parts.sample import ACCEPTED, ANCHOR_BY, ISSUER_KEY, SERVICE_KEY, word_after
from vector_parts.state import SLOTS

NAME = "donation-shown-in-part"
WIDTH = 112
"""Columns of hex and text in the document."""

BEGIN, END = "<!-- example:begin -->\n", "<!-- example:end -->\n"


def within(document: str) -> str:
    """Return the document with the example put between its marks."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "\n".join(_sections()).replace("\n\n\n", "\n\n") + END + after


def _sections() -> Iterator[str]:
    evidence = valid()[NAME][1]
    yield from _file(evidence)
    yield from _ledger(evidence)
    yield from _commitment(evidence)
    yield from _tree(evidence)
    yield from _head(evidence)
    yield from _standing(evidence)
    yield from _signatures()


def _block(*lines: str) -> str:
    return "\n```\n" + "\n".join(lines) + "\n```\n"


def _cut(text: str) -> list[str]:
    return [text[i : i + WIDTH] for i in range(0, len(text), WIDTH)]


def _hashed(sign: str, parts: list[bytes], result: bytes) -> list[str]:
    """Show a preimage field by field, and its hash."""
    lines = [line for part in parts for line in _cut(part.hex())]
    return [f"{sign}(", *(f"  {line}" for line in lines), f") = {result.hex()}"]


def _file(evidence: Evidence) -> Iterator[str]:
    data = evidence.to_bytes()
    yield (
        f"This is [{NAME}.json](../tests/vectors/evidence/valid/{NAME}.json), {len(data):,} bytes, cut into lines:\n"
        "the line breaks are not in the file. In preimages below, each field begins a new line. This section is\n"
        "written by `python scripts/vectors.py`."
    )
    yield _block(*_cut(data.decode()))


def _ledger(evidence: Evidence) -> Iterator[str]:
    name = str(evidence.ledger_name)
    yield f"**Ledger** `{name}`, suite 1, flags 0 (section 4):"
    fields = [b"\x06", NETWORK, evidence.contract, bytes([evidence.suite.id]), bytes([evidence.flags]), name.encode()]
    yield _block(*_hashed("ledgerId = S", fields, evidence.ledger_id))


def _commitment(evidence: Evidence) -> Iterator[str]:
    yield "**Commitment** (section 6). Each disclosed value with its salt; hidden digests are taken from the file:"
    yield _block(*(line for pair in evidence.pairs for line in _digest(evidence, pair)))
    parts = [b"\x03", len(evidence.pairs).to_bytes(2)]
    for pair in evidence.pairs:
        digest = pair.digest or pair_digest(evidence.suite, pair.salt or b"", pair.value)
        parts += [len(pair.path).to_bytes(2) + pair.path.encode(), digest]
    yield _block(*_hashed("commitment = H", parts, evidence.commitment()))


def _digest(evidence: Evidence, pair: Pair) -> Iterator[str]:
    if pair.salt is None:
        yield f"{pair.path}: hidden"
        return
    value = jcs.dumps(pair.value)
    yield f"{pair.path}: {value.decode()}"
    yield f"  H(02 {pair.salt.hex()} {value.hex()})"
    yield f"  = {pair_digest(evidence.suite, pair.salt, pair.value).hex()}"


def _u64(number: int) -> bytes:
    return number.to_bytes(8)


def _tree(evidence: Evidence) -> Iterator[str]:
    credit, debit = evidence.value("/credit"), evidence.value("/debit")
    leaf, root = DONATIONS.leaves[evidence.seq], DONATIONS.tree.root
    fields = [b"\x00", evidence.ledger_id, _u64(evidence.seq), evidence.commitment(), _u64(credit), _u64(debit)]
    yield f"**Tree** (section 7): seq {evidence.seq}, credit {credit}, debit {debit}."
    yield _block(*_hashed("leaf = H", fields, leaf.hash))
    index, count = evidence.seq - evidence.batch.first, evidence.batch.count
    side = "even, the sibling is on the right" if index == 0 else "odd, the sibling is on the left"
    yield f"Index {index} of {count}: {side}."
    sides = (leaf, evidence.path[0]) if index == 0 else (evidence.path[0], leaf)
    fields = [b"\x01", *(field for side in sides for field in _node(side))]
    yield _block(*_hashed("root = H", fields, root.hash), f"sums: credit {root.credit}, debit {root.debit}")


def _node(node: Node) -> list[bytes]:
    return [node.hash, _u64(node.credit), _u64(node.debit)]


def _head(evidence: Evidence) -> Iterator[str]:
    batch, root = evidence.batch, DONATIONS.tree.root
    numbers = [_u64(batch.index), _u64(batch.first), batch.count.to_bytes(4)]
    fields = [b"\x04", batch.prev, evidence.ledger_id, *numbers, *_node(root)]
    fields += [batch.actor, _u64(batch.block), _u64(batch.time)]
    yield "**Head** (section 8):"
    yield _block(*_hashed("head_0 = S", fields, DONATIONS.head))
    yield "It must stand in this slot of the ledger contract (section 10, slot number 1 from the descriptor):"
    yield _block(*_slot(evidence.ledger_id, SLOTS.heads, batch.index))


def _slot(ledger: bytes, mapping: int, number: int) -> list[str]:
    outer = mapping_slot(ledger, mapping)
    return [
        *_hashed("K", [ledger, mapping.to_bytes(32)], outer),
        *_hashed("slot = K", [number.to_bytes(32), outer], nested_slot(ledger, number, mapping)),
    ]


def _standing(evidence: Evidence) -> Iterator[str]:
    yield "**Standing** (section 9). This entry's words slot, slot number 2; for `valid` the word in it is zero:"
    yield _block(*_slot(evidence.ledger_id, SLOTS.words, evidence.seq))
    (change,) = valid()["donation-superseded"][1].status
    word = word_after(evidence.ledger_id, evidence.seq, [change])
    fields = [b"\x05", ZERO, evidence.ledger_id, _u64(evidence.seq), bytes([change.status])]
    fields += [change.cause_ledger, _u64(change.cause_seq), change.actor, _u64(change.block), _u64(change.time)]
    yield "In `donation-superseded.json` the same entry was superseded by entry 60 of its ledger; the word is then:"
    lines = [line for field in fields for line in _cut(field.hex())]
    yield _block("word_0 = S(", *(f"  {line}" for line in lines), f")[0:31] 01 = {word.hex()}")


def _signatures() -> Iterator[str]:
    commitments = [entry.commitment for entry in DONATIONS.entries]
    leaves = [ChunkTree([commitment]).root for commitment in commitments]
    root = ChunkTree(commitments).root
    yield "**Submission and receipt** (section 11), if both entries had been handed over as one chunk, in this order:"
    chunk: list[str] = []
    for commitment, leaf in zip(commitments, leaves, strict=True):
        chunk += _hashed("chunkLeaf = S", [b"\x10", commitment], leaf)
    yield _block(*chunk, *_hashed("chunk root = S", [b"\x11", *leaves], root))
    count = len(commitments)
    submission = submission_message(DONATIONS.ledger_id, count, root)
    receipt = receipt_message(DONATIONS.ledger_id, count, root, ACCEPTED, ANCHOR_BY)
    for name, key, message in (("submission", ISSUER_KEY, submission), ("receipt", SERVICE_KEY, receipt)):
        yield f"The {name}, its key and its Ed25519 signature:"
        signature = key.sign(message).hex()
        identity = [f"public key {key.public.hex()}", *_hashed("keyId = S", [b"\x01", key.public], key.key_id)]
        yield _block(*message.decode().splitlines(), "", *identity, "signature", *(f"  {x}" for x in _cut(signature)))
    yield (
        "Read from the chain state `plain` of verdicts.json, this file is `valid`: steps 1 to 8 pass, and steps 9 and\n"
        "10 are not checked, since the ledger is unsigned and the file has no receipt.\n"
    )
