"""When a block can't leave the chain any more: the rules that a network descriptor may name.

==================  ====================================================================================
``block``           at once: one node that mines alone, or a vote before every block (QBFT)
``sealers``         when the blocks after it were sealed by enough different validators (clique)
``confirmations:N`` with N blocks after it: a policy for engines whose validators are not known here
``finalized``       when the node says so by that tag
==================  ====================================================================================
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from chainsvc.chain.facts import Block
from chainsvc.chain.node import Node
from chainsvc.errors import HeaderRefused, NodeUnavailable
from chainsvc.network import AT_ONCE, FINALIZED, SEALERS
from chainsvc.proof.seals.clique import CliqueHeader
from chainsvc.proof.seals.following import SealedBy, blocks_above_final

LOOKED_BACK = 256
"""Blocks below the head that are looked at for enough different sealers."""

_SEALS_KEPT = 8_192
_CONFIRMATIONS = "confirmations:"


class Finality(Protocol):
    """How blocks become final; safe to use from several threads."""

    @property
    def text(self) -> str:
        """The rule as the network descriptor writes it."""

    def is_final(self, node: Node, number: int, block_hash: bytes) -> bool:
        """Whether this block stands on the node's chain and can't leave it any more."""

    def final_block(self, node: Node) -> Block:
        """Return the newest final block.

        Raises:
            NodeUnavailable: The node does not answer, or nothing of late is final there.
        """


@dataclass(frozen=True, slots=True)
class FinalAtOnce:
    """A block is final when it is there: one sealer, or a vote before every block."""

    text: str = AT_ONCE

    def is_final(self, node: Node, number: int, block_hash: bytes) -> bool:
        """Whether the chain has this block."""
        return node.has_block(number, block_hash)

    def final_block(self, node: Node) -> Block:
        """Return the head."""
        return node.head()


@dataclass(frozen=True, slots=True)
class FinalAfter:
    """A block is final with so many blocks after it.

    Attributes:
        blocks: How many.
    """

    blocks: int

    @property
    def text(self) -> str:
        """The rule as the network descriptor writes it."""
        return f"{_CONFIRMATIONS}{self.blocks}"

    def is_final(self, node: Node, number: int, block_hash: bytes) -> bool:
        """Whether so many blocks follow this one on the node's chain."""
        return node.head().number - number >= self.blocks and node.has_block(number, block_hash)

    def final_block(self, node: Node) -> Block:
        """Return the block so far below the head; block 0 of a shorter chain."""
        return node.block(max(0, node.head().number - self.blocks))


@dataclass(frozen=True, slots=True)
class FinalByTag:
    """A block is final when the node's ``finalized`` tag has reached it."""

    text: str = FINALIZED

    def is_final(self, node: Node, number: int, block_hash: bytes) -> bool:
        """Whether the tag has reached this block."""
        return number <= self.final_block(node).number and node.has_block(number, block_hash)

    def final_block(self, node: Node) -> Block:
        """Return the block that the tag names."""
        return node.block(FINALIZED)


class _Seal(NamedTuple):
    sealer: bytes
    parent: bytes


class FinalBySealers:
    """A block is final when enough different sealers sealed the blocks after it.

    How many: :func:`chainsvc.proof.seals.following.threshold`. It is a policy: the engine itself never finalizes. Who
    may seal is the node's word; a verifier goes by the descriptor instead.
    """

    text = SEALERS

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._lock = threading.Lock()
        self._last: tuple[bytes, Block] | None = None  # the newest head that was looked at, and what was final below it
        self._seals: dict[bytes, _Seal] = {}

    def is_final(self, node: Node, number: int, block_hash: bytes) -> bool:
        """Whether enough sealers sealed the blocks after this one on the node's chain."""
        return number <= self.final_block(node).number and node.has_block(number, block_hash)

    def final_block(self, node: Node) -> Block:
        """Return the newest block after which enough sealers sealed; block 0 of a chain where none is yet."""
        head = node.head()
        with self._lock:
            last = self._last
        if last is not None and last[0] == head.hash:
            return last[1]
        final = self._final_below(node, head)
        with self._lock:
            self._last = head.hash, final
        return final

    def _final_below(self, node: Node, head: Block) -> Block:
        sealers = node.clique_signers(head.number)
        above = self._above(node, head, sealers)
        before = node.clique_signers(max(0, head.number - above))
        if len(before) > len(sealers):  # someone was voted out meanwhile: the larger set counts
            above = self._above(node, head, before)
        return self._below(node, head, above)

    def _above(self, node: Node, head: Block, sealers: tuple[bytes, ...]) -> int:
        above = blocks_above_final(self._newest_first(node, head, sealers))
        if above is not None:
            return above
        if head.number > LOOKED_BACK:
            raise NodeUnavailable(
                "too few different validators seal: no block of late is final",
                expected=f"more than half of {len(sealers)} in the last {LOOKED_BACK} blocks",
                where=node.url,
                hint="Find out which validators stand still; what waits becomes final when they are back.",
            )
        return head.number

    def _newest_first(self, node: Node, head: Block, sealers: tuple[bytes, ...]) -> Iterator[SealedBy]:
        block_hash = head.hash
        for _ in range(min(head.number, LOOKED_BACK)):  # block 0 has no seal
            seal = self._seal_of(node, block_hash)
            yield SealedBy(seal.sealer, sealers)
            block_hash = seal.parent

    def _below(self, node: Node, head: Block, above: int) -> Block:
        block_hash = head.hash
        for _ in range(above):
            block_hash = self._seal_of(node, block_hash).parent
        return node.block(block_hash)

    def _seal_of(self, node: Node, block_hash: bytes) -> _Seal:
        """Return who sealed a block; what a header says is the same on every node, so that it is read once."""
        known = self._seals.get(block_hash)
        if known is None:
            known = _read_seal(node, block_hash)
            if len(self._seals) >= _SEALS_KEPT:
                self._seals.clear()
            self._seals[block_hash] = known
        return known


def _read_seal(node: Node, block_hash: bytes) -> _Seal:
    try:
        header = CliqueHeader.parse(node.header(block_hash), node.url)
        return _Seal(header.sealer(), header.fields.header.parent)
    except HeaderRefused as error:
        raise NodeUnavailable(
            f"the node's block has no seal of clique: {error.message}", got=block_hash.hex(), where=node.url
        ) from error


def finality_of(text: str) -> Finality:
    """Return the rule that a descriptor names; its reader has checked the form."""
    if text.startswith(_CONFIRMATIONS):
        return FinalAfter(int(text.removeprefix(_CONFIRMATIONS)))
    rules: dict[str, Finality] = {AT_ONCE: FinalAtOnce(), FINALIZED: FinalByTag(), SEALERS: FinalBySealers()}
    return rules[text]
