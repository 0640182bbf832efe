"""The vector files of ``tests/vectors`` against the EVM: the same files drive the Python and JavaScript tests.

The vectors name network, contract, account, block and time; so this test puts the compiled code, with the
vectors' network in its immutables, at the vectors' address, on an anvil that starts just before their first block.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.anvil import Node, anvil
from support.contract import Contract, deploy
from support.storage import HEADS, nested, store
from support.world import ADMIN, ADMIN_DELAY, ISSUER, LONGEST_DEADLINE, REGISTRAR, REGULATOR, kind

from chainsvc.chain.artifacts import artifact
from chainsvc.crypto.suites import sha256
from chainsvc.heads import head

pytestmark = pytest.mark.node

FOLDER = Path(__file__).resolve().parent.parent / "vectors"
LEDGERS, TREES, HEADS_FILE, WORDS_FILE = (
    json.loads((FOLDER / f"{name}.json").read_text()) for name in ("ledgers", "trees", "heads", "words")
)
BEFORE_FIRST_BLOCK = HEADS_FILE["heads"][0]["block"] - 50
BEFORE_FIRST_TIME = HEADS_FILE["heads"][0]["time"] - 1000
ACTOR = "0x" + HEADS_FILE["heads"][0]["actor"]
MAX_SUM = 2**53 - 1


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


class VectorNetwork:
    """A subsidy contract (it allows every vector's sums) at the vectors' address, with all organizations."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.register = deploy(node, ADMIN, "Institutions", ADMIN, ADMIN_DELAY, LONGEST_DEADLINE)
        self.register.send(ADMIN, "grantRole", self.register.call("REGISTRAR_ROLE"), REGISTRAR)
        self.contract = self._place()
        names = [ledger["name"].split("/") for ledger in LEDGERS["ledgers"]]
        for name in {parts[0] for parts in names}:
            self.register.send(ADMIN, "setPolicy", kind(name), self.contract.address)
        for uscc in sorted({parts[1] for parts in names}):
            self.register.send(REGISTRAR, "registerOrganization", uscc.encode(), ISSUER | REGULATOR, 0, 0)
            self.register.send(REGISTRAR, "delegate", uscc.encode(), ACTOR, 0, 0)

    def _place(self) -> Contract:
        (network,) = {ledger["network"] for ledger in LEDGERS["ledgers"]}
        (address,) = {ledger["contract"] for ledger in LEDGERS["ledgers"]}
        compiled = artifact("SubsidyLedger")
        immutables = {
            "networkId": raw(network),
            "institutions": self.register.raw_address.rjust(32, b"\0"),
            "_longestDeadline": LONGEST_DEADLINE.to_bytes(32),
        }
        self.node.rpc("anvil_setCode", "0x" + address, "0x" + compiled.runtime_code(immutables).hex())
        return Contract(self.node, "0x" + address, compiled.abi)

    def opening(self, ledger: dict[str, Any]) -> tuple[object, ...]:
        name, uscc, book = ledger["name"].split("/")
        return kind(name), uscc.encode(), book, ledger["suite"], ledger["flags"]

    def open(self, ledger_id: str) -> bytes:
        """Open the vectors' ledger of this identity."""
        (ledger,) = [ledger for ledger in LEDGERS["ledgers"] if ledger["ledgerId"] == ledger_id]
        self.contract.send(ACTOR, "openLedger", *self.opening(ledger))
        return raw(ledger_id)

    def be_at(self, block: int, time: int) -> None:
        """Make the next transaction stand in this block at this time."""
        now = int(self.node.rpc("eth_blockNumber"), 16)
        self.node.rpc("anvil_mine", hex(block - 1 - now))
        self.node.rpc("evm_setNextBlockTimestamp", time)


@pytest.fixture(scope="module")
def _network() -> Iterator[VectorNetwork]:
    start = ("--number", str(BEFORE_FIRST_BLOCK), "--timestamp", str(BEFORE_FIRST_TIME))
    with anvil(options=start) as node:
        yield VectorNetwork(node)


@pytest.fixture
def network(_network: VectorNetwork) -> Iterator[VectorNetwork]:
    snapshot = _network.node.rpc("evm_snapshot")
    yield _network
    assert _network.node.rpc("evm_revert", snapshot)


def test_ledger_ids(network: VectorNetwork) -> None:
    for ledger in LEDGERS["ledgers"]:
        opened = network.contract.call("openLedger", *network.opening(ledger), sender=ACTOR)
        assert opened.hex() == ledger["ledgerId"], ledger["name"]


def test_heads_and_words(network: VectorNetwork) -> None:
    """The three heads in a row, then the two changes of standing, at their very blocks and times."""
    contract = network.contract
    ledger, cause = (
        network.open(HEADS_FILE["heads"][0]["ledgerId"]),
        network.open(WORDS_FILE["words"][0]["causeLedgerId"]),
    )
    owner = LEDGERS["ledgers"][0]["name"].split("/")[1].encode()
    contract.send(ACTOR, "setBudget", ledger, owner, MAX_SUM)
    contract.send(ACTOR, "anchor", [(cause, 0, 9, bytes(32), 0, 0)])
    for vector in HEADS_FILE["heads"]:
        network.be_at(vector["block"], vector["time"])
        batch = (ledger, vector["first"], vector["count"], raw(vector["root"]), vector["credit"], vector["debit"])
        contract.send(ACTOR, "anchor", [batch])
        assert contract.call("headOf", ledger, vector["index"]).hex() == vector["head"]
    for vector in WORDS_FILE["words"]:
        network.be_at(vector["block"], vector["time"])
        contract.send(ACTOR, "setStatus", [(ledger, vector["seq"], vector["status"], cause, vector["causeSeq"])])
        assert contract.call("statusOf", ledger, vector["seq"]).hex() == vector["word"]


def batch_of(network: VectorNetwork, tree: dict[str, Any]) -> tuple[object, ...]:
    """Store the head that the tree's batch would have; return what the head says of it."""
    root, credit, debit = tree["root"]
    first, ledger, actor = TREES["first"], raw(tree["ledgerId"]), raw(ACTOR[2:])
    standing = head(bytes(32), ledger, 0, first, tree["count"], raw(root), credit, debit, actor, 1, 2)
    store(network.contract, nested(HEADS, ledger, 0), standing)
    return 0, first, tree["count"], bytes(32), ACTOR, 1, 2


def nodes(path: list[Any]) -> list[tuple[bytes, int, int]]:
    return [(raw(digest), credit, debit) for digest, credit, debit in path]


def test_small_trees(network: VectorNetwork) -> None:
    trees = [tree for tree in TREES["trees"] if tree["suite"] == 1]
    assert [tree["count"] for tree in trees] == list(range(1, 10))
    network.open(trees[0]["ledgerId"])
    for tree in trees:
        batch = batch_of(network, tree)
        for leaf in tree["leaves"]:
            entry = (raw(leaf["commitment"]), leaf["seq"], leaf["credit"], leaf["debit"])
            network.contract.call("verifyInclusion", raw(tree["ledgerId"]), batch, entry, nodes(leaf["path"]))


def test_large_tree(network: VectorNetwork) -> None:
    (tree,) = [tree for tree in TREES["large"] if tree["suite"] == 1]
    network.open(tree["ledgerId"])
    batch = batch_of(network, tree)
    for item in tree["paths"]:
        index = item["index"]
        commitment = sha256(f"chainsvc-vector/commitment/{index}".encode())
        entry = (commitment, TREES["first"] + index, index * 7919 % 100_000, index * 104_729 % 50_000)
        network.contract.call("verifyInclusion", raw(tree["ledgerId"]), batch, entry, nodes(item["path"]))


def test_sm3_trees_are_refused(network: VectorNetwork) -> None:
    tree = next(tree for tree in TREES["trees"] if tree["suite"] == 2)
    network.open(tree["ledgerId"])
    leaf = tree["leaves"][0]
    entry = (raw(leaf["commitment"]), leaf["seq"], leaf["credit"], leaf["debit"])
    ledger = raw(tree["ledgerId"])
    network.contract.assert_refused(
        ACTOR,
        "verifyInclusion",
        ledger,
        batch_of(network, tree),
        entry,
        [],
        error=("UnsupportedSuite", ledger, 1, 2),
    )
