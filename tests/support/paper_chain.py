"""A chain on paper: the storage that the contracts would have, block by block, with real tries over it.

It anchors and marks as ``AnchorLedger`` does (same slots, same hashes), and gives the state out in the three ways in
which a verifier may get it: a :class:`chainsvc.verify.Source`, JSON-RPC answers, and trie proofs against real headers.
It checks no rights and no policy: the tests of the contracts do.
"""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import httpx
import rlp
from trie.hexary import HexaryTrie

from chainsvc.batch import Batch
from chainsvc.checkpoint import Checkpoint
from chainsvc.crypto.keys import SigningKey, key_id
from chainsvc.errors import NotReady
from chainsvc.evidence import BatchFacts, Evidence, Proof, StatusChange
from chainsvc.heads import ZERO, head, status_word
from chainsvc.network import Clock, Contract, Engine, LedgerContract, Network, Slots
from chainsvc.note import Signer
from chainsvc.proof.keccak import EMPTY_CODE, keccak256
from chainsvc.proof.slots import mapping_slot, nested_slot
from chainsvc.proof.trie import EMPTY_ROOT
from chainsvc.schemas import all_schemas
from chainsvc.verify.node import NodeSnapshot
from chainsvc.verify.sources import Block, BlockHash, Code, Place
from chainsvc.verify.wording import OWN_NODE

NETWORK_ID = bytes.fromhex("c4a1") * 16
CHAIN_ID = 20270
LEDGER_CONTRACT = bytes.fromhex("11" * 20)
INSTITUTIONS = bytes.fromhex("22" * 20)
ACCOUNT = bytes.fromhex("33" * 20)
LEDGER_CODE = b"\x60\x01 the ledger contract's code"
INSTITUTIONS_CODE = b"\x60\x02 the code of Institutions"
SLOTS = Slots(state=0, heads=1, words=2, meta=3, budget=4, keys=0)
SIGNER = Signer("chain.example.org/operator", SigningKey.from_seed(b"\x07" * 32))
START = 1_790_000_000
KINDS = ("charity", "marriage", "subsidy")

_Storage = dict[bytes, dict[bytes, bytes]]


@dataclass
class Sealed:
    """One block with the state after it."""

    block: Block
    header: bytes
    storage: _Storage


