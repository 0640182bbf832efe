"""Roots of lists: transactions and receipts stand in a trie under their places (Yellow Paper, section 4.3.2)."""

from collections.abc import Sequence
from itertools import groupby

from chainsvc.proof import rlp
from chainsvc.proof.keccak import keccak256
from chainsvc.proof.trie import EMPTY_ROOT

_NIBBLES = bytes.maketrans(b"0123456789abcdef", bytes(range(16)))
_BRANCH, _HASH = 17, 32
_LEAF, _ODD = 2, 1

_Pairs = Sequence[tuple[bytes, bytes]]


def ordered_root(values: Sequence[bytes]) -> bytes:
    """Return the root hash, 32 bytes, of the trie that holds each value under the RLP of its place in the list."""
    if not values:
        return EMPTY_ROOT
    pairs = sorted((_path(place), value) for place, value in enumerate(values))
    return keccak256(rlp.encode(_node(pairs)))


def _path(place: int) -> bytes:
    key = rlp.encode(place.to_bytes((place.bit_length() + 7) // 8))
    return key.hex().encode().translate(_NIBBLES)


def _node(pairs: _Pairs) -> rlp.Item:
    """Return the node above pairs of a path and a value, ascending; no path is the beginning of another."""
    first, last = pairs[0][0], pairs[-1][0]
    if len(pairs) == 1:
        return [_hex_prefix(first, _LEAF), pairs[0][1]]
    shared = next(index for index, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    if shared:
        return [_hex_prefix(first[:shared], 0), _reference([(path[shared:], value) for path, value in pairs])]
    branch: list[rlp.Item] = [b""] * _BRANCH
    for nibble, below in groupby(pairs, lambda pair: pair[0][0]):
        branch[nibble] = _reference([(path[1:], value) for path, value in below])
    return branch


def _reference(pairs: _Pairs) -> rlp.Item:
    node = _node(pairs)
    data = rlp.encode(node)
    return node if len(data) < _HASH else keccak256(data)


def _hex_prefix(path: bytes, flag: int) -> bytes:
    nibbles = bytes([flag | _ODD]) + path if len(path) % 2 else bytes([flag, 0]) + path
    return bytes(16 * high + low for high, low in zip(nibbles[::2], nibbles[1::2], strict=True))
