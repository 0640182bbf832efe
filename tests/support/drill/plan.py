"""Which faults strike, when, and for how long: drawn from a seed, so that the same seed gives the same plan."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SERVICE_FAULTS = ("kill", "kill child", "pause", "stop", "clock")
DATABASE_FAULTS = ("kill", "pause", "stop", "kill child", "fill disk")
NODE_FAULTS = ("kill", "kill child", "pause", "stop", "roll back", "roll back", "clock")
LINK_FAULTS = ("refuse", "reset", "delay", "stall", "cut")


@dataclass(frozen=True)
class Strike:
    """One fault.

    Attributes:
        fault: What happens.
        target: To which part or link.
        at_s: When, in seconds from the beginning of the round.
        for_s: How long.
        draw: A number from 0 to 1 for whatever the fault has to choose.
    """

    fault: str
    target: str
    at_s: float
    for_s: float
    draw: float

    def __str__(self) -> str:
        return f"{self.fault} {self.target} at {self.at_s:.2f} s for {self.for_s:.2f} s"


def deck_of(services: Sequence[str], links: Sequence[str], without: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Return every fault of every part once, but those that this machine can't bring about."""
    targets = [(fault, service) for service in services for fault in SERVICE_FAULTS]
    targets += [(fault, "database") for fault in DATABASE_FAULTS]
    targets += [(fault, "node") for fault in NODE_FAULTS]
    targets += [(fault, link) for link in links for fault in LINK_FAULTS]
    return [card for card in targets if card[0] not in without]


def plan(seed: str, deck: Sequence[tuple[str, str]], *, a_round: int, load_s: float) -> Iterator[list[Strike]]:
    """Yield rounds without end: a shuffled deck is dealt out, so that every fault has its turn, then shuffled anew.

    Faults of other kinds come before those of replicas, so that few rounds have all kinds.
    """
    draw = random.Random(seed)
    cards: list[tuple[str, str]] = []
    while True:
        while len(cards) < a_round:
            cards += _kinds_first(draw.sample(deck, len(deck)))
        dealt, cards = cards[:a_round], cards[a_round:]
        yield [
            Strike(fault, target, draw.uniform(0.1, 0.7 * load_s), draw.uniform(0.1, 0.9 * load_s), draw.random())
            for fault, target in dealt
        ]


def _kinds_first(cards: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    firsts: dict[tuple[str, str], int] = {}
    for place, (fault, target) in enumerate(cards):
        firsts.setdefault((fault, kind_of(target)), place)
    rest = [card for place, card in enumerate(cards) if place not in firsts.values()]
    return [cards[place] for place in firsts.values()] + rest


def kind_of(target: str) -> str:
    """Return a part's or a link's name without the numbers of replicas."""
    return "".join(letter for letter in target if not letter.isdigit())
