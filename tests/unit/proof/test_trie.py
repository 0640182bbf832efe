"""The strict walk against the library ``trie`` as oracle, and against what the library lets pass."""

from typing import Any

import pytest
import rlp
from hypothesis import given
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from chainsvc.errors import MalformedInput
from chainsvc.proof.keccak import keccak256
from chainsvc.proof.trie import EMPTY_ROOT, lookup


def _trie(values: dict[bytes, bytes]) -> Any:
    trie: Any = HexaryTrie({})
    for key, value in values.items():
        trie.set(keccak256(key), value)
    return trie


def _proof(trie: Any, key: bytes) -> list[bytes]:
    encoded = [rlp.encode(node) for node in trie.get_proof(keccak256(key))]
    return [node for i, node in enumerate(encoded) if i == 0 or len(node) >= 32]


VALUES = st.dictionaries(st.binary(min_size=1, max_size=4), st.binary(min_size=1, max_size=60), min_size=1, max_size=40)


@given(VALUES, st.binary(min_size=1, max_size=4))
def test_proves_presence_and_absence_as_the_library_does(values: dict[bytes, bytes], key: bytes) -> None:
    trie = _trie(values)
    assert lookup(trie.root_hash, key, _proof(trie, key), "") == values.get(key)


@given(VALUES, st.data())
def test_refuses_every_proof_but_the_one(values: dict[bytes, bytes], data: st.DataObject) -> None:
    trie = _trie(values)
    key = data.draw(st.sampled_from(sorted(values)))
    proof = _proof(trie, key)
    broken = data.draw(
        st.sampled_from([proof[:-1], [*proof, proof[-1]], [*proof, rlp.encode([b"\x20", b"x" * 40])], [b"", *proof]])
    )
    with pytest.raises(MalformedInput):
        lookup(trie.root_hash, key, broken, "")


@given(VALUES, st.data())
def test_refuses_any_changed_bit(values: dict[bytes, bytes], data: st.DataObject) -> None:
    trie = _trie(values)
    key = data.draw(st.sampled_from(sorted(values)))
    proof = [bytearray(node) for node in _proof(trie, key)]
    node = data.draw(st.sampled_from(proof))
    node[data.draw(st.integers(0, len(node) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(MalformedInput):
        lookup(trie.root_hash, key, [bytes(node) for node in proof], "")


def test_refuses_nodes_out_of_order_which_the_library_takes() -> None:
    trie = _trie({bytes([i]): b"v" * 40 for i in range(40)})
    key = b"\x05"
    proof = _proof(trie, key)
    assert len(proof) > 1
    library: Any = HexaryTrie
    backwards = [rlp.decode(node) for node in reversed(proof)]
    assert library.get_from_proof(trie.root_hash, keccak256(key), backwards) == b"v" * 40
    with pytest.raises(MalformedInput, match="wrong proof node"):
        lookup(trie.root_hash, key, proof[::-1], "")


@pytest.mark.parametrize(
    "node",
    [
        [],
        [b"a"],
        [b"a"] * 3,
        [b"", b"x"],
        [b"\x00", b"x" * 32],
        [b"\x40", b"x"],
        [b"\x21"],
        [[b"a"], b"x"],
        b"abc",
        [b"\x20" + keccak256(b"key"), b""],
        [b"\x20" + keccak256(b"key"), [b"x"]],
        [b""] * 18,
    ],
    ids=repr,
)
def test_a_node_of_hostile_shape_is_refused(node: Any) -> None:
    data = rlp.encode(node)
    with pytest.raises(MalformedInput):
        lookup(keccak256(data), b"key", [data], "")


@pytest.mark.parametrize("nodes", [[], [b"\x80"]])
def test_the_empty_trie_proves_absence(nodes: list[bytes]) -> None:
    assert lookup(EMPTY_ROOT, b"key", nodes, "") is None


def test_no_nodes_prove_nothing_under_another_root() -> None:
    with pytest.raises(MalformedInput, match="lacks a node"):
        lookup(keccak256(b"x"), b"key", [], "")
