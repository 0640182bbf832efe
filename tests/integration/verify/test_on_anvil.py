"""The verifier against the real contracts on a real node: live, by checkpoint, and as an audit."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import pytest
from support.anvil import Node, anvil
from support.paper_evidence import Entry, corrected, donation
from support.world import CHARITY, NETWORK_ID, REGISTRAR, World, build

from chainsvc.batch import Batch, Member, build_batch
from chainsvc.chain.headers import header_bytes
from chainsvc.checkpoint import Checkpoint
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.suites import SHA256
from chainsvc.evidence import BatchFacts, Evidence, Proof, StatusChange
from chainsvc.heads import ZERO
from chainsvc.network import Clock, Contract, Engine, LedgerContract, Network, Slots
from chainsvc.note import Signer
from chainsvc.proof.keccak import keccak256
from chainsvc.proof.slots import mapping_slot, nested_slot
from chainsvc.receipt import ChunkTree, Submission, submission_message
from chainsvc.record import FLAG_SIGNED, LedgerName, Record
from chainsvc.schemas import all_schemas
from chainsvc.verify import CheckpointSource, LiveNode, verify
from chainsvc.verify.completeness import audit_export
from chainsvc.verify.export import ExportBatch, ExportChange, ExportEnd, ExportEntry, ExportHeader, write_line

pytestmark = pytest.mark.node

NAME = f"charity/{CHARITY.uscc.decode()}/LUNCH-2026"
KEY = SigningKey.from_seed(b"\x01" * 32)
SIGNER = Signer("chain.example.org/operator", SigningKey.from_seed(b"\x07" * 32))
ACTOR = bytes.fromhex(CHARITY.account[2:])
SLOTS = Slots(state=0, heads=1, words=2, meta=3, budget=4, keys=0)


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """One anvil for the module."""
    with anvil() as running:
        yield running


@dataclass
class Story:
    """A signed ledger with one batch of six, the correction of one entry, and that one superseded."""

    world: World
    ledger_id: bytes
    batches: list[tuple[Batch, BatchFacts, list[Entry]]]
    change: StatusChange
    corrected: int

    @property
    def network(self) -> Network:
        """The descriptor, with code hashes taken from the node."""
        world = self.world
        ledgers = (("charity", world.charity), ("marriage", world.marriage), ("subsidy", world.subsidy))
        return Network(
            network_id=NETWORK_ID,
            chain_id=int(world.node.rpc("eth_chainId"), 16),
            genesis=bytes.fromhex(_block(world.node, "0x0")["hash"][2:]),
            name="anvil",
            institutions=Contract(world.institutions.raw_address, self._code_hash(world.institutions.address)),
            ledgers=tuple(LedgerContract(c.raw_address, self._code_hash(c.address), kind) for kind, c in ledgers),
            slots=SLOTS,
            engine=Engine("anvil", "block", 1),
            time=Clock(5),
            signers=(SIGNER.verifier_key,),
            validators=(),
            schemas=MappingProxyType({name: schema.sha256 for name, schema in all_schemas().items()}),
        )

    def _code_hash(self, address: str) -> bytes:
        return keccak256(bytes.fromhex(self.world.node.rpc("eth_getCode", address, "latest")[2:]))

    def evidence(self, seq: int) -> Evidence:
        """Return evidence of an entry with its standing and a submission."""
        batch, facts, entries = next(b for b in self.batches if b[0].first <= seq < b[0].first + len(b[2]))
        entry = entries[seq - batch.first]
        tree = ChunkTree([entry.commitment])
        signature = KEY.sign(submission_message(self.ledger_id, 1, tree.root))
        return Evidence(
            network=NETWORK_ID,
            contract=self.world.charity.raw_address,
            suite=SHA256,
            flags=FLAG_SIGNED,
            pairs=entry.pairs(),
            seq=seq,
            path=tuple(batch.tree.path(seq - batch.first)),
            batch=facts,
            status=(self.change,) if seq == self.corrected else (),
            submission=Submission(1, 0, 1, (), KEY.public, signature),
            receipt=None,
            proof=None,
            timestamps=(),
        )

    def proven(self, seq: int, block: str) -> Evidence:
        """Add the proof that the node gives."""
        evidence = self.evidence(seq)
        head = nested_slot(self.ledger_id, evidence.batch.index, SLOTS.heads)
        word = nested_slot(self.ledger_id, seq, SLOTS.words)
        ledger = self._proof(self.world.charity.address, [head, word], block)
        institutions = self._proof(self.world.institutions.address, [mapping_slot(KEY.key_id, SLOTS.keys)], block)
        head_nodes, word_nodes = (_nodes(slot["proof"]) for slot in ledger["storageProof"])
        proof = Proof(
            header=header_bytes(_block(self.world.node, block)),
            account=_nodes(ledger["accountProof"]),
            institutions=_nodes(institutions["accountProof"]),
            head=head_nodes,
            word=word_nodes,
            key=_nodes(institutions["storageProof"][0]["proof"]),
        )
        return replace(evidence, proof=proof)

    def _proof(self, address: str, keys: list[bytes], block: str) -> Any:
        return self.world.node.rpc("eth_getProof", address, [f"0x{key.hex()}" for key in keys], block)

    def export(self) -> list[bytes]:
        """Return the ledger's export."""
        entries = sum(len(found) for _, _, found in self.batches)
        fixed = NETWORK_ID, self.world.charity.raw_address, SHA256, FLAG_SIGNED, LedgerName.parse(NAME)
        lines = [write_line(ExportHeader(*fixed, len(self.batches), entries))]
        for batch, facts, found in self.batches:
            lines.append(write_line(ExportBatch(facts)))
            for seq, entry in enumerate(found, batch.first):
                record = entry.record
                line = ExportEntry(seq, entry.commitment, record.credit, record.debit, entry.pairs())
                lines.append(write_line(line))
        return [*lines, write_line(ExportChange(self.corrected, self.change)), write_line(ExportEnd())]


