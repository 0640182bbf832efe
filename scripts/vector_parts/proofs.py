"""Cases about state proofs beside a node, block headers, RLP, trie nodes and checkpoint notes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import rlp

from chainsvc.checkpoint import Checkpoint
from chainsvc.evidence import Evidence, Proof
from chainsvc.note import NoteSignature, Signer
from chainsvc.proof.keccak import keccak256
from chainsvc.proof.slots import nested_slot
from vector_parts.batches import BATCHES, DONATIONS
from vector_parts.cases import FILES, STRANGER, Case
from vector_parts.constants import CONTRACT, NETWORK, derived
from vector_parts.state import NUMBER, SECOND_SIGNER, SIGNER, SLOTS, ChainState

PROVEN, UNSIGNED = FILES["signed-proven"], FILES["donation-proven"]
OFFLINE = (5, 6, 7, 8, 9)
BY_HEADER = (5, 7, 8, 9)
"""Steps that need the proof's header."""


def _proof(evidence: Evidence) -> Proof:
    assert evidence.proof is not None
    return evidence.proof


def cases() -> Iterator[Case]:
    """Yield every case."""
    yield Case("unsigned, proof and checkpoint", UNSIGNED, "valid", checkpoint="good", chain=None)
    yield from _keys_without_use()
    yield from _beside_a_node()
    yield from _headers()
    for name in CROOKED:
        failed = (5,) if name == NO_VALUE else (5, 8)  # the walk to the word ends at the leaf's other path
        yield Case(f"trie: {name}", _crooked(name)[1], "invalid", failed, chain=None, checkpoint=f"trie: {name}")
    yield from _notes()


def _keys_without_use() -> Iterator[Case]:
    signed, unsigned = _proof(PROVEN), _proof(UNSIGNED)
    nodes = replace(UNSIGNED, proof=unsigned._replace(key=signed.key[-1:]))
    yield Case("key nodes without a submission", nodes, "invalid", (9,), (10,), None, "good")
    register = replace(UNSIGNED, proof=unsigned._replace(institutions=signed.institutions))
    yield Case("Institutions proven without a submission", register, "valid", (), (9, 10), None, "good")
    wrong = replace(UNSIGNED, proof=unsigned._replace(institutions=signed.account))
    yield Case("Institutions not proven by its nodes", wrong, "invalid", (7,), (9, 10), None, "good")


def _beside_a_node() -> Iterator[Case]:
    good = _proof(PROVEN)

    def spoiled(**nodes: Any) -> Evidence:
        return replace(PROVEN, proof=good._replace(**nodes))

    yield Case("node: no header in the proof", spoiled(header=good.header[:-1]), "invalid", (6,), BY_HEADER)
    yield Case("node: no node of the contract", spoiled(account=()), "invalid", (5, 7, 8), ())
    yield Case("node: no node of the head", spoiled(head=()), "invalid", (5,), ())
    yield Case("node: no node of the word", spoiled(word=()), "invalid", (8,), ())
    yield Case("node: no node of the key", spoiled(key=()), "invalid", (9,), ())
    yield Case("node: Institutions left out", spoiled(institutions=()), "invalid", (9,), ())
    yield Case("node: Institutions and key left out", spoiled(institutions=(), key=()), "valid", (), ())
    yield Case("node: block of the proof not there yet", PROVEN, "undetermined", (), (5, 6), "before the batches")
    yield Case("node: the same, no node of the head", spoiled(head=()), "invalid", (5,), (6,), "before the batches")
    yield Case("node and proof: other key", PROVEN, "invalid", (6, 9), (), "another's key")
    yield Case("node and proof: compromised in one", PROVEN, "invalid", (6,), (9,), "key compromised")
    yield Case("node and proof: compromised, not proven", spoiled(key=()), "invalid", (6, 9), (), "key compromised")
    changed = FILES["donation-superseded"]
    told = replace(UNSIGNED, status=changed.status)
    yield Case("node and proof: a change in one", told, "invalid", (6, 8), chain="superseded")
    untold = Case("node and proof: a change in the other", UNSIGNED, "invalid", (6,), (8, 9, 10), "superseded")
    yield untold


def _qbft() -> ChainState:
    state = ChainState.of(BATCHES)
    state.extra, state.is_qbft = _extra(), True
    return state


def _extra(*, validators: int = 4, round_number: bytes = b"\1", seal: bytes = b"\2") -> bytes:
    addresses = [derived(f"validator/{i}", 20) for i in range(validators)]
    encoded: bytes = rlp.encode([bytes(32), addresses, [], round_number, [seal * 65] * 2])
    return encoded


