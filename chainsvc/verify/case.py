"""One verification: the file, the descriptor and what was read of the chain, with everything recomputed once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from chainsvc.crypto.keys import key_id
from chainsvc.errors import ChainsvcError, MalformedInput, NotFound
from chainsvc.evidence import Evidence, Proof, StatusChange
from chainsvc.heads import ZERO, Status, head, status_word
from chainsvc.network import LedgerContract, Network
from chainsvc.proof.slots import mapping_slot, nested_slot
from chainsvc.sumtree import Node, fold, leaf
from chainsvc.verify.sealing import block_header, seals_of
from chainsvc.verify.sources import (
    CONTRACT,
    HEAD,
    INSTITUTIONS,
    KEY,
    PROOF_BLOCK,
    RECEIPT_KEY,
    WORD,
    BlockHash,
    Code,
    Place,
    ProofSnapshot,
    SealSource,
    Slot,
    Snapshot,
    Source,
)
from chainsvc.verify.verdict import Seals

_STANDINGS = frozenset(Status)


@dataclass(frozen=True)
class Case:
    """What the steps look at.

    Attributes:
        evidence: The parsed file.
        network: The verifier's own descriptor.
        at: Block at which the standing is asked for, or None for the newest there is.
        source: Where the chain was read; None when nothing was given and nobody is pinned.
        snapshot: What was read at that block, or the refusal that says why nothing was.
    """

    evidence: Evidence
    network: Network
    at: int | None
    source: Source | None
    snapshot: Snapshot | ChainsvcError

    @classmethod
    def read(cls, evidence: Evidence, network: Network, source: Source | None, at: int | None) -> "Case":
        """Read all that the steps need, at one block; without a source, where validators are pinned, by their seals."""
        if source is None and network.validators:
            source = SealSource()
        return cls(evidence, network, at, source, _snapshot(evidence, network, source, at))

    @property
    def by_proof(self) -> bool:
        """Whether the source answers from the file's own proof."""
        return self.source is not None and self.source.uses_proof

    @cached_property
    def commitment(self) -> bytes:
        """The record's commitment, recomputed."""
        return self.evidence.commitment()

    @cached_property
    def root(self) -> Node:
        """The batch's root and sums, climbed to from the leaf."""
        evidence = self.evidence
        entry = leaf(
            evidence.suite,
            evidence.ledger_id,
            evidence.seq,
            self.commitment,
            evidence.value("/credit"),
            evidence.value("/debit"),
        )
        batch = evidence.batch
        return fold(evidence.suite, entry, evidence.seq - batch.first, batch.count, evidence.path)

    @cached_property
    def head(self) -> bytes:
        """The batch's head, recomputed."""
        batch = self.evidence.batch
        return head(
            batch.prev,
            self.evidence.ledger_id,
            batch.index,
            batch.first,
            batch.count,
            self.root.hash,
            self.root.credit,
            self.root.debit,
            batch.actor,
            batch.block,
            batch.time,
        )

    def word_at(self, block: int) -> bytes:
        """Return the status word that the file's changes up to that block give; zero when there is none."""
        word = ZERO
        for change in self.evidence.status:
            if change.block <= block:
                word = self._word_after(word, change)
        return word

    def _word_after(self, word: bytes, change: StatusChange) -> bytes:
        return status_word(
            word,
            self.evidence.ledger_id,
            self.evidence.seq,
            change.status,
            change.cause_ledger,
            change.cause_seq,
            change.actor,
            change.block,
            change.time,
        )

    def chain(self) -> Snapshot:
        """Return what was read at the block asked for.

        Raises:
            ChainsvcError: The refusal that came instead.
        """
        if isinstance(self.snapshot, ChainsvcError):
            raise self.snapshot
        return self.snapshot

    def views(self) -> Iterator[Snapshot]:
        """Yield the snapshot, and the file's own proof where a node was asked: no part of a file stays unchecked.

        Raises:
            ChainsvcError: As :meth:`chain`, or ``own`` when the proof's header is none.
        """
        yield self.chain()
        if isinstance(self.own, MalformedInput):
            raise self.own
        if self.own is not None:
            yield self.own

    @cached_property
    def own(self) -> ProofSnapshot | MalformedInput | None:
        """The file's proof beside a node's answers, or the refusal of its header.

        None without a proof, and where it is the source itself.
        """
        proof = self.evidence.proof
        if proof is None or self.by_proof:
            return None
        try:
            header = block_header(proof, self.network)
        except MalformedInput as error:
            return error
        return ProofSnapshot(header, proof, _places(self.evidence, self.network, asks_node=False), "the file's proof")

    @cached_property
    def seals(self) -> Seals | ChainsvcError | None:
        """Who stands behind the block of the file's proof, or why that can't be said; None where nobody is pinned."""
        proof = self.evidence.proof
        if proof is None or not self.network.validators:
            return None
        try:
            return seals_of(proof, self.network)
        except ChainsvcError as error:
            return error

    @cached_property
    def standing(self) -> Status | None:
        """The standing that the chain's status word shows, whatever the file says; None when it shows none."""
        try:
            return status_of(self.chain().value(WORD))
        except ChainsvcError:
            return None