def _block(node: Node, block: str) -> Any:
    with_transactions = False
    return node.rpc("eth_getBlockByNumber", block, with_transactions)


def _nodes(proof: list[str]) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(node[2:]) for node in proof)


def _anchor(world: World, ledger_id: bytes, first: int, records: list[Record]) -> tuple[Batch, BatchFacts, list[Entry]]:
    entries = [Entry.of(SHA256, record) for record in records]
    members = [Member(i, e.commitment, e.record.credit, e.record.debit) for i, e in enumerate(entries)]
    batch = build_batch(SHA256, ledger_id, first, members)
    root = batch.root
    struct = (ledger_id, first, len(records), root.hash, root.credit, root.debit)
    receipt = world.charity.send(CHARITY.account, "anchor", [struct])
    event = receipt.event("Anchored")
    facts = BatchFacts(event["k"], first, len(records), event["prev"], ACTOR, receipt.block, receipt.time)
    return batch, facts, [entries[member.entry_id] for member in batch.members]


@pytest.fixture(scope="module")
def story(node: Node) -> Story:
    """Tell the story on the chain."""
    world = build(node)
    world.institutions.send(REGISTRAR, "addKey", CHARITY.uscc, 1, KEY.public, 1, 0, 0)
    ledger_id = world.open_ledger(world.charity, "charity", CHARITY, "LUNCH-2026", flags=FLAG_SIGNED)
    first = _anchor(world, ledger_id, 0, [donation(i, 100 + i, ledger=NAME) for i in range(6)])
    old = first[2][2]
    second = _anchor(world, ledger_id, 6, [corrected(old.record, old.commitment, 80)])
    receipt = world.charity.send(CHARITY.account, "setStatus", [(ledger_id, 2, 1, ledger_id, 6)])
    change = StatusChange(1, ledger_id, 6, ACTOR, receipt.block, receipt.time)
    return Story(world, ledger_id, [first, second], change, corrected=2)


@pytest.fixture
def live(story: Story) -> Iterator[LiveNode]:
    """The anvil as the verifier sees it."""
    with LiveNode(story.world.node.url) as node:
        yield node


def test_the_first_head_has_no_predecessor(story: Story) -> None:
    assert story.batches[0][1].prev == ZERO


@pytest.mark.parametrize(("seq", "verdict"), [(0, "valid"), (2, "superseded"), (6, "valid")])
def test_evidence_verifies_at_the_node(story: Story, live: LiveNode, seq: int, verdict: str) -> None:
    for evidence in (story.evidence(seq), story.proven(seq, "latest")):
        found = verify(evidence.to_bytes(), story.network, live)
        assert found.verdict == verdict, found.to_json()
        assert [step.outcome for step in found.steps[:9]] == ["passed"] * 9


@pytest.mark.parametrize(("seq", "verdict"), [(0, "valid"), (2, "superseded"), (6, "valid")])
def test_evidence_verifies_by_checkpoint_with_the_nodes_own_proof(story: Story, seq: int, verdict: str) -> None:
    block = _block(story.world.node, "latest")
    checkpoint = Checkpoint(NETWORK_ID, int(block["number"], 16), bytes.fromhex(block["hash"][2:])).sign([SIGNER])
    evidence = story.proven(seq, block["number"])
    found = verify(evidence.to_bytes(), story.network, CheckpointSource(checkpoint))
    assert found.verdict == verdict, found.to_json()
    assert [step.outcome for step in found.steps[:9]] == ["passed"] * 9


def test_standing_before_the_change_is_current(story: Story, live: LiveNode) -> None:
    found = verify(story.evidence(2).to_bytes(), story.network, live, at=story.change.block - 1)
    assert found.verdict == "valid"


def test_a_changed_amount_fails_at_the_node(story: Story, live: LiveNode) -> None:
    evidence = story.evidence(0)
    pairs = tuple(p._replace(value=p.value + 1) if p.path in ("/credit", "/body/amount") else p for p in evidence.pairs)
    found = verify(replace(evidence, pairs=pairs).to_bytes(), story.network, live)
    assert (found.verdict, found.step(5).outcome) == ("invalid", "failed")


def test_a_compromised_key_makes_it_undetermined(story: Story, live: LiveNode) -> None:
    snapshot = story.world.node.rpc("evm_snapshot")
    since = story.batches[0][1].time
    story.world.institutions.send(REGISTRAR, "compromiseKey", KEY.key_id, since)
    assert verify(story.evidence(0).to_bytes(), story.network, live).verdict == "undetermined"
    assert story.world.node.rpc("evm_revert", snapshot)


def test_the_ledger_is_complete(story: Story, live: LiveNode) -> None:
    report = audit_export(story.export(), story.network, live)
    assert (report.outcome, report.found) == ("complete", 0), report.to_json()
    assert (report.entries, report.credit, report.debit) == (7, 615, story.batches[1][0].root.debit)


def test_a_ledger_without_its_change_of_standing_is_not(story: Story, live: LiveNode) -> None:
    lines = story.export()
    report = audit_export([*lines[:-2], lines[-1]], story.network, live)
    assert {finding.code for finding in report.findings} == {"standing-missing", "supersede-missing"}
