"""Chain states of the vectors: the slots that contracts would hold, with real tries and a real header over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import rlp
from trie.hexary import HexaryTrie

from chainsvc.crypto.keys import SigningKey
from chainsvc.evidence import Evidence, Proof, StatusChange
from chainsvc.network import Clock, Contract, Engine, LedgerContract, Network, Slots
from chainsvc.note import Signer
from chainsvc.proof.keccak import keccak256
from chainsvc.proof.slots import mapping_slot, nested_slot
from chainsvc.schemas import schema_of
from vector_parts.constants import CONTRACT, NETWORK, OPERATOR, UNIT, derived
from vector_parts.sample import ISSUER_KEY, SERVICE_KEY, TIME, Batch, word_after

INSTITUTIONS = derived("institutions", 20)
SLOTS = Slots(state=0, heads=1, words=2, meta=3, budget=4, keys=0)
CODE_HASHES = {CONTRACT: derived("ledger code"), INSTITUTIONS: derived("institutions code")}
"""Stand for Keccak-256 of the deployed codes."""

SIGNER = Signer("vectors.example/operator", SigningKey.from_seed(derived("checkpoint key")))

SECOND_SIGNER = Signer("vectors.example/regulator", SigningKey.from_seed(derived("second checkpoint key/0")))
"""The base64 of its verifier key holds a plus."""

QBFT = bytes.fromhex("63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365")
"""``mixHash`` of QBFT headers."""

NUMBER = 6000
"""Block of every state; its time lies 4,000 seconds after the batches."""

PINNED = (
    "charity.disbursement.v1",
    "charity.donation.v1",
    "marriage.divorce.v1",
    "marriage.registration.v1",
    "status.cause.v1",
)


def network() -> Network:
    """Return the descriptor of the vectors' network."""
    code = CODE_HASHES[CONTRACT]
    return Network(
        network_id=NETWORK,
        chain_id=20_270,
        genesis=derived("genesis"),
        name="vectors",
        institutions=Contract(INSTITUTIONS, CODE_HASHES[INSTITUTIONS]),
        ledgers=tuple(LedgerContract(CONTRACT, code, kind) for kind in ("charity", "marriage")),
        slots=SLOTS,
        engine=Engine("vectors", "block", 1),
        time=Clock(5),
        signers=(SIGNER.verifier_key, SECOND_SIGNER.verifier_key),
        validators=(),
        schemas={name: schema_of(name).sha256 for name in PINNED},
    )


def key_word(uscc: str, purpose: int, *, since: int = 0, until: int = 0, compromised: int = 0) -> bytes:
    """Return the slot of an Ed25519 key, high to low."""
    times = b"".join(time.to_bytes(4) for time in (since, until, compromised))
    return uscc.encode() + bytes([1, purpose]) + times


ISSUER_WORD = key_word(UNIT, 1, since=TIME - 1000)
SERVICE_WORD = key_word(OPERATOR, 2)

_Storage = dict[bytes, dict[bytes, bytes]]


@dataclass
class ChainState:
    """What the chain holds after one block; ``roots`` puts another storage root in an account."""

    codes: dict[bytes, bytes] = field(default_factory=lambda: dict(CODE_HASHES))
    slots: _Storage = field(default_factory=lambda: {CONTRACT: {}, INSTITUTIONS: {}})
    roots: dict[bytes, bytes] = field(default_factory=dict)
    number: int = NUMBER
    time: int = TIME + 4000
    extra: bytes = b"vectors"
    is_qbft: bool = False

    @classmethod
    def of(
        cls,
        batches: Sequence[Batch],
        changes: Mapping[tuple[bytes, int], Sequence[StatusChange]] | None = None,
        *,
        issuer: bytes = ISSUER_WORD,
        service: bytes = SERVICE_WORD,
    ) -> "ChainState":
        """Hold the heads of the batches, the words of the changes, and both keys."""
        state = cls()
        for batch in batches:
            state.slots[CONTRACT][nested_slot(batch.ledger_id, batch.facts.index, SLOTS.heads)] = batch.head
        for (ledger, seq), done in (changes or {}).items():
            state.slots[CONTRACT][nested_slot(ledger, seq, SLOTS.words)] = word_after(ledger, seq, done)
        for key, word in ((ISSUER_KEY, issuer), (SERVICE_KEY, service)):
            if any(word):
                state.slots[INSTITUTIONS][mapping_slot(key.key_id, SLOTS.keys)] = word
        return state

    @property
    def header(self) -> bytes:
        """RLP of a header of 16 fields (London) over this state."""
        return self._header(self.extra)

    @property
    def root(self) -> bytes:
        """The state root."""
        found: bytes = self._accounts().root_hash
        return found

    def _header(self, extra: bytes) -> bytes:
        fixed = [derived("parent"), bytes(32), bytes(20), self.root, bytes(32), bytes(32), bytes(256)]
        numbers = [1, self.number, 30_000_000, 0, self.time]
        encoded: bytes = rlp.encode([*fixed, *numbers, extra, QBFT if self.is_qbft else bytes(32), bytes(8), 0])
        return encoded

    @property
    def hash(self) -> bytes:
        """The block's hash; under QBFT that of a header without round and seals."""
        if not self.is_qbft:
            return keccak256(self.header)
        vanity, validators, vote, _, _ = rlp.decode(self.extra)
        return keccak256(self._header(rlp.encode([vanity, validators, vote, b"", []])))

    def to_json(self) -> dict[str, Any]:
        """Return the state as a vector: whatever is not listed is zero."""
        slots = {
            address.hex(): {slot.hex(): word.hex() for slot, word in sorted(words.items())}
            for address, words in self.slots.items()
        }
        return {
            "block": {"number": self.number, "hash": self.hash.hex(), "time": self.time},
            "codeHashes": {address.hex(): code.hex() for address, code in self.codes.items()},
            "slots": slots,
        }

    def prove(self, evidence: Evidence) -> Proof:
        """Prove what the evidence needs at this block."""
        is_signed = evidence.submission is not None
        accounts, contract, register = self._accounts(), _trie(self.slots[CONTRACT]), _trie(self.slots[INSTITUTIONS])
        return Proof(
            header=self.header,
            account=_nodes(accounts, CONTRACT),
            institutions=_nodes(accounts, INSTITUTIONS) if is_signed else (),
            head=_nodes(contract, nested_slot(evidence.ledger_id, evidence.batch.index, SLOTS.heads)),
            word=_nodes(contract, nested_slot(evidence.ledger_id, evidence.seq, SLOTS.words)),
            key=_nodes(register, mapping_slot(ISSUER_KEY.key_id, SLOTS.keys)) if is_signed else (),
        )

    def _accounts(self) -> Any:
        trie: Any = HexaryTrie({})
        for address, code_hash in self.codes.items():
            root = self.roots.get(address) or _trie(self.slots[address]).root_hash
            trie.set(keccak256(address), rlp.encode([1, 0, root, code_hash]))
        return trie


def _trie(words: Mapping[bytes, bytes]) -> Any:
    trie: Any = HexaryTrie({})
    for slot, word in words.items():
        trie.set(keccak256(slot), rlp.encode(word.lstrip(b"\0")))
    return trie


def _nodes(trie: Any, key: bytes) -> tuple[bytes, ...]:
    """Return the nodes from root to leaf; those under 32 bytes are part of their parent."""
    encoded = [rlp.encode(found) for found in trie.get_proof(keccak256(key))]
    return tuple(found for i, found in enumerate(encoded) if i == 0 or len(found) >= 32)  # noqa: PLR2004