@dataclass
class PaperChain:
    """One network; each change of state is one block."""

    code: dict[bytes, bytes] = field(
        default_factory=lambda: {LEDGER_CONTRACT: LEDGER_CODE, INSTITUTIONS: INSTITUTIONS_CODE}
    )
    storage: _Storage = field(default_factory=lambda: {LEDGER_CONTRACT: {}, INSTITUTIONS: {}})
    blocks: list[Sealed] = field(default_factory=list)
    words: dict[tuple[bytes, int], list[StatusChange]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.seal()

    @property
    def network(self) -> Network:
        """The descriptor of this network."""
        code_hash = keccak256(LEDGER_CODE)
        return Network(
            network_id=NETWORK_ID,
            chain_id=CHAIN_ID,
            genesis=self.blocks[0].block.hash,
            name="paper",
            institutions=Contract(INSTITUTIONS, keccak256(INSTITUTIONS_CODE)),
            ledgers=tuple(LedgerContract(LEDGER_CONTRACT, code_hash, kind) for kind in KINDS),
            slots=SLOTS,
            engine=Engine("paper", "block", 1),
            time=Clock(5),
            signers=(SIGNER.verifier_key,),
            validators=(),
            schemas=MappingProxyType({name: schema.sha256 for name, schema in all_schemas().items()}),
        )

    @property
    def tip(self) -> Sealed:
        """The newest block."""
        return self.blocks[-1]

    @property
    def next_block(self) -> tuple[int, int]:
        """Number and time of the block that the next change falls into."""
        return len(self.blocks), START + 2 * len(self.blocks)

    def seal(self) -> Block:
        """Close a block over the present state."""
        number, time = self.next_block
        parent = self.blocks[-1].block.hash if self.blocks else bytes(32)
        root = self._state_trie(self.storage).root_hash
        fixed = [parent, bytes(32), bytes(20), root, bytes(32), bytes(32), bytes(256)]
        header = rlp.encode([*fixed, 1, number, 30_000_000, 0, time, b"paper", bytes(32), bytes(8), 0])
        sealed = Sealed(Block(number, keccak256(header), time), header, copy.deepcopy(self.storage))
        self.blocks.append(sealed)
        return sealed.block

    def anchor(self, batch: Batch) -> BatchFacts:
        """Anchor a batch in its ledger's next block, as ``anchor`` does."""
        state_slot = mapping_slot(batch.ledger_id, SLOTS.state)
        state = self._read(state_slot)
        next_seq, index, credit, debit = (int.from_bytes(state[i : i + 8]) for i in range(0, 32, 8))
        assert batch.first == next_seq
        prev = self._read(nested_slot(batch.ledger_id, index - 1, SLOTS.heads)) if index else ZERO
        number, time = self.next_block
        root, count = batch.root, len(batch.members)
        slot = nested_slot(batch.ledger_id, index, SLOTS.heads)
        sums = root.hash, root.credit, root.debit
        self._write(slot, head(prev, batch.ledger_id, index, batch.first, count, *sums, ACCOUNT, number, time))
        figures = (next_seq + count, index + 1, credit + root.credit, debit + root.debit)
        self._write(state_slot, b"".join(figure.to_bytes(8) for figure in figures))
        self.seal()
        return BatchFacts(index, batch.first, count, prev, ACCOUNT, number, time)

    def mark(self, ledger_id: bytes, seq: int, status: int, cause: tuple[bytes, int]) -> StatusChange:
        """Change a standing in the next block, as ``setStatus`` does."""
        slot = nested_slot(ledger_id, seq, SLOTS.words)
        number, time = self.next_block
        change = StatusChange(int(status), cause[0], cause[1], ACCOUNT, number, time)
        self._write(slot, status_word(self._read(slot), ledger_id, seq, status, *cause, ACCOUNT, number, time))
        self.words.setdefault((ledger_id, seq), []).append(change)
        self.seal()
        return change

    def register_key(
        self, key: SigningKey, uscc: str, purpose: int, *, since: int = 0, until: int = 0, compromised: int = 0
    ) -> None:
        """Write a key's slot of Institutions."""
        times = b"".join(time.to_bytes(4) for time in (since, until, compromised))
        slot = mapping_slot(key.key_id, SLOTS.keys)
        self.storage[INSTITUTIONS][slot] = uscc.encode() + bytes([key.alg, purpose]) + times
        self.seal()

    def checkpoint(self, number: int | None = None) -> Checkpoint:
        """Return the operator's checkpoint of a block, the newest by default."""
        block = (self.tip if number is None else self.blocks[number]).block
        return Checkpoint(NETWORK_ID, block.number, block.hash).sign([SIGNER])

    def prove(self, evidence: Evidence, number: int | None = None) -> Proof:
        """Prove what the evidence needs at a block, the newest by default."""
        sealed = self.tip if number is None else self.blocks[number]
        state = self._state_trie(sealed.storage)
        contract = _storage_trie(sealed.storage[evidence.contract])
        institutions = _storage_trie(sealed.storage[INSTITUTIONS])
        head_slot = nested_slot(evidence.ledger_id, evidence.batch.index, SLOTS.heads)
        word_slot = nested_slot(evidence.ledger_id, evidence.seq, SLOTS.words)
        signed = evidence.submission
        key_slot = None if signed is None else mapping_slot(key_id(signed.alg, signed.pubkey), SLOTS.keys)
        return Proof(
            header=sealed.header,
            account=_nodes(state, evidence.contract),
            institutions=_nodes(state, INSTITUTIONS) if key_slot else (),
            head=_nodes(contract, head_slot),
            word=_nodes(contract, word_slot),
            key=_nodes(institutions, key_slot) if key_slot else (),
        )

    def value(self, place: Place, number: int) -> bytes | None:
        """Return what the place holds after the block."""
        if isinstance(place, BlockHash):
            return self.blocks[place.number].block.hash if place.number < len(self.blocks) else None
        if isinstance(place, Code):
            return keccak256(self.code.get(place.address, b""))
        return self.blocks[number].storage.get(place.address, {}).get(place.key, ZERO)

    def value_of_head(self, ledger_id: bytes, index: int) -> bytes:
        """Return the head of a batch as the contract holds it now."""
        return self._read(nested_slot(ledger_id, index, SLOTS.heads))

    def _read(self, slot: bytes) -> bytes:
        return self.storage[LEDGER_CONTRACT].get(slot, ZERO)

    def _write(self, slot: bytes, word: bytes) -> None:
        self.storage[LEDGER_CONTRACT][slot] = word

    def _state_trie(self, storage: _Storage) -> Any:
        trie: Any = HexaryTrie({})
        for address, code in self.code.items():
            root = _storage_trie(storage.get(address, {})).root_hash
            trie.set(keccak256(address), rlp.encode([1, 0, root, keccak256(code)]))
        trie.set(keccak256(ACCOUNT), rlp.encode([7, 10**18, EMPTY_ROOT, EMPTY_CODE]))
        return trie


@dataclass
class PaperNode:
    """The chain as a source: every read at one block, which must exist."""

    chain: PaperChain
    uses_proof = False
    leaves_open = OWN_NODE

    def read(
        self, network: Network, places: Mapping[str, Place], *, at: int | None, proof: Proof | None
    ) -> NodeSnapshot:
        """Read all places after block ``at``."""
        del network, proof
        tip = self.chain.tip.block.number
        number = tip if at is None else at
        if number > tip:
            raise NotReady("the block is not final yet", expected=f"at most block {tip}", got=number)
        found = {name: self.chain.value(place, number) for name, place in places.items()}
        values = {name: value for name, value in found.items() if value is not None}
        return NodeSnapshot(self.chain.blocks[number].block, "node on paper", values)


def rpc_transport(chain: PaperChain, seen: list[Sequence[dict[str, Any]]] | None = None) -> httpx.MockTransport:
    """Answer JSON-RPC batches from the chain; ``seen`` collects the requests."""

    def answer(request: httpx.Request) -> httpx.Response:
        calls = json.loads(request.content)
        if seen is not None:
            seen.append(calls)
        return httpx.Response(200, json=[{"jsonrpc": "2.0", "id": c["id"], "result": _result(chain, c)} for c in calls])

    return httpx.MockTransport(answer)


def _result(chain: PaperChain, call: dict[str, Any]) -> Any:
    method, params = call["method"], call["params"]
    if method == "eth_chainId":
        return hex(CHAIN_ID)
    if method == "eth_getBlockByNumber":
        number = chain.tip.block.number if params[0] == "latest" else int(params[0], 16)
        if number >= len(chain.blocks):
            return None
        block = chain.blocks[number].block
        return {"number": hex(number), "hash": f"0x{block.hash.hex()}", "timestamp": hex(block.time)}
    address = bytes.fromhex(params[0][2:])
    if method == "eth_getCode":
        return f"0x{chain.code.get(address, b'').hex()}"
    storage = chain.blocks[int(params[2], 16)].storage
    return f"0x{storage.get(address, {}).get(bytes.fromhex(params[1][2:]), ZERO).hex()}"


def _storage_trie(storage: Mapping[bytes, bytes]) -> Any:
    trie: Any = HexaryTrie({})
    for slot, word in storage.items():
        if any(word):
            trie.set(keccak256(slot), rlp.encode(word.lstrip(b"\0")))
    return trie


def _nodes(trie: Any, key: bytes) -> tuple[bytes, ...]:
    """Return the nodes of 32 bytes or more from root to leaf, as eth_getProof does."""
    if trie.root_hash == EMPTY_ROOT:
        return ()
    encoded = [rlp.encode(node) for node in trie.get_proof(keccak256(key))]
    return tuple(node for i, node in enumerate(encoded) if i == 0 or len(node) >= 32)
