"""A batch: which entries go together, in which order, under which root."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from chainsvc.crypto.suites import Suite
from chainsvc.sumtree import Node, SumTree


class Member(NamedTuple):
    """An entry on its way into a batch.

    Attributes:
        entry_id: The journal's number of the entry.
        commitment: 32 bytes.
        credit: Fen.
        debit: Fen.
    """

    entry_id: int
    commitment: bytes
    credit: int
    debit: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive entries of one ledger under one root.

    Attributes:
        ledger_id: 32 bytes.
        first: Seq of the first entry.
        members: In leaf order; the seq of ``members[i]`` is ``first + i``.
        tree: The sum tree.
    """

    ledger_id: bytes
    first: int
    members: tuple[Member, ...]
    tree: SumTree

    @property
    def root(self) -> Node:
        """Root hash and sums."""
        return self.tree.root


def build_batch(suite: Suite, ledger_id: bytes, first: int, members: Sequence[Member]) -> Batch:
    """Order members by commitment and build the tree.

    The order hides the intake's: else a path's sibling amount were that of the neighbour in the
    village roll.

    Raises:
        MalformedInput: Not 1 to 4,096 members, or sums beyond 2^53-1.
    """
    ordered = tuple(sorted(members, key=attrgetter("commitment")))
    return Batch(ledger_id, first, ordered, tree_of(suite, ledger_id, first, ordered))


def tree_of(suite: Suite, ledger_id: bytes, first: int, ordered: Sequence[Member]) -> SumTree:
    """Build the tree over members that are in leaf order already."""
    entries = [(member.commitment, member.credit, member.debit) for member in ordered]
    return SumTree.of_entries(suite, ledger_id, first, entries)


def is_due(*, count: int, waited_s: float, smallest: int, largest: int, longest_wait_s: float) -> bool:
    """Tell whether a ledger's accepted entries make a batch now.

    Args:
        count: Entries that wait.
        waited_s: How long the oldest has waited, in seconds.
        smallest: Entries that are enough.
        largest: Entries that fill a batch.
        longest_wait_s: When even a small batch goes.
    """
    if count == 0:
        return False
    return count >= largest or waited_s >= longest_wait_s or (count >= smallest and waited_s >= _SETTLE_S)


_SETTLE_S = 1.0  # a moment for a file under way to fill its batch; gas is spent by the batch
