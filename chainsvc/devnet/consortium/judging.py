"""Is the network moving, and if not, why? Judged from what the validators answer; pure.

What was seen of networks that stand still, in the order in which it is told:

- *silent*: no validator answers;
- *too few*: fewer answer than must seal in turn; no error anywhere, the head grows old;
- *parted*: enough answer, but they are not all connected, and no part of them is large enough alone;
- *deadlocked*: all are connected, and the two heaviest chains weigh the same. A validator asks only heavier peers for
  blocks, so that nobody ever learns the other chain, and those who might seal next are each on the other one. It never
  ends by itself: one side has to be set back to the block that both have (``curing``);
- *apart*: all are connected, on chains of different weight, and the lighter ones do not follow: a validator knows what
  a peer's chain weighs from the moment when they connected or the last block that it sent. The same cure helps;
- *stalled*: none of these; the logs tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from chainsvc.devnet.consortium.views import View

_LONGEST_WIGGLE_S = 1.5  # an out-of-turn sealer waits so long at most with four validators
_MISSED = 3  # blocks in a row that may be late


class Condition(StrEnum):
    """How a network is."""

    MOVING = "moving"
    SILENT = "silent"
    TOO_FEW = "too-few"
    PARTED = "parted"
    DEADLOCKED = "deadlocked"
    APART = "apart"
    STALLED = "stalled"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a watchdog tells.

    Attributes:
        condition: How the network is.
        head_age: Seconds since the newest block's time; None when no validator answers.
        height: Number of the newest block; None when no validator answers.
        answering: Numbers of the validators that answer, ascending.
        sides: Of a deadlock: the numbers of the validators on each of the equally heavy chains, the fewest first; of
            those apart: on each chain, the lightest first. The last side is the one that the others have to follow.
        text: All of it for people, with what to do.
    """

    condition: Condition
    head_age: float | None
    height: int | None
    answering: tuple[int, ...]
    sides: tuple[tuple[int, ...], ...]
    text: str

    @property
    def well(self) -> bool:
        """Whether there is nothing to do."""
        return self.condition is Condition.MOVING

    @property
    def is_curable(self) -> bool:
        """Whether it ends when the validators of all sides but the last are set back."""
        return len(self.sides) > 1


def patience(period: int) -> float:
    """Return the age in seconds from which on a head is too old, with blocks every ``period`` seconds."""
    return _MISSED * (period + _LONGEST_WIGGLE_S)


def needed(validators: int) -> int:
    """Return how many validators must seal in turn for the chain to go on: more than half."""
    return validators // 2 + 1


def judge(views: Mapping[int, View | None], period: int, now: float) -> Judgement:
    """Judge a network.

    Args:
        views: What every validator answers, by number; None of one that does not.
        period: Seconds between blocks.
        now: Unix seconds.
    """
    seen = [view for view in views.values() if view is not None]
    answering = tuple(sorted(view.validator for view in seen))
    if not seen:
        hint = "no validator answers: start them (chainsvc devnet up)"
        return Judgement(Condition.SILENT, None, None, (), (), hint)
    newest = max(seen, key=lambda view: view.head_time)
    height, age = max(view.height for view in seen), max(0.0, now - newest.head_time)
    condition, sides = _condition(seen, len(views), old=age > patience(period))
    text = f"block {height}, {age:.0f} s old: {_words(condition, sides, len(seen), len(views))}"
    return Judgement(condition, age, height, answering, sides, text)


def _condition(seen: list[View], members: int, *, old: bool) -> tuple[Condition, tuple[tuple[int, ...], ...]]:
    if not old:
        return Condition.MOVING, ()
    if len(seen) < needed(members):
        return Condition.TOO_FEW, ()
    if any(view.peers < len(seen) - 1 for view in seen):
        return Condition.PARTED, ()
    heaviest = max(view.total_difficulty for view in seen)
    sides = _sides([view for view in seen if view.total_difficulty == heaviest])
    if len(sides) > 1:
        return Condition.DEADLOCKED, sides
    sides = _sides(seen)
    return (Condition.APART, sides) if len(sides) > 1 else (Condition.STALLED, ())


def _sides(seen: list[View]) -> tuple[tuple[int, ...], ...]:
    """Return who stands on each chain, the lightest first, of equally heavy ones the fewest."""
    sides: dict[tuple[int, bytes], list[int]] = {}
    for view in seen:
        sides.setdefault((view.total_difficulty, view.hash), []).append(view.validator)
    order = sorted(sides, key=lambda chain: (chain[0], len(sides[chain]), sorted(sides[chain])))
    return tuple(tuple(sorted(sides[chain])) for chain in order)


def _words(condition: Condition, sides: tuple[tuple[int, ...], ...], answering: int, members: int) -> str:
    if condition is Condition.DEADLOCKED:
        return (
            f"deadlocked for good: validators {_parts(sides)} stand on equally heavy chains. "
            "Set one side back to the block that both have: chainsvc devnet cure"
        )
    if condition is Condition.APART:
        return (
            f"stands still: validators {_parts(sides)} are connected, and the lighter chains do not follow the last. "
            "Set them back to the block that both have: chainsvc devnet cure"
        )
    return {
        Condition.MOVING: f"moving, {answering} of {members} validators answer",
        Condition.TOO_FEW: f"stands still: {answering} of {members} validators answer, {needed(members)} must seal",
        Condition.PARTED: "stands still: the validators are not all connected; mend the links between them "
        "(those of a devnet: chainsvc devnet up)",
        Condition.STALLED: "stands still, and it is not seen why: look into the validators' logs",
    }[condition]


def _parts(sides: tuple[tuple[int, ...], ...]) -> str:
    return " and ".join(" ".join(map(str, side)) for side in sides)
