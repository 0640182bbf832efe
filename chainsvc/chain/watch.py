"""Has an anchor left the chain? Asked again and again, since even a final block is only as final as its node."""

from chainsvc.chain.node import Node


def vanished(node: Node, block_number: int, block_hash: bytes) -> bool:
    """Whether the block that once held an anchor is no longer on the node's chain.

    That happens when a node is restored from an older state, or when its engine's promise of finality is broken; either
    way the anchor is gone and has to be sent again.

    Raises:
        NodeUnavailable: No answer, so nothing is known.
    """
    return node.lacks_block(block_number, block_hash)
