"""The headers that evidence carries: the block's own, and those after it that make it final where others seal it."""

from collections.abc import Iterator

from chainsvc.chain.node import Node
from chainsvc.errors import BlockGone, NodeUnavailable
from chainsvc.network import SEALERS, Network
from chainsvc.proof.header import Header
from chainsvc.proof.seals.clique import CliqueHeader
from chainsvc.proof.seals.following import SealedBy, count

MOST_AFTER = 128
"""Most headers after the block's own: of 100 validators 67 are needed."""


def proof_header(node: Node, network: Network, number: int) -> bytes:
    """Return the member ``header`` of proofs at a block.

    On a chain whose blocks the ones after them make final, and whose validators the descriptor pins, the headers after
    it follow, until enough different validators sealed them. Where the chain has not come so far yet, or the validators
    do not seal, it ends with what there is: a checkpoint or a node still shows the block then.

    Raises:
        BlockGone: The chain has no such block.
        NodeUnavailable: The node does not answer, or its chain changed while it was read.
    """
    header = node.header(number)
    pinned = network.validators_at(number + 1)
    if network.engine.finality != SEALERS or pinned is None:
        return header
    run, after = [header], list[SealedBy]()
    for data, sealed_by in _after(node, network, Header.parse(header, node.url)):
        run.append(data)
        after.append(sealed_by)
        if count(pinned.addresses, after).final:
            break
    return b"".join(run)


def _after(node: Node, network: Network, parent: Header) -> Iterator[tuple[bytes, SealedBy]]:
    for number in range(parent.number + 1, parent.number + 1 + MOST_AFTER):
        try:
            data = node.header(number)
        except BlockGone:
            return
        header = CliqueHeader.parse(data, node.url)
        if header.fields.header.parent != parent.hash:
            message, hint = "the chain changed while it was read", "Ask again."
            raise NodeUnavailable(message, got=f"block {number}", where=node.url, hint=hint)
        pinned = network.validators_at(number)
        yield data, SealedBy(header.sealer(), pinned.addresses if pinned else ())
        parent = header.fields.header
