"""The network descriptor: what a verifier pins about a deployment, ``chainsvc-network/1``.

It is the verifier's own file and is never taken from evidence. Its bytes are the canonical JSON (RFC 8785) of one
object, so that its SHA-256 names it; it may also come as a signed note whose text is that one line.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

from chainsvc import jcs
from chainsvc.crypto.suites import sha256
from chainsvc.errors import MalformedInput
from chainsvc.note import SignedNote, Signer, VerifierKey, sign_note
from chainsvc.reading import array_of, members_of, text, unhex, whole

FORMAT = "chainsvc-network/1"
"""The only version; new members mean a new one."""

MAX_BYTES = 262_144
"""Largest descriptor in bytes."""

MAX_DEPTH = 4
"""Deepest nesting."""

AT_ONCE, FINALIZED, SEALERS = "block", "finalized", "sealers"
"""Rules of finality; the fourth is ``confirmations:N``."""

_HASH, _ADDRESS = 32, 20
_UNIT = "s"  # of block times; the member leaves room for chains that count otherwise
_KIND = re.compile(r"[a-z]{1,16}")
_FINALITY = re.compile(r"block|confirmations:([1-9][0-9]{0,4})|finalized|sealers")
_CHAIN = ("chainId", "engine", "format", "genesis", "institutions", "ledgers", "name", "networkId")
_MEMBERS = frozenset({*_CHAIN, "schemas", "signers", "slots", "time", "validators"})


@dataclass(frozen=True, slots=True)
class Contract:
    """A pinned contract.

    Attributes:
        address: 20 bytes.
        code_hash: Keccak-256 of the deployed code with its immutables filled in, 32 bytes.
    """

    address: bytes
    code_hash: bytes


@dataclass(frozen=True, slots=True)
class LedgerContract(Contract):
    """The contract that anchors ledgers of one kind; several kinds may share one.

    Attributes:
        kind: First part of a ledger's name.
    """

    kind: str


@dataclass(frozen=True, slots=True)
class Slots:
    """Storage slots of the mappings: five of the ledger contracts, ``keys`` of Institutions."""

    budget: int
    heads: int
    keys: int
    meta: int
    state: int
    words: int


@dataclass(frozen=True, slots=True)
class Engine:
    """How the chain agrees on blocks.

    Attributes:
        name: E.g. ``anvil``, ``clique``, ``qbft``.
        finality: ``block`` (a block is final at once), ``confirmations:N`` (with N blocks after it), ``finalized``
            (the node says so by that tag) or ``sealers`` (when enough different validators sealed the blocks after it).
        block_time: Usual seconds between blocks.
    """

    name: str
    finality: str
    block_time: int

    @property
    def confirmations(self) -> int | None:
        """Blocks that must follow a final one, 0 when it is final at once; None when their number does not tell."""
        if self.finality in (FINALIZED, SEALERS):
            return None
        return 0 if self.finality == AT_ONCE else int(self.finality.removeprefix("confirmations:"))


@dataclass(frozen=True, slots=True)
class Clock:
    """How far block times are right; they are Unix seconds.

    Attributes:
        tolerance: Seconds by which a block's time may differ from true time.
    """

    tolerance: int


@dataclass(frozen=True, slots=True)
class Validators:
    """Who may seal blocks from one block on.

    Attributes:
        since: First block number.
        addresses: 20 bytes each, ascending.
    """

    since: int
    addresses: tuple[bytes, ...]


def validators_at(epochs: Sequence[Validators], number: int) -> Validators | None:
    """Return the last epoch that began by the block of that number; None before the first."""
    return next((epoch for epoch in reversed(epochs) if epoch.since <= number), None)


@dataclass(frozen=True, slots=True)
class Network:
    """One deployment of chainsvc on one chain.

    Attributes:
        network_id: 32 random bytes, drawn at deployment.
        chain_id: As the node answers ``eth_chainId``.
        genesis: Hash of block 0, 32 bytes.
        name: For people, 1 to 64 characters.
        institutions: The registry of organizations.
        ledgers: Ascending by kind, one for each kind.
        slots: Where the mappings are.
        engine: How blocks become final.
        time: How far block times are right.
        signers: Whose checkpoints count.
        validators: Sealers by epoch; empty where seals are not checked.
        schemas: SHA-256 of each record schema's file, 32 bytes, by schema id.
    """

    network_id: bytes
    chain_id: int
    genesis: bytes
    name: str
    institutions: Contract
    ledgers: tuple[LedgerContract, ...]
    slots: Slots
    engine: Engine
    time: Clock
    signers: tuple[VerifierKey, ...]
    validators: tuple[Validators, ...]
    schemas: Mapping[str, bytes]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a descriptor: canonical JSON, or a signed note around it (whose signatures are not checked here).

        Raises:
            MalformedInput: Whatever is not exactly as the format says, with its place.
        """
        if b"\n" in data:  # canonical JSON has none
            data = SignedNote.parse(data).text.removesuffix("\n").encode()
        value = jcs.loads(data, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
        value = members_of(value, _MEMBERS)
        if value["format"] != FORMAT:
            raise MalformedInput("unknown format", expected=FORMAT, got=str(value["format"])[:40], where="/format")
        if jcs.dumps(value) != data:
            raise MalformedInput("not canonical JSON", expected="the bytes of RFC 8785")
        return cls(
            network_id=unhex(value["networkId"], "/networkId", _HASH),
            chain_id=whole(value["chainId"], "/chainId"),
            genesis=unhex(value["genesis"], "/genesis", _HASH),
            name=_matching(value["name"], "/name", re.compile(r"[^\x00-\x1f]{1,64}")),
            institutions=Contract(*_contract(value["institutions"], "/institutions")),
            ledgers=_ledgers(value["ledgers"]),
            slots=_slots(value["slots"]),
            engine=_engine(value["engine"]),
            time=_clock(value["time"]),
            signers=tuple(VerifierKey.parse(text(key, "/signers")) for key in array_of(value["signers"], "/signers")),
            validators=_validators(value["validators"]),
            schemas=_schemas(value["schemas"]),
        )

    def to_bytes(self) -> bytes:
        """Return the canonical bytes, without signatures."""
        return jcs.dumps(
            {
                "chainId": self.chain_id,
                "engine": {
                    "blockTime": self.engine.block_time,
                    "finality": self.engine.finality,
                    "name": self.engine.name,
                },
                "format": FORMAT,
                "genesis": self.genesis.hex(),
                "institutions": _contract_json(self.institutions),
                "ledgers": [{"kind": ledger.kind, **_contract_json(ledger)} for ledger in self.ledgers],
                "name": self.name,
                "networkId": self.network_id.hex(),
                "schemas": {schema: digest.hex() for schema, digest in self.schemas.items()},
                "signers": [str(key) for key in self.signers],
                "slots": {name: getattr(self.slots, name) for name in _SLOTS},
                "time": {"tolerance": self.time.tolerance, "unit": _UNIT},
                "validators": [
                    {"addresses": [address.hex() for address in epoch.addresses], "from": epoch.since}
                    for epoch in self.validators
                ],
            }
        )

    def sign(self, signers: Sequence[Signer]) -> bytes:
        """Return the descriptor as a signed note."""
        return sign_note(self.to_bytes().decode() + "\n", signers).to_bytes()

    @property
    def sha256(self) -> bytes:
        """SHA-256 of the canonical bytes: what a verifier pins; the same with and without signatures."""
        return sha256(self.to_bytes())

    def contract_of(self, kind: str) -> LedgerContract | None:
        """Return the contract that anchors ledgers of the kind, or None."""
        return next((ledger for ledger in self.ledgers if ledger.kind == kind), None)

    def validators_at(self, number: int) -> Validators | None:
        """Return who may seal the block of that number; None where nobody is pinned for it."""
        return validators_at(self.validators, number)

    def contracts_at(self, address: bytes) -> tuple[LedgerContract, ...]:
        """Return every kind that the contract at the address anchors; empty when it is no part of the network."""
        return tuple(ledger for ledger in self.ledgers if ledger.address == address)


_SLOTS = ("budget", "heads", "keys", "meta", "state", "words")


def _matching(value: Any, where: str, pattern: re.Pattern[str]) -> str:
    if not pattern.fullmatch(text(value, where)):
        raise MalformedInput("not of the right form", expected=pattern.pattern, got=value[:80], where=where)
    return str(value)


def _contract(value: Any, where: str, more: frozenset[str] = frozenset()) -> tuple[bytes, bytes]:
    value = members_of(value, frozenset({"address", "codeHash"}) | more, where)
    return unhex(value["address"], f"{where}/address", _ADDRESS), unhex(value["codeHash"], f"{where}/codeHash", _HASH)


def _contract_json(contract: Contract) -> dict[str, str]:
    return {"address": contract.address.hex(), "codeHash": contract.code_hash.hex()}


def _ledgers(value: Any) -> tuple[LedgerContract, ...]:
    ledgers = []
    for index, member in enumerate(array_of(value, "/ledgers")):
        where = f"/ledgers/{index}"
        address, code_hash = _contract(member, where, frozenset({"kind"}))
        ledgers.append(LedgerContract(address, code_hash, _matching(member["kind"], f"{where}/kind", _KIND)))
    kinds = [ledger.kind for ledger in ledgers]
    if not kinds or kinds != sorted(set(kinds)):
        raise MalformedInput("kinds must ascend, each once", got=", ".join(kinds)[:200], where="/ledgers")
    return tuple(ledgers)


def _slots(value: Any) -> Slots:
    value = members_of(value, frozenset(_SLOTS), "/slots")
    return Slots(**{name: whole(value[name], f"/slots/{name}", 255) for name in _SLOTS})


def _engine(value: Any) -> Engine:
    value = members_of(value, frozenset({"blockTime", "finality", "name"}), "/engine")
    return Engine(
        name=_matching(value["name"], "/engine/name", re.compile(r"[a-z0-9-]{1,32}")),
        finality=_matching(value["finality"], "/engine/finality", _FINALITY),
        block_time=whole(value["blockTime"], "/engine/blockTime", 86_400),
    )


def _clock(value: Any) -> Clock:
    value = members_of(value, frozenset({"tolerance", "unit"}), "/time")
    if value["unit"] != _UNIT:
        raise MalformedInput(
            "block times in another unit than seconds",
            expected=f'"{_UNIT}"',
            got=str(value["unit"])[:40],
            where="/time/unit",
            hint="Key slots and receipts count seconds in 32 bits: set the chain to blocks timed in seconds.",
        )
    return Clock(whole(value["tolerance"], "/time/tolerance", 86_400))


def _validators(value: Any) -> tuple[Validators, ...]:
    epochs = []
    for index, epoch in enumerate(array_of(value, "/validators")):
        where = f"/validators/{index}"
        member = members_of(epoch, frozenset({"addresses", "from"}), where)
        addresses = tuple(unhex(a, where, _ADDRESS) for a in array_of(member["addresses"], where))
        if not addresses or list(addresses) != sorted(set(addresses)):
            raise MalformedInput("addresses must ascend, each once", where=where)
        epochs.append(Validators(whole(member["from"], where), addresses))
    starts = [validators.since for validators in epochs]
    if starts != sorted(set(starts)):
        raise MalformedInput("epochs must ascend", got=str(starts)[:200], where="/validators")
    return tuple(epochs)


def _schemas(value: Any) -> Mapping[str, bytes]:
    if type(value) is not dict:
        raise MalformedInput("not an object", expected="schema id to SHA-256", where="/schemas")
    return MappingProxyType({schema: unhex(value[schema], f"/schemas/{schema}", _HASH) for schema in sorted(value)})
