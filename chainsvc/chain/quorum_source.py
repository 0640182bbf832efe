"""Several nodes as what a verification reads from: the service's own look at the chain goes on while a quorum answers.

A stranger's verifier has all of its nodes agree (:mod:`chainsvc.verify.nodes`): it can prove no answer of theirs. Here
a quorum names the block, and every value is proven by the state root of that block.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress

from chainsvc.chain.engines import profile_of
from chainsvc.chain.facts import Block as ChainBlock
from chainsvc.chain.nodes import Nodes
from chainsvc.errors import BlockGone, NetworkMismatch, NotReady
from chainsvc.evidence import Proof
from chainsvc.network import Network
from chainsvc.verify import wording
from chainsvc.verify.node import NodeSnapshot
from chainsvc.verify.sources import Block, BlockHash, Code, Place, Slot


class QuorumSource:
    """What a quorum of nodes has; thread-safe."""

    uses_proof = False
    leaves_open = wording.NODES

    def __init__(self, nodes: Nodes) -> None:
        """Read from these; who opened them closes them."""
        self._nodes = nodes

    def read(
        self, network: Network, places: Mapping[str, Place], *, at: int | None, proof: Proof | None = None
    ) -> NodeSnapshot:
        """Read all places at one block.

        Raises:
            NetworkMismatch: A quorum is on another chain.
            NotReady: The block asked for is not final yet.
            NodesDisagree: No quorum has the same block.
            NodeUnavailable: Too few answer, or none has that state any more.
        """
        del proof  # nodes answer for themselves
        self._check_chain(network)
        block = self._final(network, at)
        values = dict(self._values(places, block))
        shown = Block(block.number, block.hash, block.time)
        return NodeSnapshot(shown, f"a quorum of nodes: {self._nodes.url}", values)

    def _check_chain(self, network: Network) -> None:
        expected = network.chain_id, network.genesis.hex()
        got = self._nodes.chain_id, self._nodes.genesis().hex()
        if got != expected:
            raise NetworkMismatch("the nodes are on another chain", expected=expected, got=got, where=self._nodes.url)

    def _final(self, network: Network, at: int | None) -> ChainBlock:
        final = profile_of(network.engine).final_block(self._nodes)
        if at is None or at == final.number:
            return final
        if at > final.number:
            raise NotReady("the block is not final yet", expected=f"at most block {final.number}", got=f"block {at}")
        return self._nodes.block(at)

    def _values(self, places: Mapping[str, Place], block: ChainBlock) -> Iterator[tuple[str, bytes]]:
        slots: dict[bytes, dict[str, bytes]] = {}
        for name, place in places.items():
            if isinstance(place, Slot):
                slots.setdefault(place.address, {})[name] = place.key
            elif isinstance(place, Code):
                yield name, self._nodes.code_hash(place.address, block.hash)
            else:
                yield from self._hash(name, place)
        for address, keys in slots.items():
            proven = self._nodes.proof(address, list(keys.values()), block.hash)
            yield from zip(keys, (slot.value for slot in proven.storage), strict=True)

    def _hash(self, name: str, place: BlockHash) -> Iterator[tuple[str, bytes]]:
        with suppress(BlockGone):  # a block that a quorum does not have
            yield name, self._nodes.block(place.number).hash