def _headers() -> Iterator[Case]:
    good, state = _proof(PROVEN), _qbft()

    def at(header: bytes) -> Evidence:
        return replace(PROVEN, proof=good._replace(header=header))

    yield Case("QBFT header", at(state.header), "valid", (), (), None, "QBFT")
    state.extra = _extra(round_number=b"\5", seal=b"\7")
    yield Case("QBFT header, other round and seals", at(state.header), "valid", (), (), None, "QBFT")
    state.extra = _extra(validators=3)
    yield Case("QBFT header, other validators", at(state.header), "invalid", (6,), BY_HEADER, None, "QBFT")
    for name, header in _other_headers():
        yield Case(name, at(header), "invalid", (6,), BY_HEADER, None, name)


def _other_headers() -> Iterator[tuple[str, bytes]]:
    """Yield headers that a signer vouches for and that are none."""
    header = ChainState.of(BATCHES).header
    number = NUMBER.to_bytes(2)
    fields = rlp.decode(header)
    size = header[1:3]
    assert header[:1] == b"\xf9"
    longer = (int.from_bytes(size) + 1).to_bytes(2)
    place = header.index(b"\x82" + number)
    yield "header: a number in the long form", b"\xf9" + longer + header[3:place] + b"\xb8\x02" + header[place + 1 :]
    yield "header: a number with a leading zero", rlp.encode([*fields[:8], b"\0" + number, *fields[9:]])
    yield "header: fourteen fields", rlp.encode(fields[:14])
    yield "header: a list among the fields", rlp.encode([*fields, []])
    yield "header: a byte behind it", header + b"\0"


def _leaf(state: ChainState) -> tuple[bytes, bytes]:
    """Return path and word of the donation's head, as the one entry of a storage trie."""
    slot = nested_slot(DONATIONS.ledger_id, 0, SLOTS.heads)
    encoded: bytes = rlp.encode(state.slots[CONTRACT][slot])
    return keccak256(slot), encoded


NO_VALUE = "a leaf without a value"

CROOKED: dict[str, Callable[[bytes, bytes], bytes]] = {
    "a node in the long form": lambda path, word: b"\xf9\0\x45" + rlp.encode([b"\x20" + path, word])[2:],
    "padding in a hex prefix": lambda path, word: rlp.encode([b"\x21" + path, word]),
    "a hex prefix of another kind": lambda path, word: rlp.encode([b"\x40" + path, word]),
    NO_VALUE: lambda path, _word: rlp.encode([b"\x20" + path, b""]),
    "an extension of no nibble": lambda _path, word: rlp.encode([b"\0", word]),
}
"""Storage tries of one node that is none, by what is wrong with it; from path and word."""


def _crooked(name: str) -> tuple[ChainState, Evidence]:
    state = ChainState.of(BATCHES)
    node = CROOKED[name](*_leaf(state))
    state.roots[CONTRACT] = keccak256(node)
    proof = state.prove(UNSIGNED)._replace(head=(node,), word=(node,))
    return state, replace(UNSIGNED, proof=proof)


def checkpoints() -> dict[str, Checkpoint]:
    """Return the checkpoints that only these cases need."""
    good = Checkpoint(NETWORK, NUMBER, ChainState.of(BATCHES).hash)
    wrong = NoteSignature(SIGNER.name, SIGNER.verifier_key.key_id, bytes(64))
    signed = good.sign([SIGNER])
    blocks = {"QBFT": _qbft().hash, **{name: keccak256(header) for name, header in _other_headers()}}
    blocks |= {f"trie: {name}": _crooked(name)[0].hash for name in CROOKED}
    return {
        "second signer": good.sign([SECOND_SIGNER]),
        "both signers": good.sign([SIGNER, SECOND_SIGNER]),
        "one signer twice": good.sign([SIGNER, SIGNER]),
        "with a stranger": good.sign([Signer("stranger.example/key", STRANGER), SIGNER]),
        "with a signature of a known key that is none": replace(signed, signatures=(*signed.signatures, wrong)),
        **{name: Checkpoint(NETWORK, NUMBER, block_hash).sign([SIGNER]) for name, block_hash in blocks.items()},
    }


def _notes() -> Iterator[Case]:
    for name in ("second signer", "both signers", "one signer twice", "with a stranger"):
        yield Case(f"checkpoint: {name}", PROVEN, "valid", (), (), None, name)
    name = "with a signature of a known key that is none"
    yield Case(f"checkpoint: {name}", PROVEN, "undetermined", (), OFFLINE, None, name)
