"""Who may seal a block, as a node tells it: what the deployment writes into the network descriptor."""

from collections.abc import Iterator
from typing import Protocol

from chainsvc.chain.node import Node
from chainsvc.network import Validators
from chainsvc.proof.seals.qbft import validators_in


class ValidatorSource(Protocol):
    """How the validators of an engine's chain are found out."""

    def validators_at(self, node: Node, number: int) -> tuple[bytes, ...]:
        """Return who may seal the block of that number, ascending, 20 bytes each; none where seals are not checked.

        Raises:
            NodeUnavailable: The node does not answer, or does not offer the call.
        """


class Unsealed:
    """Blocks of this engine prove nothing about who made them."""

    def validators_at(self, node: Node, number: int) -> tuple[bytes, ...]:
        """Return nobody."""
        del node, number
        return ()


class CliqueSigners:
    """Clique's signers as the node's ``clique`` API has them."""

    def validators_at(self, node: Node, number: int) -> tuple[bytes, ...]:
        """Return the signers after the block before: those judge this one."""
        return node.clique_signers(max(number - 1, 0))


class ListedInHeader:
    """QBFT's validators as the block's own header lists them."""

    def validators_at(self, node: Node, number: int) -> tuple[bytes, ...]:
        """Return the header's list; honest validators seal no other than the right one."""
        return validators_in(node.header(number), f"{node.url}, block {number}")


def epochs_after(source: ValidatorSource, node: Node, last: Validators, newest: int) -> Iterator[Validators]:
    """Yield the sets that came after a pinned one, each with the first block that it seals.

    Halving finds a change in a few questions. A set that changed and changed back between two of them is not found:
    describe the network soon after each vote.

    Args:
        source: The engine's.
        node: A node that keeps old headers.
        last: The newest epoch that is pinned.
        newest: Last block to look at, a final one.

    Raises:
        NodeUnavailable: The node does not answer, or does not offer the call.
    """
    while source.validators_at(node, newest) != last.addresses:
        low, high = last.since, newest  # the set differs at high
        while low + 1 < high:
            middle = (low + high) // 2
            low, high = (low, middle) if source.validators_at(node, middle) != last.addresses else (middle, high)
        last = Validators(high, source.validators_at(node, high))
        yield last
