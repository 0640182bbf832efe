"""What the service verifies by where it has several nodes: a quorum's block, and values proven in it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest
from support.fake_chain import CHAIN_ID, CONTRACT, SLOT, FakeChain, FakeNode
from support.node_server import served
from support.paper_chain import PaperChain

from chainsvc.chain.nodes import Nodes
from chainsvc.chain.quorum_source import QuorumSource
from chainsvc.errors import NetworkMismatch, NodeUnavailable, NotFound, NotReady
from chainsvc.network import Engine, Network
from chainsvc.proof.keccak import keccak256
from chainsvc.verify.sources import BlockHash, Code, Place
from chainsvc.verify.sources import Slot as SlotOf

EMPTY_SLOT = bytes(31) + b"\x02"
PLACES: Mapping[str, Place] = {
    "code": Code(CONTRACT),
    "slot": SlotOf(CONTRACT, SLOT),
    "empty": SlotOf(CONTRACT, EMPTY_SLOT),
    "block": BlockHash(3),
    "unborn": BlockHash(99),
}


@dataclass
class Scene:
    """Four nodes, and the descriptor of their chain."""

    fakes: list[FakeNode]
    source: QuorumSource
    network: Network


@pytest.fixture
def scene() -> Iterator[Scene]:
    with ExitStack() as stack:
        chain = FakeChain().grow(8)
        fakes = [stack.enter_context(served(FakeNode(FakeChain(b"", list(chain.blocks))))) for _ in range(4)]
        nodes = Nodes([fake.url for fake in fakes], patience_s=60.0)
        stack.callback(nodes.close)
        engine = Engine("anvil", "block", 1)
        network = replace(PaperChain().network, chain_id=CHAIN_ID, genesis=chain.blocks[0].hash, engine=engine)
        yield Scene(fakes, QuorumSource(nodes), network)


def check_read(scene: Scene, number: int, at: int | None = None) -> None:
    blocks = scene.fakes[0].chain.blocks
    snapshot = scene.source.read(scene.network, PLACES, at=at)
    assert (snapshot.block.number, snapshot.block.hash) == (number, blocks[number].hash)
    assert snapshot.block.time == int(blocks[number].members["timestamp"], 16)
    assert snapshot.value("code") == keccak256(b"code")
    assert snapshot.value("slot") == (number + 1).to_bytes(32)
    assert snapshot.value("empty") == bytes(32)
    assert snapshot.value("block") == blocks[3].hash
    with pytest.raises(NotFound):
        snapshot.value("unborn")


def test_everything_is_read_at_the_newest_final_block_or_the_one_asked_for(scene: Scene) -> None:
    check_read(scene, 8)
    check_read(scene, 5, at=5)
    with pytest.raises(NotReady):
        scene.source.read(scene.network, PLACES, at=9)


@pytest.mark.parametrize("dead", range(4))
def test_one_silent_node_of_four_hinders_nothing_and_two_do(scene: Scene, dead: int) -> None:
    scene.fakes[dead].is_dead = True
    check_read(scene, 8)
    scene.fakes[dead - 1].is_dead = True
    with pytest.raises(NodeUnavailable):
        scene.source.read(scene.network, PLACES, at=None)


def test_a_node_that_lies_of_a_slot_is_not_believed(scene: Scene) -> None:
    def lie(_: Sequence[object], proof: dict[str, Any]) -> object:
        return proof | {"storageProof": [one | {"value": "0x63"} for one in proof["storageProof"]]}

    scene.fakes[0].lies["eth_getProof"] = lie
    check_read(scene, 8)


def test_nodes_of_another_chain_are_refused(scene: Scene) -> None:
    for network in (replace(scene.network, genesis=bytes(32)), replace(scene.network, chain_id=1)):
        with pytest.raises(NetworkMismatch):
            scene.source.read(network, PLACES, at=None)
