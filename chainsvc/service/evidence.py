"""Issuing evidence: the journal's rows of one final entry, put into the file that proves it."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

from sqlalchemy import Connection, Engine

from chainsvc.api.ports import EvidenceFile
from chainsvc.batch import tree_of
from chainsvc.chain.node import Node
from chainsvc.chain.runs import proof_header
from chainsvc.commitment import derive_salts
from chainsvc.crypto.envelope import Envelope
from chainsvc.crypto.keys import key_id
from chainsvc.crypto.suites import Suite, suite_of
from chainsvc.errors import NotReady, RecordErased, StateUnavailable
from chainsvc.evidence import BatchFacts, Evidence, Pair, Proof, StatusChange
from chainsvc.journal import batches, checkpoints, ledgers, marks
from chainsvc.journal.batches import StoredBatch
from chainsvc.journal.entries import Entry
from chainsvc.journal.ledgers import Ledger
from chainsvc.journal.marks import Mark
from chainsvc.network import Network
from chainsvc.promises import Promises
from chainsvc.proof.slots import mapping_slot, nested_slot
from chainsvc.record import Record
from chainsvc.service.records import entry_of, is_private
from chainsvc.stored import Opener
from chainsvc.sumtree import SumTree

_TREES_KEPT = 64  # of 4,096 leaves: about 1 MB each


class Issuer:
    """Makes evidence files; the cost does not depend on the length of the ledger."""

    def __init__(self, engine: Engine, envelope: Envelope, network: Callable[[], Network], node: Node) -> None:
        """Read this journal, and this node for state proofs; ``network`` gives the descriptor in use."""
        self._engine = engine
        self._opener = Opener(envelope)
        self._network = network
        self._node = node
        self.tree = lru_cache(_TREES_KEPT)(self._read_tree)

    def issue(self, record_id: bytes, disclose: Collection[str] | None, *, proof: bool) -> EvidenceFile:
        """Return the file of a final entry.

        Raises:
            NotFound: No such record.
            NotReady: It is not final yet; a restore lost entries of its batch; or no checkpoint covers it for a proof
                that the node can still make.
            RecordErased: Its record was deleted.
            MalformedInput: A path to disclose that the record has not.
            NodeUnavailable: A proof was asked for and the node does not answer.
        """
        # One moment: a batch and its marks of two different chains would prove nothing.
        with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
            entry = entry_of(conn, record_id)
            evidence = self._evidence(conn, entry)
            block = self._proof_block(conn, evidence) if proof else None
        if block is not None:
            with provable(block):
                evidence = self._with_proof(evidence, entry, block)
        if not evidence.pairs:
            return EvidenceFile(evidence.to_bytes(), skeleton=True)
        shown = evidence if disclose is None else evidence.disclose(disclose)
        return EvidenceFile(shown.to_bytes(), skeleton=False)

    def _evidence(self, conn: Connection, entry: Entry) -> Evidence:
        ledger = ledgers.by_id(conn, entry.ledger_id)
        batch = self._final_batch(conn, entry)
        promises = Promises(conn)
        submission = promises.submission(entry)
        if ledger.signed and submission is None:  # of an entry that came back from a file
            hint = "Evidence that was issued before still holds; the issuer sends the same signed chunk again."
            raise NotReady("the entry came back after a restore, without its submission", hint=hint)
        assert entry.seq is not None  # a final batch has numbered its entries
        tree = self.tree(ledger.ledger_id, batch.k, ledger.suite)
        return Evidence(
            network=self._network().network_id,
            contract=ledger.contract,
            suite=suite_of(ledger.suite),
            flags=ledger.flags,
            pairs=self._pairs(conn, ledger, entry),
            seq=entry.seq,
            path=tuple(tree.path(entry.seq - batch.first)),
            batch=batch_facts(batch),
            status=tuple(change_of(mark) for mark in marks.history(conn, entry.ledger_id, entry.entry_id)),
            submission=submission,
            receipt=promises.receipt(entry),
            proof=None,
            timestamps=(),
        )

    def _final_batch(self, conn: Connection, entry: Entry) -> StoredBatch:
        batch = None if entry.k is None else batches.get(conn, entry.ledger_id, entry.k)
        if batch is None or batch.anchor is None:
            state = "accepted" if batch is None else batch.state
            hint = "Ask again in a moment; the receipt says by when at the latest."
            raise NotReady("the record is not final on chain yet", expected="final", got=state, hint=hint)
        if batch.lost:
            hint = "Evidence that was issued before still holds. The operator can bring entries back: chainsvc restore."
            expected, got = f"{batch.count} entries of its batch", f"{batch.lost} of them lost by a restore"
            raise NotReady(
                "no evidence can be made of a batch with lost entries", expected=expected, got=got, hint=hint
            )
        return batch

    def _pairs(self, conn: Connection, ledger: Ledger, entry: Entry) -> tuple[Pair, ...]:
        opened = self._opener.record(conn, entry)
        if opened is not None:
            return disclosed_pairs(suite_of(ledger.suite), *opened)
        if is_private(conn, entry):
            return ()
        raise RecordErased(
            "the record was erased; nothing is left that evidence could show", got=entry.commitment.hex()
        )

    def _read_tree(self, ledger_id: bytes, k: int, suite: int) -> SumTree:
        with self._engine.connect() as conn:
            batch = batches.get(conn, ledger_id, k)
            return tree_of(suite_of(suite), ledger_id, batch.first, batches.members(conn, ledger_id, k))

    def _proof_block(self, conn: Connection, evidence: Evidence) -> int:
        needed = max([evidence.batch.block, *(change.block for change in evidence.status)])
        checkpoint = checkpoints.at_or_after(conn, needed)
        if checkpoint is None:
            raise NotReady(
                "no checkpoint covers the record yet",
                expected=f"a checkpoint of block {needed} or later",
                hint="Make one with 'chainsvc checkpoint', then ask again.",
            )
        latest = checkpoints.latest(conn)
        return checkpoint.block if latest is None else latest.block

    def _with_proof(self, evidence: Evidence, entry: Entry, block: int) -> Evidence:
        """Prove head and status word, and in a signed ledger the key, against one checkpoint's block."""
        return Prover(self._network(), self._node, block).prove(entry.ledger_id, [evidence])[0]


