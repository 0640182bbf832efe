"""The Merkle sum tree of a batch: every holder can prove that their amount sits in the public total.

::

    leaf = H(00 ‖ ledgerId ‖ seq u64 ‖ commitment ‖ credit u64 ‖ debit u64)
    node = H(01 ‖ L.hash ‖ L.credit u64 ‖ L.debit u64 ‖ R.hash ‖ R.credit u64 ‖ R.debit u64)

Shape of RFC 9162 section 2.1: split at the largest power of two below n. Joining neighbours level by
level and carrying an odd last node up unchanged gives the same shape.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from chainsvc.crypto.suites import Suite
from chainsvc.errors import MalformedInput

MAX_LEAVES = 4096
"""Most entries of one batch."""

MAX_SUM = 2**53 - 1
"""Largest amount and largest sum, in fen."""

_LEAF_TAG = b"\x00"
_NODE_TAG = b"\x01"
_leaf_row = struct.Struct(">Q32sQQ").pack
_node_parts = struct.Struct(">32sQQ").unpack
_sums_bytes = struct.Struct(">QQ").pack

# Both sums travel as one integer, credit << 64 | debit: one addition a node, and no carry from one to the other, since
# both are checked to stay below 2^53 before they are added on.
_DEBIT_BITS = 64
_TOO_LARGE = ((1 << _DEBIT_BITS) - 1 - MAX_SUM) * ((1 << _DEBIT_BITS) + 1)


class Node(NamedTuple):
    """A node of the tree.

    Attributes:
        hash: 32 bytes.
        credit: Sum of credits below, in fen.
        debit: Sum of debits below, in fen.
    """

    hash: bytes
    credit: int
    debit: int

    def encode(self) -> bytes:
        """Return ``hash ‖ credit u64 ‖ debit u64``, 48 bytes."""
        return self.hash + _sums_bytes(self.credit, self.debit)


def leaf(suite: Suite, ledger_id: bytes, seq: int, commitment: bytes, credit: int, debit: int) -> Node:
    """Return the leaf of one entry.

    Args:
        suite: The ledger's suite.
        ledger_id: 32 bytes.
        seq: Position in the ledger, u64.
        commitment: 32 bytes.
        credit: Fen, 0 to 2^53-1.
        debit: Fen, 0 to 2^53-1.

    Raises:
        MalformedInput: An amount out of range.
    """
    _check_sums(credit, debit)
    row = seq.to_bytes(8) + commitment + _sums_bytes(credit, debit)
    return Node(suite.hash(_LEAF_TAG + ledger_id + row), credit, debit)


def join(suite: Suite, left: Node, right: Node) -> Node:
    """Return the parent of two nodes.

    Raises:
        MalformedInput: The sum passes 2^53-1.
    """
    credit, debit = left.credit + right.credit, left.debit + right.debit
    _check_sums(credit, debit)
    return Node(suite.hash(_NODE_TAG + left.encode() + right.encode()), credit, debit)


def _check_sums(credit: int, debit: int) -> None:
    if not (0 <= credit <= MAX_SUM and 0 <= debit <= MAX_SUM):
        raise MalformedInput(
            "an amount is out of range", expected="0 to 2^53-1 fen", got=f"credit {credit}, debit {debit}"
        )


class _Level(NamedTuple):
    """Neighbours of one height: 48 bytes each, and both sums of each as one integer."""

    nodes: list[bytes]
    sums: list[int]

    def node(self, index: int) -> Node:
        """Return one of them taken apart."""
        return Node(*_node_parts(self.nodes[index]))


class SumTree:
    """All levels of one tree, so that every path costs no hashing."""

    def __init__(self, suite: Suite, leaves: Sequence[Node]) -> None:
        """Build the tree.

        Raises:
            MalformedInput: Not 1 to 4,096 leaves, or a sum passes 2^53-1.
        """
        sums = [node.credit << _DEBIT_BITS | node.debit for node in leaves]
        self._grow(suite, _Level([node.encode() for node in leaves], sums))

    @classmethod
    def of_entries(cls, suite: Suite, ledger_id: bytes, first: int, entries: Iterable[tuple[bytes, int, int]]) -> Self:
        """Build the tree over a batch's entries, twice as fast as from leaves made one by one.

        Args:
            suite: The ledger's suite.
            ledger_id: 32 bytes.
            first: Seq of the first entry.
            entries: Commitment (32 bytes), credit and debit (fen) of each, in leaf order.

        Raises:
            MalformedInput: Not 1 to 4,096 entries, an amount out of range, or a sum passes 2^53-1.
        """
        return cls.of_encoded(suite, encoded_leaves(suite, ledger_id, first, entries))

    @classmethod
    def of_encoded(cls, suite: Suite, leaves: list[bytes]) -> Self:
        """Build the tree over leaves as :func:`encoded_leaves` or :meth:`Node.encode` gives them, 48 bytes each.

        Raises:
            MalformedInput: Not 1 to 4,096 leaves, or a sum passes 2^53-1.
        """
        tree = cls.__new__(cls)
        tree._grow(suite, _Level(leaves, [int.from_bytes(leaf[-16:]) for leaf in leaves]))  # noqa: SLF001 - its own
        return tree

    def _grow(self, suite: Suite, leaves: _Level) -> None:
        if not 1 <= len(leaves.nodes) <= MAX_LEAVES:
            raise MalformedInput("a batch has 1 to 4,096 entries", got=len(leaves.nodes))
        self._levels = [leaves]
        while len(self._levels[-1].nodes) > 1:
            self._levels.append(_level_above(suite, self._levels[-1]))

    @property
    def root(self) -> Node:
        """The root, with the sums of all leaves."""
        return self._levels[-1].node(0)

    def path(self, index: int) -> list[Node]:
        """Return the siblings from leaf to root.

        Raises:
            IndexError: No such leaf.
        """
        if not 0 <= index < len(self._levels[0].nodes):
            raise IndexError(index)
        siblings = []
        for level in self._levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level.nodes):
                siblings.append(level.node(sibling))
            index >>= 1
        return siblings


def encoded_leaves(
    suite: Suite, ledger_id: bytes, first: int, entries: Iterable[tuple[bytes, int, int]]
) -> list[bytes]:
    """Return the leaf of each entry as :meth:`Node.encode` gives it, 48 bytes; the arguments are a batch's.

    Raises:
        MalformedInput: An amount out of range.
    """
    rows = []
    for seq, (commitment, credit, debit) in enumerate(entries, first):
        if not (0 <= credit <= MAX_SUM and 0 <= debit <= MAX_SUM):
            _check_sums(credit, debit)
        rows.append(_leaf_row(seq, commitment, credit, debit))
    digest, start = suite.hash, _LEAF_TAG + ledger_id
    return [digest(start + row) + row[-16:] for row in rows]


def _level_above(suite: Suite, level: _Level) -> _Level:
    digest, below = suite.hash, level.nodes
    sums = [left + right for left, right in zip(level.sums[::2], level.sums[1::2], strict=False)]
    for both in sums:
        if both & _TOO_LARGE:
            _check_sums(both >> _DEBIT_BITS, both & ((1 << _DEBIT_BITS) - 1))
    hashes = [digest(_NODE_TAG + left + right) for left, right in zip(below[::2], below[1::2], strict=False)]
    nodes = [made + both.to_bytes(16) for made, both in zip(hashes, sums, strict=True)]
    if len(below) % 2:
        return _Level([*nodes, below[-1]], [*sums, level.sums[-1]])
    return _Level(nodes, sums)


def fold(suite: Suite, node: Node, index: int, count: int, path: Sequence[Node]) -> Node:
    """Climb from a leaf to the root; direction and length follow from index and count alone.

    Args:
        suite: The ledger's suite.
        node: The leaf.
        index: Its position in the batch, 0 to count-1.
        count: Entries of the batch, 1 to 4,096.
        path: Siblings from leaf to root.

    Raises:
        MalformedInput: Wrong length, position outside the batch, or a sum passes 2^53-1.
    """
    if not 1 <= count <= MAX_LEAVES or not 0 <= index < count:
        raise MalformedInput(
            "no such position in a batch", expected="0 ≤ index < count ≤ 4096", got=f"{index} of {count}"
        )
    digest, used, last = suite.hash, 0, count - 1
    hash_, credit, debit = node
    while last > 0:
        if index % 2 or index < last:
            if used == len(path):
                break
            sibling = path[used]
            used += 1
            here, there = hash_ + _sums_bytes(credit, debit), sibling.encode()
            credit += sibling.credit
            debit += sibling.debit
            if not (0 <= credit <= MAX_SUM and 0 <= debit <= MAX_SUM):
                _check_sums(credit, debit)
            hash_ = digest(_NODE_TAG + there + here if index % 2 else _NODE_TAG + here + there)
        index >>= 1
        last >>= 1
    if last > 0 or used != len(path):
        raise MalformedInput("the path has the wrong length", got=len(path), where="/path")
    return Node(hash_, credit, debit)
