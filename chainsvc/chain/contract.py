"""A contract at an address: calls with typed answers."""

from typing import Any

from chainsvc.chain.abi import Abi
from chainsvc.chain.facts import to_hex
from chainsvc.chain.node import At, Node


class Contract:
    """A deployed contract, read through one node.

    Args:
        node: The node.
        address: 20 bytes.
        abi: What it understands.
    """

    def __init__(self, node: Node, address: bytes, abi: Abi) -> None:
        """Read nothing yet."""
        self.node = node
        self.address = address
        self.abi = abi

    def view(self, function: str, *arguments: object, at: At = "latest") -> tuple[Any, ...]:
        """Return what a view function gives back at a block.

        Raises:
            MalformedInput: No such contract is there.
            ChainRefused: It reverted.
        """
        return self.abi.result(function, self.node.call(self.address, self.abi.call(function, *arguments), at=at))

    def __repr__(self) -> str:
        """Show the address."""
        return f"{type(self).__name__}({to_hex(self.address)})"
