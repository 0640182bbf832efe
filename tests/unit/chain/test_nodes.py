"""Several nodes as one: who lies, lags, forks, hangs or is of another chain is named, and does no harm."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest
from support.fake_chain import ACCOUNT, CONTRACT, SLOT, TOPIC, FakeChain, FakeNode
from support.node_server import served

from chainsvc.chain.agreement import Fault
from chainsvc.chain.nodes import Nodes
from chainsvc.errors import BlockGone, NodesDisagree, NodeUnavailable, StateUnavailable
from chainsvc.proof.keccak import EMPTY_CODE, keccak256

NOBODY = bytes.fromhex("cc" * 20)


@dataclass
class Scene:
    """A network of nodes that are alike until a test changes one."""

    fakes: list[FakeNode]
    nodes: Nodes

    @property
    def chain(self) -> FakeChain:
        return self.fakes[0].chain

    def fault(self, index: int) -> Fault | None:
        trouble = self.nodes.panel.members[index].trouble
        return None if trouble is None else trouble.fault

    @property
    def faults(self) -> list[Fault | None]:
        return [self.fault(index) for index in range(len(self.fakes))]


@contextmanager
def network(count: int = 4, blocks: int = 8, quorum: int | None = None) -> Iterator[Scene]:
    with ExitStack() as stack:
        chain = FakeChain().grow(blocks)
        fakes = [stack.enter_context(served(FakeNode(FakeChain(b"", list(chain.blocks))))) for _ in range(count)]
        nodes = Nodes([fake.url for fake in fakes], quorum, patience_s=60.0)
        stack.callback(nodes.close)
        yield Scene(fakes, nodes)


@pytest.fixture
def scene() -> Iterator[Scene]:
    with network() as made:
        yield made


def only(index: int, fault: Fault) -> list[Fault | None]:
    return [fault if number == index else None for number in range(4)]


def test_nodes_that_agree_are_one_node(scene: Scene) -> None:
    nodes, tip = scene.nodes, scene.chain.blocks[-1]
    assert nodes.chain_id == 31337
    assert nodes.genesis() == scene.chain.blocks[0].hash
    assert nodes.head().hash == tip.hash == nodes.block(8).hash == nodes.block(tip.hash).hash
    assert keccak256(nodes.header(3)) == scene.chain.blocks[3].hash
    assert nodes.has_block(3, scene.chain.blocks[3].hash)
    assert not nodes.lacks_block(3, scene.chain.blocks[3].hash)
    assert nodes.lacks_block(3, tip.hash)
    assert nodes.storage(CONTRACT, SLOT) == (9).to_bytes(32)
    assert nodes.storage(CONTRACT, SLOT, at=2) == (3).to_bytes(32)
    assert nodes.code_hash(CONTRACT) == keccak256(b"code")
    assert (nodes.nonce(ACCOUNT), nodes.nonce(ACCOUNT, 3), nodes.nonce(ACCOUNT, "pending")) == (8, 3, 8)
    assert nodes.balance(ACCOUNT) == 10**18
    assert nodes.base_fee() == 7
    assert nodes.call(CONTRACT, b"") == (8).to_bytes(32) == nodes.call(CONTRACT, b"", at="pending")
    assert nodes.estimate_gas(CONTRACT, b"", ACCOUNT) == 50_000
    assert [log.block_number for log in nodes.logs([CONTRACT], [TOPIC], 2, 99)] == [2, 3, 4, 5, 6, 7, 8]
    receipt = nodes.receipt(scene.chain.transaction(5))
    assert receipt is not None
    assert receipt.block_hash == scene.chain.blocks[5].hash
    assert nodes.receipt(bytes(32)) is None
    assert scene.faults == [None] * 4
    assert nodes.trouble is None


def test_an_account_that_is_not_there_is_proven_absent(scene: Scene) -> None:
    assert scene.nodes.code_hash(NOBODY) == EMPTY_CODE
    assert scene.nodes.storage(NOBODY, SLOT) == bytes(32)
    assert scene.nodes.nonce(NOBODY) == 0


def test_a_transaction_goes_to_every_node(scene: Scene) -> None:
    sent = scene.nodes.send(b"\x02\x01")
    assert sent == keccak256(b"\x02\x01")
    assert [fake.taken for fake in scene.fakes] == [[b"\x02\x01"]] * 4
    assert scene.nodes.knows(sent)


def test_a_transaction_that_too_few_know_is_not_known(scene: Scene) -> None:
    sent = scene.nodes.send(b"\x02\x01")
    for fake in scene.fakes[:2]:
        fake.taken.clear()
    assert not scene.nodes.knows(sent)


@pytest.mark.parametrize("who", [0, 1])
def test_a_node_that_lies_of_state_is_caught_by_the_proof(scene: Scene, who: int) -> None:
    def lie(_: object, proof: dict[str, list[dict[str, str]]]) -> object:
        return proof | {"storageProof": [proof["storageProof"][0] | {"value": "0x2a"}]}

    scene.fakes[who].lies["eth_getProof"] = lie
    for member in scene.nodes.panel.members[:who]:  # those before it are down
        member.blame(Fault.SILENT, "down")
    assert scene.nodes.storage(CONTRACT, SLOT) == (9).to_bytes(32)
    assert scene.fault(who) is Fault.WRONG
    assert f"{scene.fakes[who].url} is wrong" in (scene.nodes.trouble or "")
    before = sum(scene.fakes[who].asked.values())
    assert scene.nodes.storage(CONTRACT, SLOT) == (9).to_bytes(32)
    assert sum(scene.fakes[who].asked.values()) == before


def test_a_nonce_that_is_no_proof_of_the_blocks_state_is_a_lie(scene: Scene) -> None:
    scene.fakes[0].lies["eth_getProof"] = lambda params, _: scene.fakes[1]._eth_getProof(params[0], params[1], "0x2")
    assert scene.nodes.nonce(ACCOUNT) == 8
    assert scene.faults == only(0, Fault.WRONG)


def failed(_: object, receipt: dict[str, object]) -> object:
    return receipt | {"status": "0x0", "logs": []}


def moved(_: object, receipt: dict[str, object]) -> object:
    return receipt | {"blockNumber": "0x1"}


@pytest.mark.parametrize("lie", [failed, moved])
def test_a_wrong_receipt_is_disproved(scene: Scene, lie: Callable[[object, dict[str, object]], object]) -> None:
    scene.fakes[2].lies["eth_getTransactionReceipt"] = lie
    receipt = scene.nodes.receipt(scene.chain.transaction(5))
    assert receipt is not None
    assert (receipt.succeeded, receipt.block_number, len(receipt.logs)) == (True, 5, 1)
    assert scene.faults == only(2, Fault.WRONG)


def test_two_honest_nodes_of_four_outweigh_a_liar_by_proof(scene: Scene) -> None:
    scene.fakes[0].lies["eth_getTransactionReceipt"] = failed
    scene.fakes[3].lies["eth_getTransactionReceipt"] = lambda _params, _true: None
    receipt = scene.nodes.receipt(scene.chain.transaction(5))
    assert receipt is not None
    assert receipt.succeeded
    assert scene.fault(0) is Fault.WRONG


def test_one_nodes_word_is_no_receipt(scene: Scene) -> None:
    for fake in scene.fakes[1:]:
        fake.lies["eth_getTransactionReceipt"] = lambda _params, _true: None
    assert scene.nodes.receipt(scene.chain.transaction(5)) is None


def without_the_last(_: object, logs: list[object]) -> object:
    return logs[:-1]


def with_one_more(_: object, logs: list[dict[str, object]]) -> object:
    return [*logs, logs[-1] | {"data": "0x" + "07" * 32}]


def with_other_data(_: object, logs: list[dict[str, object]]) -> object:
    return [logs[0] | {"data": "0x" + "07" * 32}, *logs[1:]]


@pytest.mark.parametrize("lie", [without_the_last, with_one_more, with_other_data])
def test_logs_that_the_receipts_do_not_have_are_disproved(
    scene: Scene, lie: Callable[[object, list[dict[str, object]]], object]
) -> None:
    scene.fakes[0].lies["eth_getLogs"] = lie
    found = list(scene.nodes.logs([CONTRACT], [TOPIC], 0, 8))
    assert [int.from_bytes(log.data) for log in found] == list(range(9))
    assert scene.faults == only(0, Fault.WRONG)


def test_a_call_is_answered_by_a_quorum(scene: Scene) -> None:
    scene.fakes[0].lies["eth_call"] = lambda _params, _true: "0x" + "00" * 32
    assert scene.nodes.call(CONTRACT, b"") == (8).to_bytes(32)
    assert scene.faults == only(0, Fault.WRONG)


def test_a_header_that_does_not_hash_to_its_hash_does_not_count(scene: Scene) -> None:
    scene.fakes[0].lies["eth_getBlockByNumber"] = lambda _, block: block and block | {"stateRoot": "0x" + "11" * 32}
    assert scene.nodes.head().hash == scene.chain.blocks[-1].hash
    assert scene.fault(0) is not None


def test_a_node_that_shows_another_block_than_the_one_asked_for_is_wrong(scene: Scene) -> None:
    other = scene.chain.blocks[2].members
    scene.fakes[0].lies["eth_getBlockByHash"] = lambda _params, _true: other
    assert scene.nodes.block(scene.chain.blocks[5].hash).number == 5
    assert scene.faults == only(0, Fault.WRONG)


def test_a_node_of_another_chain_is_named_and_left_out(scene: Scene) -> None:
    scene.fakes[1].chain = FakeChain(b"other").grow(30)
    assert scene.nodes.genesis() == scene.chain.blocks[0].hash
    assert scene.faults == only(1, Fault.OTHER_CHAIN)
    before = sum(scene.fakes[1].asked.values())
    assert scene.nodes.head().number == 8
    assert sum(scene.fakes[1].asked.values()) == before


def test_a_node_with_another_chain_id_is_named(scene: Scene) -> None:
    scene.fakes[3].chain_id = 1
    assert scene.nodes.chain_id == 31337
    assert scene.faults == only(3, Fault.OTHER_CHAIN)


def test_a_node_that_lags_is_behind_and_comes_back(scene: Scene) -> None:
    scene.fakes[0].behind = 3
    assert scene.nodes.head().number == 8
    assert scene.nodes.storage(CONTRACT, SLOT) == (9).to_bytes(32)
    assert scene.faults == only(0, Fault.BEHIND)
    assert scene.nodes.trouble is None  # it has only just begun
    scene.fakes[0].behind = 0
    assert scene.nodes.head().number == 8
    assert scene.faults == [None] * 4


def test_a_node_on_another_branch_is_forked_and_believed_in_nothing(scene: Scene) -> None:
    scene.fakes[0].chain = scene.chain.fork(5, b"branch").grow(6)
    honest = scene.fakes[1].chain
    assert scene.nodes.head().hash == honest.blocks[8].hash
    assert scene.nodes.storage(CONTRACT, SLOT) == (9).to_bytes(32)
    assert scene.nodes.receipt(scene.fakes[0].chain.transaction(7)) is None
    assert [log.block_hash for log in scene.nodes.logs([CONTRACT], [TOPIC], 7, 8)] == [
        block.hash for block in honest.blocks[7:9]
    ]
    assert scene.faults == only(0, Fault.FORKED)


def test_of_a_network_in_two_halves_the_common_part_is_the_head() -> None:
    with network() as scene:
        for fake in scene.fakes[:2]:
            fake.chain = scene.chain.fork(6, b"left").grow(2)
        for fake in scene.fakes[2:]:
            fake.chain = fake.chain.fork(6, b"right").grow(3)
        assert scene.nodes.head().number == 6
        assert scene.faults == [None] * 4
        with pytest.raises(NodesDisagree):
            scene.nodes.block(7)
        left = scene.chain.blocks[7].hash
        assert not scene.nodes.has_block(7, left)
        assert not scene.nodes.lacks_block(7, left)


def test_the_head_goes_back_only_by_a_quorum(scene: Scene) -> None:
    tip = scene.nodes.head()
    for fake in scene.fakes[:2]:
        fake.behind = 4
    assert scene.nodes.head() == tip
    scene.fakes[2].behind = 4
    assert scene.nodes.head().number == 4


def test_two_nodes_of_four_that_begin_anew_are_waited_for() -> None:
    with network(blocks=50) as scene:
        for fake in scene.fakes[:2]:
            fake.behind = 50
        with pytest.raises(NodeUnavailable, match="caught up"):
            scene.nodes.head()


def test_what_half_of_the_nodes_have_lost_is_not_gone(scene: Scene) -> None:
    block, transaction = scene.chain.blocks[7], scene.chain.transaction(7)
    assert scene.nodes.receipt(transaction) is not None
    for fake in scene.fakes[:2]:
        fake.behind = 5
    assert not scene.nodes.lacks_block(7, block.hash)
    assert not scene.nodes.has_block(7, block.hash)
    assert scene.nodes.receipt(transaction) is None  # not as far as a quorum knows
    scene.fakes[0].behind = 0
    assert scene.nodes.receipt(transaction) is not None


def test_one_dead_node_of_four_stops_nothing_and_two_do(scene: Scene) -> None:
    scene.fakes[3].is_dead = True
    assert scene.nodes.head().number == 8
    assert scene.faults == only(3, Fault.SILENT)
    scene.fakes[0].is_dead = True
    with pytest.raises(NodeUnavailable, match="too few"):
        scene.nodes.head()
    with pytest.raises(NodeUnavailable, match="too few"):
        scene.nodes.receipt(scene.chain.transaction(1))
    scene.fakes[0].is_dead = False
    assert scene.nodes.head().number == 8
    assert scene.fault(0) is None


def test_a_quorum_may_be_set() -> None:
    with network(count=2, quorum=2) as scene:
        assert scene.nodes.head().number == 8
        scene.fakes[1].chain = scene.chain.fork(8, b"").grow(1)
        assert scene.nodes.head().number == 8
        scene.fakes[1].chain = scene.chain.fork(3, b"other").grow(5)
        with pytest.raises(NodesDisagree):
            scene.nodes.block(8)


def test_a_node_that_hangs_is_not_waited_for() -> None:
    with network() as scene:
        hasty = Nodes([fake.url for fake in scene.fakes], patience_s=0.05)
        scene.fakes[2].pause_s = 3.0
        try:
            assert hasty.head().number == 8
            trouble = hasty.panel.members[2].trouble
            assert trouble is not None
            assert trouble.fault is Fault.SILENT
        finally:
            hasty.close()


@pytest.mark.parametrize("said", [None, 7, "0xzz", [], {}, {"hash": "0x"}])
def test_nonsense_from_one_node_does_no_harm(scene: Scene, said: object) -> None:
    fake = scene.fakes[0]
    for method in (name for name in dir(fake) if name.startswith("_eth_")):
        fake.lies[method[1:]] = lambda _params, _true: said
    assert scene.nodes.chain_id == 31337
    assert scene.nodes.head().number == 8
    assert scene.nodes.storage(CONTRACT, SLOT) == (9).to_bytes(32)
    assert scene.nodes.nonce(ACCOUNT) == 8
    assert scene.nodes.receipt(scene.chain.transaction(2)) is not None
    assert len(list(scene.nodes.logs([CONTRACT], [TOPIC], 0, 8))) == 9
    assert scene.nodes.call(CONTRACT, b"") == (8).to_bytes(32)
    assert scene.nodes.has_block(2, scene.chain.blocks[2].hash)
    assert scene.fault(0) is not None


def test_what_no_node_has_is_said_so(scene: Scene) -> None:
    with pytest.raises(BlockGone):
        scene.nodes.block(99)
    for fake in scene.fakes:
        fake.lies["eth_getProof"] = _forgotten
    with pytest.raises(StateUnavailable):
        scene.nodes.storage(CONTRACT, SLOT, at=1)


def _forgotten(_params: Sequence[object], _true: object) -> object:
    raise LookupError("missing trie node")
