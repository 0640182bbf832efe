from typing import Any

import pytest
import rlp
from trie.hexary import HexaryTrie

from chainsvc.errors import MalformedInput
from chainsvc.proof.account import MAX_NODES, prove_account, prove_slot
from chainsvc.proof.keccak import EMPTY_CODE, keccak256
from chainsvc.proof.trie import EMPTY_ROOT

ADDRESS = b"\x01" * 20
SLOT = (7).to_bytes(32)


def _single(key: bytes, value: bytes) -> tuple[bytes, list[bytes]]:
    trie: Any = HexaryTrie({})
    trie.set(keccak256(key), value)
    return trie.root_hash, [rlp.encode(node) for node in trie.get_proof(keccak256(key))]


def test_proves_an_account() -> None:
    root, nodes = _single(ADDRESS, rlp.encode([3, 10**20, EMPTY_ROOT, EMPTY_CODE]))
    account = prove_account(root, ADDRESS, nodes, "")
    assert account is not None
    assert (account.nonce, account.balance, account.storage_root, account.code_hash) == (
        3,
        10**20,
        EMPTY_ROOT,
        EMPTY_CODE,
    )


def test_proves_that_there_is_no_account() -> None:
    root, nodes = _single(ADDRESS, rlp.encode([3, 0, EMPTY_ROOT, EMPTY_CODE]))
    assert prove_account(root, b"\x02" * 20, nodes, "") is None


@pytest.mark.parametrize(
    "value",
    [
        rlp.encode([3, 0, EMPTY_ROOT]),
        rlp.encode([3, 0, EMPTY_ROOT, EMPTY_CODE, b""]),
        rlp.encode([3, 0, EMPTY_ROOT[:31], EMPTY_CODE]),
        rlp.encode([b"\x00", 0, EMPTY_ROOT, EMPTY_CODE]),
        rlp.encode([3, b"\x01" * 33, EMPTY_ROOT, EMPTY_CODE]),
        rlp.encode([3, [], EMPTY_ROOT, EMPTY_CODE]),
        b"\x01" * 40,
    ],
)
def test_a_value_that_is_no_account_is_refused(value: bytes) -> None:
    root, nodes = _single(ADDRESS, value)
    with pytest.raises(MalformedInput):
        prove_account(root, ADDRESS, nodes, "")


def test_proves_a_word_padded_to_32_bytes() -> None:
    root, nodes = _single(SLOT, rlp.encode(b"\x01\x00"))
    assert prove_slot(root, SLOT, nodes, "") == (256).to_bytes(32)


def test_absence_is_zero() -> None:
    root, nodes = _single(SLOT, rlp.encode(b"\x01"))
    assert prove_slot(root, (8).to_bytes(32), nodes, "") == bytes(32)


@pytest.mark.parametrize(
    "value", [rlp.encode(b"\x00\x01"), rlp.encode(b""), rlp.encode(b"\x01" * 33), rlp.encode([b"x"])]
)
def test_a_value_that_is_no_word_is_refused(value: bytes) -> None:
    root, nodes = _single(SLOT, value)
    with pytest.raises(MalformedInput):
        prove_slot(root, SLOT, nodes, "")


def test_too_many_nodes_are_refused_unread() -> None:
    with pytest.raises(MalformedInput, match="too many"):
        prove_slot(EMPTY_ROOT, SLOT, [b"\x80"] * (MAX_NODES + 1), "")
