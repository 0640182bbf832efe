"""One look at a whole consortium: what every validator has, who sealed, and how the network is."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from chainsvc.devnet.consortium.folder import Consortium
from chainsvc.devnet.consortium.judging import Judgement, judge, patience
from chainsvc.devnet.consortium.views import View, heads, sealed, views
from chainsvc.errors import Conflict, NodeUnavailable

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


def look_twice(consortium: Consortium) -> Judgement:
    """Judge by what stays: where something looks curable, heads have to stand still for :func:`patience` more.

    Else it is no deadlock: a machine may have slept, or one validator be learning another's chain.

    Raises:
        Conflict: A head changed meanwhile.
    """
    found = views(consortium)
    judgement = judge(found, consortium.period, time.time())
    if judgement.is_curable:
        time.sleep(patience(consortium.period))
        if heads(views(consortium)) != heads(found):
            hint = "Look again in a minute: chainsvc devnet watch."
            raise Conflict("the validators are on their way to one mind", got=judgement.text, hint=hint)
    return judgement


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
