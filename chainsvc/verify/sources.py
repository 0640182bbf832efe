"""Where the verifier reads chain state from: a node of its own, or a proof under a checkpoint or validators' seals.

One read is one block: all its values are of the same block hash. What is read is named, so that a proof in a file and
a node answer to the same names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

from chainsvc.checkpoint import Checkpoint
from chainsvc.errors import MalformedInput, NetworkMismatch, NotFound, NotReady
from chainsvc.evidence import Proof
from chainsvc.network import Network
from chainsvc.note import VerifierKey
from chainsvc.proof.account import Account, prove_account, prove_slot
from chainsvc.proof.header import Header
from chainsvc.verify import wording
from chainsvc.verify.sealing import block_header, seals_of
from chainsvc.verify.wording import Wording

CONTRACT, INSTITUTIONS = "contract", "institutions"
HEAD, WORD, KEY, RECEIPT_KEY, PROOF_BLOCK = "head", "word", "key", "receipt key", "proof block"
"""Names of what one verification reads; the first five are the members of an evidence's proof."""


class Code(NamedTuple):
    """The code hash of the contract at a 20-byte address."""

    address: bytes


class Slot(NamedTuple):
    """The storage word of a contract at a 32-byte slot number."""

    address: bytes
    key: bytes


class BlockHash(NamedTuple):
    """The hash of the block of that number."""

    number: int


Place = Code | Slot | BlockHash
"""What can be read; every value is 32 bytes."""


@dataclass(frozen=True, slots=True)
class Block:
    """The block that a read was made at.

    Attributes:
        number: Block number.
        hash: 32 bytes.
        time: Unix seconds.
    """

    number: int
    hash: bytes
    time: int


class Snapshot(Protocol):
    """Values of one block."""

    @property
    def block(self) -> Block:
        """The block, the same for every value."""

    @property
    def trust(self) -> str:
        """Why the block is trusted, in a few words."""

    def value(self, name: str) -> bytes:
        """Return the 32 bytes of that name; zero for a slot never written.

        Raises:
            MalformedInput: A proof that does not prove it.
            NotFound: The snapshot has no such value.
        """


class Source(Protocol):
    """Where chain state comes from."""

    @property
    def uses_proof(self) -> bool:
        """Whether it answers from the evidence's own proof."""

    @property
    def leaves_open(self) -> Wording:
        """What is not proven by what it says."""

    def read(self, network: Network, places: Mapping[str, Place], *, at: int | None, proof: Proof | None) -> Snapshot:
        """Read all places at one block.

        Args:
            network: Whose chain it must be.
            places: What to read, by name.
            at: Block number, or None for the newest final one.
            proof: The evidence's, for a source that uses it.

        Raises:
            NetworkMismatch: Another chain or network.
            NotReady: No such final block, or a checkpoint for another one.
            NotFound: The evidence has no proof.
            MalformedInput: The proof is for no block of this chain.
            NodeUnavailable: The node does not answer, or its block moved while it was read.
            SignatureRefused: The checkpoint is signed by nobody known.
        """


@dataclass(frozen=True)
class ProofSnapshot:
    """Values proven by an evidence's trie nodes against a block header whose hash is trusted.

    Attributes:
        header: The header.
        proof: Its nodes.
        places: What each name stands for.
        trust: Why the header's hash is trusted.
    """

    header: Header
    proof: Proof
    places: Mapping[str, Place]
    trust: str

    @property
    def block(self) -> Block:
        """The header's block."""
        return Block(self.header.number, self.header.hash, self.header.timestamp)

    def value(self, name: str) -> bytes:
        """Prove and return the value of that name.

        Raises:
            MalformedInput: The nodes do not prove it.
            NotFound: The proof has no nodes for it.
        """
        nodes = self._slot_nodes.get(name)
        place = self.places.get(name)
        if isinstance(place, Code):
            return self._account(name).code_hash
        if nodes is None or not isinstance(place, Slot):
            raise NotFound(f"the file's proof has nothing of the {name}")
        owner = INSTITUTIONS if name == KEY else CONTRACT
        return prove_slot(self._account(owner).storage_root, place.key, nodes, f"/proof/storage/{name}")

    @property
    def _slot_nodes(self) -> dict[str, tuple[bytes, ...]]:
        found = {HEAD: self.proof.head, WORD: self.proof.word}
        return {**found, KEY: self.proof.key} if self.proof.institutions else found

    def _account(self, name: str) -> Account:
        account = self._contract if name == CONTRACT else self._institutions
        if account is None:
            raise MalformedInput("there is no such contract at this block", where=f"/proof, {name}")
        return account

    @cached_property
    def _contract(self) -> Account | None:
        return self._prove(CONTRACT, self.proof.account, "/proof/account")

    @cached_property
    def _institutions(self) -> Account | None:
        if not self.proof.institutions:
            raise NotFound("the file's proof has nothing of Institutions")
        return self._prove(INSTITUTIONS, self.proof.institutions, "/proof/institutions")

    def _prove(self, name: str, nodes: tuple[bytes, ...], where: str) -> Account | None:
        place = self.places[name]
        assert isinstance(place, Code)
        return prove_account(self.header.state_root, place.address, nodes, where)


