"""Engine profiles: what differs between one kind of chain and another.

A profile says how a block becomes final, what gas costs, how often blocks come, and how far back a node can prove a
state. Another engine is another row of ``ENGINES``; its name is known nowhere else but in ``verify``, which reads
headers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from chainsvc.chain.facts import Block
from chainsvc.chain.finality import FinalAfter, FinalAtOnce, FinalBySealers, Finality, finality_of
from chainsvc.chain.node import Fees, Node
from chainsvc.chain.validators import CliqueSigners, ListedInHeader, Unsealed, ValidatorSource
from chainsvc.errors import ConfigurationRefused
from chainsvc.network import Engine as Pinned

_OUTBID = 10
_MOST_PRIORITY = 10**9  # wei: what geth's miners ask for unless they are told otherwise


@dataclass(frozen=True, slots=True)
class GasPolicy:
    """What a transaction offers for gas.

    Attributes:
        most: Least ``maxFeePerGas`` in wei; more is offered while the base fee is above half of it.
        priority: ``maxPriorityFeePerGas`` in wei.
        margin_percent: Added to the estimated gas, since other transactions may come first.
        replace_percent: How much both fees rise when a transaction is replaced.
    """

    most: int
    priority: int
    margin_percent: int
    replace_percent: int

    def fees(self, node: Node) -> Fees:
        """Return the fees to offer now."""
        return Fees(max(self.most, 2 * node.base_fee() + self.priority), self.priority)

    def replacing(self, fees: Fees) -> Fees:
        """Return fees that replace a transaction with these."""
        return Fees(self._raised(fees.most), self._raised(fees.priority))

    def outbidding(self, fees: Fees) -> Fees | None:
        """Return fees ten times as high, for nodes that ask for more; None where that would be above 1 gwei."""
        raised = max(_OUTBID * fees.priority, self.replacing(fees).priority)
        if raised > _MOST_PRIORITY:
            return None
        return Fees(max(self.replacing(fees).most, fees.most + raised), raised)

    def gas_limit(self, estimated: int) -> int:
        """Return the gas limit for an estimate."""
        return estimated + estimated * self.margin_percent // 100

    def _raised(self, fee: int) -> int:
        return fee + max(1, -(-fee * self.replace_percent // 100))  # rounded up: 1 wei becomes 2


@dataclass(frozen=True, slots=True)
class Engine:
    """One kind of chain.

    Attributes:
        name: As the network descriptor has it.
        finality: How blocks become final.
        gas: What transactions offer.
        block_time: Usual seconds between a transaction and its block.
        time_tolerance: Seconds by which a block's time may differ from true time.
        proof_depth: Blocks below the head whose state a node can prove; None is all.
        validators: How it is found out who may seal a block; the deployment pins them.
        is_lone: One node mines alone, a block for each transaction: what is pending there comes in that order, and
            blocks may be long ago. Elsewhere another validator may order it otherwise.
    """

    name: str
    finality: Finality
    gas: GasPolicy
    block_time: int
    time_tolerance: int
    proof_depth: int | None
    validators: ValidatorSource = Unsealed()  # noqa: RUF009 - it has no state
    is_lone: bool = False

    def is_final(self, node: Node, number: int, block_hash: bytes) -> bool:
        """Whether this block stands on the node's chain and can't leave it any more."""
        return self.finality.is_final(node, number, block_hash)

    def final_block(self, node: Node) -> Block:
        """Return the newest final block: what readers should read at."""
        return self.finality.final_block(node)


ANVIL = Engine(
    name="anvil",
    finality=FinalAtOnce(),
    gas=GasPolicy(most=10**9, priority=1, margin_percent=25, replace_percent=10),
    block_time=1,
    time_tolerance=5,
    proof_depth=256,
    is_lone=True,
)
"""The local devnet: one node that mines every transaction at once."""

CLIQUE = Engine(
    name="clique",
    finality=FinalBySealers(),
    # geth takes no less than 1 wei; the base fee is 0 at first, rises by 1 wei with each full block and stays
    gas=GasPolicy(most=10**9, priority=1, margin_percent=25, replace_percent=10),
    block_time=1,
    time_tolerance=15,
    proof_depth=None,
    validators=CliqueSigners(),
)
"""A consortium of go-ethereum 1.13, whose validators seal in turn; nodes keep every state (hash scheme, archive)."""

QBFT = Engine(
    name="qbft",
    finality=FinalAtOnce(),
    gas=GasPolicy(most=0, priority=0, margin_percent=25, replace_percent=10),
    block_time=2,
    time_tolerance=15,
    proof_depth=None,
    validators=ListedInHeader(),
)
"""A consortium of Hyperledger Besu, whose validators vote before every block; gas is free (docs/besu.md)."""

OTHER = Engine(
    name="other",
    finality=FinalAfter(12),
    gas=GasPolicy(most=10**9, priority=1, margin_percent=25, replace_percent=10),
    block_time=12,
    time_tolerance=60,
    proof_depth=128,
)
"""Any other EVM chain: validators are not known, blocks are final by depth or by the node's ``finalized`` tag."""

ENGINES: Mapping[str, Engine] = MappingProxyType({engine.name: engine for engine in (ANVIL, CLIQUE, QBFT, OTHER)})
"""Every engine by name."""


def engine_of(name: str, *, finality: str | None = None, block_time: int | None = None) -> Engine:
    """Return the profile of an engine, with what one network has of its own.

    Args:
        name: Of the engine.
        finality: Rule as descriptors write it, in place of the engine's own.
        block_time: Usual seconds between blocks, in place of the engine's own.

    Raises:
        ConfigurationRefused: This version does not know it.
    """
    if name not in ENGINES:
        raise ConfigurationRefused(
            "this version does not know the network's chain engine",
            expected=" or ".join(ENGINES),
            got=name,
            hint="Use the version of chainsvc that the network was deployed with, or a newer one.",
        )
    engine = ENGINES[name]
    if finality not in (None, engine.finality.text):
        engine = replace(engine, finality=finality_of(finality or ""))
    return replace(engine, block_time=block_time) if block_time else engine


def profile_of(pinned: Pinned) -> Engine:
    """Return the profile of the engine that a network descriptor pins.

    Raises:
        ConfigurationRefused: This version does not know it.
    """
    return engine_of(pinned.name, finality=pinned.finality, block_time=pinned.block_time)
