"""Accounts and storage slots as a block's state root holds them (Yellow Paper, section 4.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from chainsvc.errors import MalformedInput
from chainsvc.proof import rlp, trie

WORD_BYTES = 32
"""Length of a storage word."""

MAX_NODES = 65
"""Most nodes of one proof: a path has 64 nibbles."""

_FIELDS = 4
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Account:
    """One account.

    Attributes:
        nonce: Transactions sent, or contracts created.
        balance: In wei.
        storage_root: Root of its storage trie, 32 bytes.
        code_hash: Keccak-256 of its code, 32 bytes.
    """

    nonce: int
    balance: int
    storage_root: bytes
    code_hash: bytes


def prove_account(state_root: bytes, address: bytes, nodes: Sequence[bytes], where: str) -> Account | None:
    """Return the account at the 20-byte address, or None when the proof shows that there is none.

    Raises:
        MalformedInput: The nodes do not prove it.
    """
    _check_length(nodes, where)
    return _proven(state_root, address, tuple(nodes), where)


@lru_cache(maxsize=64)  # files of one block prove the same accounts
def _proven(state_root: bytes, address: bytes, nodes: tuple[bytes, ...], where: str) -> Account | None:
    value = trie.lookup(state_root, address, nodes, where)
    if value is None:
        return None
    fields = rlp.strings(rlp.decode(value, max_bytes=trie.MAX_NODE_BYTES, where=where), where)
    if len(fields) != _FIELDS or len(fields[2]) != _HASH_BYTES or len(fields[3]) != _HASH_BYTES:
        raise MalformedInput("not an account", expected="nonce, balance, storage root, code hash", where=where)
    nonce, balance, storage_root, code_hash = fields
    return Account(
        nonce=rlp.unsigned(nonce, where),
        balance=rlp.unsigned(balance, where, max_bytes=WORD_BYTES),
        storage_root=storage_root,
        code_hash=code_hash,
    )


def prove_slot(storage_root: bytes, slot: bytes, nodes: Sequence[bytes], where: str) -> bytes:
    """Return the 32-byte word in the slot; zero when the proof shows that it was never written or cleared.

    Args:
        storage_root: The account's, proven before.
        slot: Slot number, 32 bytes, see :mod:`chainsvc.proof.slots`.
        nodes: RLP of the nodes from root to leaf.
        where: Place of the proof in its file.

    Raises:
        MalformedInput: The nodes do not prove it.
    """
    _check_length(nodes, where)
    value = trie.lookup(storage_root, slot, nodes, where)
    if value is None:
        return bytes(WORD_BYTES)
    item = rlp.decode(value, max_bytes=WORD_BYTES + 1, where=where)
    if not isinstance(item, bytes) or not (number := rlp.unsigned(item, where, max_bytes=WORD_BYTES)):
        raise MalformedInput("not a storage word", expected="a positive integer of 256 bits", where=where)
    return number.to_bytes(WORD_BYTES)


def _check_length(nodes: Sequence[bytes], where: str) -> None:
    if len(nodes) > MAX_NODES:
        raise MalformedInput("too many proof nodes", expected=f"at most {MAX_NODES}", got=len(nodes), where=where)
