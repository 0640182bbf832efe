"""What several nodes agree on, judged from what each of them answered. Pure.

A quorum of nodes decides, by default a majority of those listed. As long as fewer of them lie or err than the listed
ones less the quorum, and more than half are needed, nothing false can be agreed on, and no two things at once.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Hashable)

LAG = 32
"""Blocks by which so many nodes may be behind that no quorum is left, before the rest waits for them."""


class Fault(StrEnum):
    """What is wrong with a node, as the others see it."""

    SILENT = "silent"
    """It does not answer, or not in time."""

    BEHIND = "behind"
    """Its newest block is older than the one agreed on."""

    FORKED = "forked"
    """It has another block at a height where a quorum has one."""

    OTHER_CHAIN = "other-chain"
    """Its chain id or genesis block is another."""

    WRONG = "wrong"
    """It said what a proof, or where there is none a quorum, disproves."""


@dataclass(frozen=True, slots=True)
class Agreement(Generic[K, V]):
    """An answer with those who gave it.

    Attributes:
        value: The answer.
        agreeing: Who gave it, in the order of the answers.
        differing: Who gave another.
    """

    value: V
    agreeing: tuple[K, ...]
    differing: tuple[K, ...]


def majority(count: int) -> int:
    """Return the least number that is more than half."""
    return count // 2 + 1


def agreed(answers: Mapping[K, V], quorum: int) -> Agreement[K, V] | None:
    """Return the answer that a quorum gave; None when none has so many, or two have equally many."""
    ranked = Counter(answers.values()).most_common(2)
    if not ranked or ranked[0][1] < quorum or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return None
    return _split(answers, ranked[0][0])


def usual(answers: Mapping[K, V]) -> Agreement[K, V]:
    """Return the answer that most gave, among equals the first one given: for what may differ between good nodes.

    Raises:
        ValueError: There is no answer.
    """
    if not answers:
        raise ValueError("nobody answered")
    return _split(answers, Counter(answers.values()).most_common(1)[0][0])


def common_height(heights: Collection[int], quorum: int) -> int | None:
    """Return the highest block that a quorum of nodes has reached; None when fewer answered."""
    return sorted(heights, reverse=True)[quorum - 1] if len(heights) >= quorum else None


def left_behind(heights: Collection[int], listed: int, quorum: int) -> bool:
    """Whether the quorum's height is one that the chain has long left, by the word of at least one node that errs not.

    As when two of four nodes begin anew: what a quorum of three has then is the chain's beginning.
    """
    reached, sure = common_height(heights, quorum), common_height(heights, listed - quorum + 1)
    return reached is not None and sure is not None and reached < sure - LAG


def faults_of(heights: Mapping[K, int], number: int, differing: Collection[K]) -> Mapping[K, Fault | None]:
    """Return what is wrong with each node's chain, given the block agreed on and who has another one in its place."""
    return {
        node: Fault.FORKED if node in differing else Fault.BEHIND if height < number else None
        for node, height in heights.items()
    }


def _split(answers: Mapping[K, V], value: V) -> Agreement[K, V]:
    agreeing = tuple(node for node, answer in answers.items() if answer == value)
    return Agreement(value, agreeing, tuple(node for node in answers if node not in agreeing))
