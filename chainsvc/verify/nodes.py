"""Several live nodes as one source: what a verification reads is read from each, at one block, and must be the same.

A verifier asks nodes whose answers it can't prove otherwise, so there is no vote: where one of them differs or does not
answer, nothing is concluded, and the refusal names who said what. Who takes a node out of the list has decided that
it is not believed.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from chainsvc.errors import NodesDisagree, NotFound
from chainsvc.evidence import Proof
from chainsvc.network import Network
from chainsvc.verify import wording
from chainsvc.verify.node import LiveNode, NodeSnapshot, NodeSource
from chainsvc.verify.sources import Place

_HINT = "A node that lags or is on a fork agrees again soon; else ask who runs them, and leave the wrong one out."


class LiveNodes(NodeSource):
    """Nodes that have to agree; use those of institutions that have no interest in common."""

    leaves_open = wording.NODES

    def __init__(self, nodes: Sequence[LiveNode]) -> None:
        """Take nodes; nothing is sent yet."""
        self._nodes = tuple(nodes)
        self.name = ", ".join(node.name for node in self._nodes)

    def close(self) -> None:
        """Close the connections."""
        for node in self._nodes:
            node.close()

    def read(
        self, network: Network, places: Mapping[str, Place], *, at: int | None, proof: Proof | None = None
    ) -> NodeSnapshot:
        """Read all places from each node at one block: the one asked for, else the newest that is final for all.

        Raises:
            NodesDisagree: They have different blocks there, or different values; who has which is said.
            NetworkMismatch: A node is on another chain.
            NotReady: The block asked for is not final for all of them.
            NodeUnavailable: A node does not answer, or has that state no longer.
        """
        del proof  # nodes answer for themselves
        number = min(node.final(network).number for node in self._nodes) if at is None else at
        found = {node.name: node.read(network, places, at=number) for node in self._nodes}
        snapshot = next(iter(found.values()))
        _same("block", snapshot.block.number, found, lambda read: read.block.hash.hex())
        for name in places:
            _same(name, snapshot.block.number, found, partial(_value, name))
        return NodeSnapshot(snapshot.block, f"{len(found)} nodes that agree: {self.name}", snapshot.values)


def live(urls: Sequence[str]) -> NodeSource:
    """Return the source for one node's address or several.

    Raises:
        ConfigurationRefused: Not an HTTP address.
    """
    nodes = [LiveNode(url) for url in dict.fromkeys(urls)]
    return nodes[0] if len(nodes) == 1 else LiveNodes(nodes)


def _value(name: str, snapshot: NodeSnapshot) -> str:
    try:
        return snapshot.value(name).hex()
    except NotFound:
        return "nothing"


def _same(what: str, number: int, found: Mapping[str, NodeSnapshot], read: Callable[[NodeSnapshot], str]) -> None:
    said: dict[str, list[str]] = {}
    for name, snapshot in found.items():
        said.setdefault(read(snapshot), []).append(name)
    if len(said) > 1:
        raise NodesDisagree(
            f"the nodes disagree about the {what}",
            expected=f"one answer from all {len(found)}",
            got="; ".join(f"{', '.join(names)}: {value}" for value, names in said.items()),
            where=f"block {number}",
            hint=_HINT,
        )
