"""Who may seal a block, as a node tells it: what the deployment writes into the network descriptor."""

from typing import Protocol

from chainsvc.chain.node import Node
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
