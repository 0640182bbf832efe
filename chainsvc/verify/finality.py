"""The newest final block of a node's chain, by the rule that the descriptor pins."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from chainsvc.errors import MalformedInput, NotFound, NotReady
from chainsvc.network import Network
from chainsvc.proof import rebuilding
from chainsvc.proof.seals.clique import CliqueHeader
from chainsvc.proof.seals.following import SealedBy, blocks_above_final

LOOKED_BACK = 256
"""Blocks below the head that are looked at for enough different sealers."""

PART = 32
"""Blocks that are asked for at once."""

ReadBlocks = Callable[[Sequence[int]], Sequence[Any]]
"""Returns the answers to ``eth_getBlockByNumber`` for these numbers."""


def newest_sealed(network: Network, head: int, read: ReadBlocks, where: str) -> int:
    """Return the newest block after which enough different validators sealed blocks; see docs/seals.md.

    Args:
        network: Pins the validators.
        head: Number of the node's newest block.
        read: How blocks are read.
        where: Who is asked.

    Raises:
        NotFound: The descriptor pins no validators for those blocks.
        NotReady: Too few different validators sealed the last 256 blocks.
        MalformedInput: A block that is none, or by somebody who is not pinned.
    """
    above = blocks_above_final(_newest_first(network, head, read, where))
    if above is None:
        raise NotReady(
            "too few different validators seal this chain: no block of late is final",
            expected=f"more of the validators in the last {LOOKED_BACK} blocks",
            where=where,
            hint="Find out which validators stand still.",
        )
    return head - above


def _newest_first(network: Network, head: int, read: ReadBlocks, where: str) -> Iterator[SealedBy]:
    lowest = max(head - LOOKED_BACK, 0)
    for top in range(head, lowest, -PART):
        numbers = range(top, max(top - PART, lowest), -1)
        for number, members in zip(numbers, read(numbers), strict=True):
            yield _sealed_by(network, number, members, where)


def _sealed_by(network: Network, number: int, members: Any, where: str) -> SealedBy:
    pinned = network.validators_at(number)
    if pinned is None:
        raise NotFound("the descriptor pins no validators for this block", got=f"block {number}", where=where)
    sealer = CliqueHeader.parse(rebuilding.header_bytes(members, where), where).sealer()
    if sealer not in pinned.addresses:
        message = f"block {number} is sealed by none of the pinned validators: is there a successor descriptor?"
        raise MalformedInput(message, got=sealer.hex(), where=where)
    return SealedBy(sealer, pinned.addresses)
