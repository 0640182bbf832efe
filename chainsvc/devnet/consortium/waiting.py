"""Waiting for the chain to move, and for a validator to move with it; what would stay for ever is cured meanwhile.

Whoever starts validators holds the folder's lock while waiting, so that no watchdog can cure it for them.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from chainsvc.devnet.consortium.curing import cure
from chainsvc.devnet.consortium.folder import Consortium, Validator
from chainsvc.devnet.consortium.judging import Judgement, judge, patience
from chainsvc.devnet.consortium.views import View, heads, views
from chainsvc.errors import NodeUnavailable

_PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.1
_MOST_CURES = 5
_HINT = "'chainsvc devnet watch' tells why."

_Seen = Mapping[int, View | None]


def wait_moving(consortium: Consortium) -> None:
    """Wait until every validator that answers has a block above all that were there when asked first.

    Raises:
        NodeUnavailable: None answers, or the lowest gets no further.
    """
    wanted = 1 + max((view.height for view in views(consortium).values() if view is not None), default=0)
    if stood := _wait_reached(consortium, _lowest, wanted):
        raise NodeUnavailable(
            "the devnet's chain does not go on",
            expected=f"a block {wanted} on each validator",
            got=stood.text,
            where=str(consortium.folder / "logs"),
            hint=_HINT,
        )


def wait_in_step(consortium: Consortium, validator: Validator) -> None:
    """Wait until a validator's chain weighs as much as every other's did when asked first.

    Before that the others do without it: stop one more of them, and too few may be left to seal. However much it has
    to catch up with is waited for, as long as it goes on.

    Raises:
        NodeUnavailable: It does not answer, or gets no further.
    """

    def weight(seen: _Seen) -> int:
        return _weight(seen[validator.number])

    others = [view for number, view in views(consortium).items() if number != validator.number]
    wanted = max(map(_weight, others), default=-1)
    if stood := _wait_reached(consortium, weight, wanted):
        raise NodeUnavailable(
            f"{validator.name} runs, but does not follow the others",
            expected=f"a chain of total difficulty {wanted}",
            got=stood.text,
            where=str(validator.log),
            hint=_HINT,
        )


def _wait_reached(consortium: Consortium, measure: Callable[[_Seen], int], wanted: int) -> Judgement | None:
    """Wait until something is as high as wanted; return how the network is when that gets no higher for too long.

    What could be cured is left alone as long as heads change: one might still be learning the other's chain.
    """
    reached, growth, stillness, cures = -1, _Unchanged(), _Unchanged(), 0
    while (got := measure(seen := views(consortium))) < wanted:
        reached = max(reached, got)
        judgement = judge(seen, consortium.period, time.time())
        stood = stillness.seconds(heads(seen))
        if growth.seconds(reached) > _PATIENCE_SECONDS:
            return judgement
        if judgement.is_curable and stood > patience(consortium.period) and cures < _MOST_CURES:
            with suppress(NodeUnavailable):  # the next look tells how it is then
                cure(consortium, judgement)
            reached, growth, cures = -1, _Unchanged(), cures + 1
        time.sleep(_POLL_SECONDS)
    return None


def _lowest(seen: _Seen) -> int:
    return min((view.height for view in seen.values() if view is not None), default=-1)


def _weight(view: View | None) -> int:
    return -1 if view is None else view.total_difficulty


class _Unchanged:
    """How long a value has been the same."""

    def __init__(self) -> None:
        self._value: object = None
        self._since = 0.0

    def seconds(self, value: object) -> float:
        now = time.monotonic()
        if value != self._value:
            self._value, self._since = value, now
        return now - self._since
