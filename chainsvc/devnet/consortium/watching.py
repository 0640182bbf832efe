"""One look at a whole consortium: what every validator has, who sealed, and how the network is."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from chainsvc.devnet.consortium.folder import Consortium
from chainsvc.devnet.consortium.judging import Judgement, judge
from chainsvc.devnet.consortium.views import View, sealed, views
from chainsvc.errors import NodeUnavailable

BLOCKS = 40
"""How many of the newest blocks are counted, unless told otherwise: ten turns of four validators."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen.

    Attributes:
        views: Of every validator, by number; None of one that does not answer.
        sealed: How many of the counted blocks each validator sealed, by number.
        blocks: How many blocks were counted.
        judgement: How the network is.
    """

    views: Mapping[int, View | None]
    sealed: Mapping[int, int]
    blocks: int
    judgement: Judgement


def look(consortium: Consortium, blocks: int = BLOCKS) -> Sight:
    """Ask every validator, count who sealed the newest ``blocks`` on the heaviest chain, and judge."""
    found = views(consortium)
    judgement = judge(found, consortium.period, time.time())
    counted = _sealed(consortium, found, blocks)
    return Sight(found, counted, sum(counted.values()), judgement)


def _sealed(consortium: Consortium, found: Mapping[int, View | None], blocks: int) -> Mapping[int, int]:
    seen = [view for view in found.values() if view is not None]
    if not seen:
        return {one.number: 0 for one in consortium.validators}
    heaviest = max(seen, key=lambda view: view.total_difficulty).validator
    try:
        by_account = sealed(consortium.validators[heaviest - 1], blocks)
    except NodeUnavailable:  # it ended meanwhile
        by_account = {}
    return {one.number: by_account.get(one.address, 0) for one in consortium.validators}
