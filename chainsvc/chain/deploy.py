"""Deployment of the contracts, and the descriptor that verifiers pin.

Every contract's address and code are computed beforehand and compared with what the chain has: a node that
deploys something else, or a compiler that wrote another artifact, is noticed before anyone relies on it.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from chainsvc.chain.abi import abi_of
from chainsvc.chain.artifacts import INSTITUTIONS, POLICY_CONTRACTS, artifact
from chainsvc.chain.engines import Engine
from chainsvc.chain.facts import Receipt
from chainsvc.chain.institutions import Institutions
from chainsvc.chain.node import Node
from chainsvc.chain.signer import Signer
from chainsvc.chain.transactions import Sending
from chainsvc.errors import NetworkMismatch
from chainsvc.network import Clock, Contract, LedgerContract, Network, Slots, Validators
from chainsvc.network import Engine as PinnedEngine
from chainsvc.note import VerifierKey
from chainsvc.proof import rlp
from chainsvc.proof.keccak import keccak256
from chainsvc.schemas import all_schemas

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "assistance": "SubsidyLedger",
        "charity": "CharityLedger",
        "child": "SubsidyLedger",
        "elderly": "SubsidyLedger",
        "funeral": "MarriageLedger",
        "marriage": "MarriageLedger",
        "subsidy": "SubsidyLedger",
    }
)
"""Which contract anchors ledgers of each kind."""

ADMIN_DELAY = 86_400
"""Seconds that a transfer of the admin's role waits, unless told otherwise."""

LONGEST_DEADLINE = 172_800
"""Seconds by which ends and budget cuts are delayed: beyond the longest wait of an entry plus its margin."""

_SLOT_LABELS = {
    "state": "_states",
    "heads": "_heads",
    "words": "_words",
    "meta": "_metas",
    "budget": "_budgets",
}


@dataclass(frozen=True, slots=True)
class Deployed:
    """One deployed contract.

    Attributes:
        name: Of its source.
        address: 20 bytes.
        arguments: Of its constructor, by name.
        transaction: That created it.
        block: In which it was created.
        code_hash: Of the deployed code with its immutables, as the chain has it.
        solc: Compiler version.
        input_hash: SHA-256 of the compiler's input, in hex.
    """

    name: str
    address: bytes
    arguments: Mapping[str, object]
    transaction: bytes
    block: int
    code_hash: bytes
    solc: str
    input_hash: str

    def to_json(self) -> dict[str, object]:
        """Return it for the deployment file."""
        return {
            "address": self.address.hex(),
            "arguments": {key: _shown(value) for key, value in self.arguments.items()},
            "block": self.block,
            "codeHash": self.code_hash.hex(),
            "inputHash": self.input_hash,
            "solc": self.solc,
            "transaction": self.transaction.hex(),
        }


@dataclass(frozen=True, slots=True)
class Deployment:
    """A new network.

    Attributes:
        network: The descriptor.
        contracts: What was deployed, in order; the first is the register.
        deployer: The account that is now admin and registrar.
    """

    network: Network
    contracts: tuple[Deployed, ...]
    deployer: bytes

    def to_json(self) -> dict[str, Any]:
        """Return the deployment file: addresses, arguments, transactions, blocks and code hashes."""
        return {
            "chainId": self.network.chain_id,
            "contracts": {contract.name: contract.to_json() for contract in self.contracts},
            "deployer": self.deployer.hex(),
            "genesis": self.network.genesis.hex(),
            "kinds": {ledger.kind: ledger.address.hex() for ledger in self.network.ledgers},
            "networkId": self.network.network_id.hex(),
        }


def deploy(
    node: Node,
    signer: Signer,
    engine: Engine,
    *,
    name: str,
    checkpoint_signers: Sequence[VerifierKey],
    admin_delay: int = ADMIN_DELAY,
    longest_deadline: int = LONGEST_DEADLINE,
) -> Deployment:
    """Deploy all contracts, name the policies, make the deployer a registrar, and describe the network.

    A crash on the way leaves contracts that nobody uses; the next run deploys a network of its own.

    Args:
        node: Where to.
        signer: Pays, and becomes admin and registrar.
        engine: The chain's profile.
        name: Of the network, for people.
        checkpoint_signers: Whose checkpoints verifiers should accept.
        admin_delay: Seconds that a transfer of the admin's role waits.
        longest_deadline: Seconds by which ends and budget cuts are delayed; no receipt may promise later.

    Raises:
        NetworkMismatch: The chain has another address or other code than was computed.
        ChainRefused: A transaction reverted.
        NodeUnavailable: The node does not answer, or a transaction was not final in time.
    """
    step = _Step(node, signer, engine)
    network_id = os.urandom(32)
    register_arguments = {
        "admin": signer.address,
        "adminDelay": admin_delay,
        "longestDeadline_": longest_deadline,
    }
    # SubsidyLedger keeps a copy of the register's deadline
    immutables = dict.fromkeys(("longestDeadline", "_longestDeadline"), longest_deadline.to_bytes(32))
    (register,) = step.deploy([INSTITUTIONS], register_arguments, immutables)
    arguments = {"networkId_": network_id, "institutions_": register.address}
    immutables |= {"networkId": network_id, "institutions": register.address.rjust(32, b"\0")}
    policies = {made.name: made for made in step.deploy(POLICY_CONTRACTS, arguments, immutables)}
    step.set_up(register.address, {kind: policies[policy].address for kind, policy in KINDS.items()})
    network = _describe(node, engine, network_id, name, register, policies, checkpoint_signers)
    return Deployment(network, (register, *policies.values()), signer.address)