def status_of(word: bytes) -> Status:
    """Return the standing in a status word's last byte.

    Raises:
        MalformedInput: There is no such standing.
    """
    if word[-1] not in _STANDINGS:
        raise MalformedInput("no such standing in the status word", expected=f"0 to {max(Status)}", got=word[-1])
    return Status(word[-1])


def _snapshot(evidence: Evidence, network: Network, source: Source | None, at: int | None) -> Snapshot | ChainsvcError:
    if source is None:
        return NotFound("neither a node nor a checkpoint was given")
    if pinned_contract(evidence, network) is None:
        return NotFound("the descriptor has no such contract to read from")
    places = _places(evidence, network, asks_node=not source.uses_proof)
    try:
        return source.read(network, places, at=at, proof=evidence.proof)
    except ChainsvcError as error:
        return error


def pinned_contract(evidence: Evidence, network: Network) -> LedgerContract | None:
    """Return the descriptor's contract for the evidence's ledger, None when evidence names another."""
    contract = network.contract_of(evidence.ledger_name.kind)
    if contract is None or evidence.network != network.network_id or evidence.contract != contract.address:
        return None
    return contract


def _places(evidence: Evidence, network: Network, *, asks_node: bool) -> Mapping[str, Place]:
    """Say where each value is; every slot is derived here, none is taken from the file."""
    slots, contract, institutions = network.slots, evidence.contract, network.institutions.address
    places: dict[str, Place] = {
        CONTRACT: Code(contract),
        INSTITUTIONS: Code(institutions),
        HEAD: Slot(contract, _head_slot(evidence.ledger_id, evidence.batch.index, slots.heads)),
        WORD: Slot(contract, nested_slot(evidence.ledger_id, evidence.seq, slots.words)),
    }
    if (submission := evidence.submission) is not None:
        places[KEY] = Slot(institutions, mapping_slot(key_id(submission.alg, submission.pubkey), slots.keys))
    if not asks_node:
        return places
    if (receipt := evidence.receipt) is not None:
        places[RECEIPT_KEY] = Slot(institutions, mapping_slot(key_id(receipt.alg, receipt.pubkey), slots.keys))
    if evidence.proof is not None and (number := _proof_block(evidence.proof, network)) is not None:
        places[PROOF_BLOCK] = BlockHash(number)
    return places


_head_slot = lru_cache(maxsize=1024)(nested_slot)  # files of one batch ask for the same head


def _proof_block(proof: Proof, network: Network) -> int | None:
    try:
        return block_header(proof, network).number
    except MalformedInput:
        return None  # step 6 says so