class CheckpointSource:
    """Chain state as an evidence's proof shows it, at the block that a checkpoint names."""

    uses_proof = True
    leaves_open = wording.CHECKPOINT

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Take a checkpoint from whom the verifier trusts; its signatures are checked once for each set of keys."""
        self._checkpoint = checkpoint
        self._signed_by: dict[tuple[VerifierKey, ...], str] = {}

    def read(
        self, network: Network, places: Mapping[str, Place], *, at: int | None, proof: Proof | None
    ) -> ProofSnapshot:
        """Check checkpoint and header; the values themselves are proven when they are asked for.

        Raises:
            NetworkMismatch: The checkpoint is of another network.
            SignatureRefused: No signer of the descriptor signed it.
            NotReady: It names another block than the one asked for, or than the proof's.
            NotFound: The evidence has no proof.
            MalformedInput: The header is none, or not the one that the checkpoint names.
        """
        checkpoint = self._checkpoint
        if checkpoint.network_id != network.network_id:
            raise NetworkMismatch(
                "the checkpoint is of another network",
                expected=network.network_id.hex(),
                got=checkpoint.network_id.hex(),
            )
        signers = self._signers(tuple(network.signers))
        if at not in (None, checkpoint.block):
            raise NotReady(
                "the checkpoint names another block than the one asked for", expected=at, got=checkpoint.block
            )
        if proof is None:
            raise NotFound("the file has no proof", hint="Ask for evidence with a proof, or use a node.")
        header = block_header(proof, network)
        if header.number != checkpoint.block:
            raise NotReady(
                "the proof is for another block than the checkpoint's",
                expected=f"block {checkpoint.block}",
                got=f"block {header.number}",
                hint="Use the checkpoint of that block, or ask for evidence with a proof for this one.",
            )
        if header.hash != checkpoint.block_hash:
            raise MalformedInput(
                "the proof's block is not the one that the checkpoint names",
                expected=checkpoint.block_hash.hex(),
                got=header.hash.hex(),
                where="/proof/header",
            )
        return ProofSnapshot(header, proof, places, f"checkpoint signed by {signers}")

    def _signers(self, keys: tuple[VerifierKey, ...]) -> str:
        if keys not in self._signed_by:
            self._signed_by[keys] = ", ".join(key.name for key in self._checkpoint.verify(keys))
        return self._signed_by[keys]


class SealSource:
    """Chain state as an evidence's proof shows it, at a block that the pinned validators stand behind."""

    uses_proof = True
    leaves_open = wording.SEALS

    def read(
        self, network: Network, places: Mapping[str, Place], *, at: int | None, proof: Proof | None
    ) -> ProofSnapshot:
        """Check the seals; the values themselves are proven when they are asked for.

        Raises:
            NotFound: The evidence has no proof, or the descriptor pins no validators for its block.
            NotReady: It is for another block than the one asked for, or too few validators stand behind it.
            MalformedInput: A header or a seal is wrong.
        """
        if proof is None:
            raise NotFound(
                "neither a node nor a checkpoint was given, and the file has no proof whose seals could be checked",
                hint="Ask for evidence with a proof.",
            )
        header = block_header(proof, network)
        seals = seals_of(proof, network)
        if at not in (None, header.number):
            raise NotReady("the proof is for another block than the one asked for", expected=at, got=header.number)
        return ProofSnapshot(header, proof, places, f"sealed by {seals}")