@dataclass(frozen=True, slots=True)
class _Step:
    """Single steps of a deployment, all by one account."""

    node: Node
    signer: Signer
    engine: Engine

    def deploy(
        self, names: Sequence[str], arguments: Mapping[str, object], immutables: Mapping[str, bytes]
    ) -> tuple[Deployed, ...]:
        """Deploy contracts that do not build on each other, all with the same arguments."""
        sending, addresses = Sending(self.node, self.signer, engine=self.engine), []
        for name in names:
            addresses.append(contract_address(self.signer.address, sending.next_nonce))
            sending.send(None, artifact(name).bytecode + abi_of(name).construction(*arguments.values()))
        receipts = sending.settle()
        return tuple(
            self._deployed(name, expected, receipt, arguments, immutables)
            for name, expected, receipt in zip(names, addresses, receipts, strict=True)
        )

    def _deployed(
        self,
        name: str,
        expected: bytes,
        receipt: Receipt,
        arguments: Mapping[str, object],
        immutables: Mapping[str, bytes],
    ) -> Deployed:
        compiled = artifact(name)
        code_hash = self.node.code_hash(expected, receipt.block_number)
        _same(f"address of {name}", expected, receipt.contract or b"")
        _same(f"code of {name}", keccak256(compiled.runtime_code(immutables)), code_hash)
        return Deployed(
            name=name,
            address=expected,
            arguments=arguments,
            transaction=receipt.transaction,
            block=receipt.block_number,
            code_hash=code_hash,
            solc=compiled.solc,
            input_hash=compiled.input_hash,
        )

    def set_up(self, register: bytes, policies: Mapping[str, bytes]) -> None:
        institutions = Institutions(self.node, register)
        sending = Sending(self.node, self.signer, engine=self.engine)
        for kind, contract in policies.items():
            sending.send(register, institutions.set_policy(kind, contract))
        sending.send(register, institutions.grant_registrar(self.signer.address))
        sending.settle()


def contract_address(deployer: bytes, nonce: int) -> bytes:
    """Return where the deployer's transaction of this nonce creates a contract (Yellow Paper, section 7)."""
    number = nonce.to_bytes((nonce.bit_length() + 7) // 8)
    return keccak256(rlp.encode([deployer, number]))[12:]


def storage_slots() -> Slots:
    """Return where the mappings that evidence proves are, from the compiler's storage layouts."""
    ledger = {entry["label"]: int(entry["slot"]) for entry in artifact("SubsidyLedger").storage_layout["storage"]}
    register = {entry["label"]: int(entry["slot"]) for entry in artifact(INSTITUTIONS).storage_layout["storage"]}
    return Slots(keys=register["_keys"], **{name: ledger[label] for name, label in _SLOT_LABELS.items()})


def _describe(
    node: Node,
    engine: Engine,
    network_id: bytes,
    name: str,
    register: Deployed,
    policies: Mapping[str, Deployed],
    checkpoint_signers: Sequence[VerifierKey],
) -> Network:
    return Network(
        network_id=network_id,
        chain_id=node.chain_id,
        genesis=node.genesis(),
        name=name,
        institutions=Contract(register.address, register.code_hash),
        ledgers=tuple(
            LedgerContract(policies[policy].address, policies[policy].code_hash, kind)
            for kind, policy in sorted(KINDS.items())
        ),
        slots=storage_slots(),
        engine=PinnedEngine(engine.name, engine.finality.text, engine.block_time),
        time=Clock(engine.time_tolerance),
        signers=tuple(checkpoint_signers),
        validators=_validators(node, engine, register.block),
        schemas=MappingProxyType({schema.id: schema.sha256 for schema in all_schemas().values()}),
    )


def _validators(node: Node, engine: Engine, since: int) -> tuple[Validators, ...]:
    """Pin who seals from the block of the first contract on: nothing before it is ever proven."""
    found = engine.validators.validators_at(node, since)
    return (Validators(since, found),) if found else ()


def _same(what: str, expected: bytes, got: bytes) -> None:
    if expected != got:
        raise NetworkMismatch(
            f"the chain has another {what} than was deployed",
            expected=expected.hex(),
            got=got.hex() or "nothing",
            hint="Compile the contracts again, and ask a node that you trust.",
        )


def _shown(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
