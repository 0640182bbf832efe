"""Who dials whom, so that every link between validators can come up; pure.

Two rules of geth make that a question: it dials the same peer again after 35 s at the earliest, and none while it has
dialed as many of those that it is connected to as ``--maxpeers`` says, which is half of all validators. What others
dialed does not count. So two validators that have each dialed their half are never connected, unless one of them lets
another one dial.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Link: TypeAlias = tuple[int, int]
"""Two validators by number, the lower first."""

Dial: TypeAlias = tuple[int, int]
"""Two validators by number: who dials, and whom."""


@dataclass(slots=True)
class Plan:
    """What to do.

    Attributes:
        cuts: Links to cut first.
        dials: Who has to dial whom then.
    """

    cuts: list[Link] = field(default_factory=list)
    dials: list[Dial] = field(default_factory=list)


def plan(apart: Sequence[Link], there: Collection[Dial], last: Mapping[Link, int], *, half: int, tries: int) -> Plan:
    """Say how missing links come up.

    Args:
        apart: What is missing.
        there: The links that are there.
        last: Who dialed last, where that is known: the other end begins.
        half: How many a validator may have dialed of those that it is connected to.
        tries: How often it was tried before: the ends take turns.
    """
    made = Plan()
    free = Counter({number: half for link in (*apart, *there) for number in link})
    free.subtract(dialer for dialer, _ in there)
    for link in apart:
        first, second = _by_turns(link, last, half, tries)
        if free[first] <= 0 < free[second]:
            first, second = second, first
        if free[first] <= 0:
            _let_another_dial(made, first, there, free)
        made.dials.append((first, second))
        free[first] -= 1
    return made


def _by_turns(link: Link, last: Mapping[Link, int], half: int, tries: int) -> Dial:
    """In a circle each one begins to dial the half of all that follows it."""
    one, other = link
    began = last.get(link, one if other - one > half else other)
    return (other, one) if (began == one) != bool(tries % 2) else (one, other)


def _let_another_dial(made: Plan, full: int, there: Collection[Dial], free: Counter[int]) -> None:
    for dialer, other in there:
        if dialer == full and free[other] > 0:
            made.cuts.append((min(full, other), max(full, other)))
            made.dials.append((other, full))
            free[other] -= 1
            free[full] += 1
            return
