"""Proofs in a hexary Merkle-Patricia trie (Yellow Paper, appendix D), walked strictly.

Own code and not the library ``trie`` (4.0.0), whose ``get_from_proof`` puts the nodes into a set: it takes them in
any order and with unused ones among them, so that one statement has many proofs, and a leaf of a hostile shape
leaves it as IndexError. Here node i of the proof must be the node that step i of the walk asks for, and the last
one must be used; the library is the oracle of the tests.
"""

from collections.abc import Sequence
from functools import lru_cache

from chainsvc.errors import MalformedInput
from chainsvc.proof import rlp
from chainsvc.proof.keccak import keccak256

EMPTY_ROOT = keccak256(b"\x80")
"""Root of the trie without any entry; its proofs have no nodes."""

MAX_NODE_BYTES = 1024
"""Largest node: a branch has at most 532 bytes in tries of hashed keys, an account's leaf 148."""

_BRANCH, _SHORT, _HASH = 17, 2, 32
_NIBBLES = bytes.maketrans(b"0123456789abcdef", bytes(range(16)))
_ODD, _LEAF = 1, 2


def lookup(root: bytes, key: bytes, nodes: Sequence[bytes], where: str) -> bytes | None:
    """Return the value under the hash of ``key``, or None when the proof shows that there is none.

    Args:
        root: Trusted root, 32 bytes.
        key: The key before hashing; an address or a slot number.
        nodes: RLP of the nodes from root to leaf; nodes under 32 bytes are part of their parent.
        where: Place of the proof in its file.

    Raises:
        MalformedInput: A missing, wrong or unused node, or one that is none.
    """
    path = _nibbles(keccak256(key))
    unread = list(reversed(nodes))
    reference: rlp.Item = b"" if root == EMPTY_ROOT and not nodes else root
    value: bytes | None = None
    while reference != b"":
        node = reference if isinstance(reference, list) else _next_node(reference, unread, where)
        if node == b"":
            break  # the empty trie, written as its one node
        if len(node) == _BRANCH and path and isinstance(node, list):
            reference, path = node[path[0]], path[1:]
            continue
        part, is_leaf, below = _short_node(node, where)
        if is_leaf and part == path:
            value = _leaf_value(below, where)
        if is_leaf or path[: len(part)] != part:
            break
        reference, path = below, path[len(part) :]
    if unread:
        raise MalformedInput("nodes that the proof does not need", expected="0 left", got=len(unread), where=where)
    return value


def _next_node(reference: bytes, unread: list[bytes], where: str) -> rlp.Item:
    if not unread:
        raise MalformedInput("the proof lacks a node", expected=f"the node of hash {reference.hex()[:64]}", where=where)
    data = unread.pop()
    digest, node = _known_node(data) if len(data) <= MAX_NODE_BYTES else (keccak256(data), None)
    if digest != reference:
        raise MalformedInput("wrong proof node", expected=reference.hex()[:64], got=digest.hex(), where=where)
    return rlp.decode(data, max_bytes=MAX_NODE_BYTES, where=where) if node is None else node


@lru_cache(maxsize=4096)  # files of one block share all but their last nodes; 10 MB
def _known_node(data: bytes) -> "tuple[bytes, rlp.Item | None]":
    """Return a node's hash and the node, None when it is not RLP; nobody changes what is returned."""
    try:
        return keccak256(data), rlp.decode(data, max_bytes=MAX_NODE_BYTES, where="")
    except MalformedInput:
        return keccak256(data), None


def _short_node(node: rlp.Item, where: str) -> tuple[bytes, bool, rlp.Item]:
    """Undo the hex-prefix encoding: the nibbles, whether the node is a leaf, and what stands below."""
    if isinstance(node, bytes) or len(node) != _SHORT or not isinstance(node[0], bytes) or not node[0]:
        raise MalformedInput("not a trie node", expected="a branch, an extension or a leaf", where=where)
    nibbles = _nibbles(node[0])
    flag, padding = nibbles[0], nibbles[1]
    part = nibbles[1 if flag & _ODD else 2 :]
    if flag > (_LEAF | _ODD) or (not flag & _ODD and padding) or not (part or flag & _LEAF):
        raise MalformedInput("not a hex prefix of a path", got=node[0].hex()[:80], where=where)
    return part, bool(flag & _LEAF), node[1]


def _leaf_value(value: rlp.Item, where: str) -> bytes:
    if not isinstance(value, bytes) or not value:
        raise MalformedInput("a leaf without a value", where=where)
    return value


def _nibbles(data: bytes) -> bytes:
    return data.hex().encode().translate(_NIBBLES)
