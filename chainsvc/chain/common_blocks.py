"""Which chain and which blocks several nodes have in common: the ground that all else stands on."""

import threading
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import NamedTuple, TypeVar

from chainsvc.chain.agreement import Fault, agreed, common_height, faults_of, left_behind
from chainsvc.chain.facts import Block
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.member import Member
from chainsvc.chain.node import At
from chainsvc.chain.panel import Panel, Said
from chainsvc.chain.proven import Sealed
from chainsvc.errors import BlockGone, NodesDisagree, NodeUnavailable

V = TypeVar("V", int, bytes)

_STEPS_BACK = (0, 1, 2, 3, 5, 8, 16, 32, 64)  # from the newest height that a quorum has, to where branches part
_BLOCKS_KEPT = 4_096


class Having(NamedTuple):
    """How many nodes have a block, and how many do not."""

    having: int
    lacking: int


class CommonBlocks:
    """The blocks that a quorum of a panel has; thread-safe."""

    def __init__(self, panel: Panel) -> None:
        """Know no block yet."""
        self._panel = panel
        self._newest: Sealed | None = None
        self._lock = threading.Lock()
        self.at_hash = lru_cache(_BLOCKS_KEPT)(self._read_at_hash)

    def chain_id(self) -> int:
        """The chain id; nodes with another one are named and left out."""
        return self._same_chain(self._panel.agree(lambda node: node.chain_id), "chain id")

    def genesis(self) -> bytes:
        """Return the hash of block 0; nodes with another one are named and left out."""
        return self._same_chain(self._panel.agree(HttpNode.genesis), "genesis block")

    def _same_chain(self, said: Said[V], what: str) -> V:
        for member in said.differing:
            member.blame(Fault.OTHER_CHAIN, f"its {what} is {_text(said.answers[member])}, not {_text(said.value)}")
        for member in said.agreeing:
            member.clear(Fault.OTHER_CHAIN)
        return said.value

    def count(self, number: int, block_hash: bytes) -> Having:
        """Return how many nodes have this block, and how many another or none at this height.

        Raises:
            NodeUnavailable: Too few answer.
        """
        answers = self._panel.ask(lambda node: node.has_block(number, block_hash))
        self._panel.require(answers)
        having = sum(answers.values())
        return Having(having, len(answers) - having)

    def at(self, at: At) -> Sealed:
        """Return a block: by number what a quorum has there, by hash what hashes to it, by tag the head.

        Raises:
            BlockGone: There is none.
        """
        if isinstance(at, bytes):
            return self.at_hash(at)
        return self.number(at) if isinstance(at, int) else self.head()

    def number(self, number: int) -> Sealed:
        """Return the block that a quorum has at a height.

        Raises:
            BlockGone: A quorum has none there.
        """
        said = self._there(number)
        if said.value is None:
            raise BlockGone("a quorum of nodes has no such block", got=number, where=self._panel.names)
        return said.value

    def _there(self, number: int) -> Said[Sealed | None]:
        """Return the block at a height that a quorum has, None where a quorum has none."""

        def look(node: HttpNode) -> Sealed | None:
            try:
                return Sealed.of(node, number)
            except BlockGone:
                return None

        return self._panel.agree(look, key=lambda seen: seen and seen.block.hash)

    def _read_at_hash(self, block_hash: bytes) -> Sealed:
        """Ask one node: the hash says whether it is right."""
        return self._panel.first(lambda node: Sealed.of(node, block_hash))

    def head(self) -> Sealed:
        """Return the newest block that a quorum has; it goes back only if a quorum says that the block is gone."""
        heads = self._panel.ask(lambda node: Sealed.of(node, "latest"))
        heights = {member: seen.block.number for member, seen in heads.items()}
        listed, quorum = len(self._panel.members), self._panel.quorum
        reached = common_height(heights.values(), quorum)
        if reached is None or left_behind(heights.values(), listed, quorum):
            self._panel.require(heads)
            raise NodeUnavailable(
                "too few chain nodes have caught up", got=sorted(heights.values()), where=self._panel.names
            )
        found, differing = _same_head(heads, reached, quorum) or self._newest_common(reached)
        number = found.block.number
        for member, fault in faults_of(heights, number, differing).items():
            if fault is None:
                member.clear(Fault.BEHIND, Fault.FORKED)
            else:
                member.blame(fault, f"its newest block is {heights[member]}; block {number} was agreed on")
        return self._not_back(found)

    def _newest_common(self, reached: int) -> tuple[Sealed, Collection[Member]]:
        """Return the newest block that a quorum has, going down to where branches part, and who has another there."""
        for step in _STEPS_BACK:
            try:
                said = self._there(max(0, reached - step))
            except NodesDisagree:
                continue
            if said.value is not None:
                return said.value, said.differing
        raise NodesDisagree(
            "the chain nodes have no common block",
            where=self._panel.names,
            hint="Their networks parted: ask who runs them.",
        )

    def _is_gone(self, block: Block) -> bool:
        return self.count(block.number, block.hash).lacking >= self._panel.quorum

    def _not_back(self, found: Sealed) -> Sealed:
        newest = self._newest
        goes_back = newest is not None and found.block.number < newest.block.number
        if newest is not None and goes_back and not self._is_gone(newest.block):
            return newest
        with self._lock:
            self._newest = found
        return found


def _same_head(heads: Mapping[Member, Sealed], reached: int, quorum: int) -> tuple[Sealed, Collection[Member]] | None:
    """Return the head where a quorum has the same and none is further, as it is mostly: that saves a second round."""
    found = agreed({member: seen.block.hash for member, seen in heads.items()}, quorum)
    if found is None or max(seen.block.number for seen in heads.values()) > heads[found.agreeing[0]].block.number:
        return None
    return heads[found.agreeing[0]], [m for m in found.differing if heads[m].block.number == reached]


def _text(value: int | bytes) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