class Prover:
    """Adds state proofs of one block; what files have in common is asked for once."""

    def __init__(self, network: Network, node: Node, block: int) -> None:
        """Prove the state after this block."""
        self._network, self._node = network, node
        self.block = block
        self._header: bytes | None = None
        self._keys: dict[bytes, tuple[tuple[bytes, ...], tuple[bytes, ...]]] = {}

    def prove(self, ledger_id: bytes, files: Sequence[Evidence]) -> list[Evidence]:
        """Return files of one ledger with their proofs; the node is asked once for all their slots.

        Raises:
            StateUnavailable: The node has forgotten the block's state.
            NodeUnavailable: It does not answer.
        """
        slots = self._network.slots
        heads = [nested_slot(ledger_id, file.batch.index, slots.heads) for file in files]
        words = [nested_slot(ledger_id, file.seq, slots.words) for file in files]
        wanted = [*dict.fromkeys(heads), *words]
        account = self._node.proof(files[0].contract, wanted, self.block)
        nodes = {slot: found.nodes for slot, found in zip(wanted, account.storage, strict=True)}
        if self._header is None:
            self._header = proof_header(self._node, self._network, self.block)
        proven = []
        for file, head, word in zip(files, heads, words, strict=True):
            institutions, key = self._key(file)
            proof = Proof(self._header, account.nodes, institutions, nodes[head], nodes[word], key)
            proven.append(replace(file, proof=proof))
        return proven

    def _key(self, evidence: Evidence) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        if evidence.submission is None:
            return (), ()
        identifier = key_id_of(evidence)
        if identifier not in self._keys:
            slot = mapping_slot(identifier, self._network.slots.keys)
            proven = self._node.proof(self._network.institutions.address, [slot], self.block)
            self._keys[identifier] = proven.nodes, proven.storage[0].nodes
        return self._keys[identifier]


@contextmanager
def provable(block: int) -> Iterator[None]:
    """Say what helps where the node has forgotten the block's state.

    Raises:
        NotReady: It has.
    """
    try:
        yield
    except StateUnavailable as error:
        raise NotReady(
            "the node can no longer prove the state of the newest checkpoint",
            expected="a newer checkpoint",
            got=f"block {block}",
            hint="Make one with 'chainsvc checkpoint', then ask again.",
        ) from error


def key_id_of(evidence: Evidence) -> bytes:
    """Return the key id of the submission's key, 32 bytes."""
    assert evidence.submission is not None
    return key_id(evidence.submission.alg, evidence.submission.pubkey)


def disclosed_pairs(suite: Suite, record: Record, seed: bytes) -> tuple[Pair, ...]:
    """Return all pairs of a record with their salts."""
    pairs = record.flatten()
    salts = derive_salts(suite, seed, len(pairs))
    return tuple(Pair(path, salt, value, None) for (path, value), salt in zip(pairs, salts, strict=True))


def batch_facts(batch: StoredBatch) -> BatchFacts:
    """Return a final batch's facts as evidence carries them."""
    anchor = batch.anchor
    assert anchor is not None
    return BatchFacts(batch.k, batch.first, batch.count, anchor.prev, anchor.actor, anchor.block, anchor.time)


def change_of(mark: Mark) -> StatusChange:
    """Return a final mark as evidence carries it."""
    word = mark.word
    assert word is not None
    assert mark.cause_seq is not None
    return StatusChange(mark.status, mark.cause_ledger_id, mark.cause_seq, word.actor, word.block, word.time)
