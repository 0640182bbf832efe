"""The Merkle sum tree of a batch: every holder can prove that their amount sits in the public total.

::

    leaf = H(00 ‖ ledgerId ‖ seq u64 ‖ commitment ‖ credit u64 ‖ debit u64)
    node = H(01 ‖ L.hash ‖ L.credit u64 ‖ L.debit u64 ‖ R.hash ‖ R.credit u64 ‖ R.debit u64)

Shape of RFC 9162 section 2.1: split at the largest power of two below n. Joining neighbours level by
level and carrying an odd last node up unchanged gives the same shape.
"""

from collections.abc import Sequence
from typing import NamedTuple

from chainsvc.crypto.suites import Suite
from chainsvc.errors import MalformedInput

MAX_LEAVES = 4096
"""Most entries of one batch."""

MAX_SUM = 2**53 - 1
"""Largest amount and largest sum, in fen."""

_LEAF_TAG = b"\x00"
_NODE_TAG = b"\x01"


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
        return self.hash + (self.credit << 64 | self.debit).to_bytes(16)


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
    amounts = (credit << 64 | debit).to_bytes(16)
    return Node(suite.hash(_LEAF_TAG + ledger_id + seq.to_bytes(8) + commitment + amounts), credit, debit)


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


class SumTree:
    """All levels of one tree, so that every path costs no hashing."""

    def __init__(self, suite: Suite, leaves: Sequence[Node]) -> None:
        """Build the tree.

        Raises:
            MalformedInput: Not 1 to 4,096 leaves, or a sum passes 2^53-1.
        """
        if not 1 <= len(leaves) <= MAX_LEAVES:
            raise MalformedInput("a batch has 1 to 4,096 entries", got=len(leaves))
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            self._levels.append(_level_above(suite, self._levels[-1]))

    @property
    def root(self) -> Node:
        """The root, with the sums of all leaves."""
        return self._levels[-1][0]

    def path(self, index: int) -> list[Node]:
        """Return the siblings from leaf to root.

        Raises:
            IndexError: No such leaf.
        """
        if not 0 <= index < len(self._levels[0]):
            raise IndexError(index)
        siblings = []
        for level in self._levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                siblings.append(level[sibling])
            index >>= 1
        return siblings


def _level_above(suite: Suite, level: Sequence[Node]) -> list[Node]:
    above = [join(suite, level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return [*above, level[-1]] if len(level) % 2 else above


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
    siblings = iter(path)
    last = count - 1
    used = 0
    while last > 0:
        if index % 2 or index < last:
            sibling = next(siblings, None)
            if sibling is None:
                break
            used += 1
            node = join(suite, sibling, node) if index % 2 else join(suite, node, sibling)
        index >>= 1
        last >>= 1
    if last > 0 or used != len(path):
        raise MalformedInput("the path has the wrong length", got=len(path), where="/path")
    return node
