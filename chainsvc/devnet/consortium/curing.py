"""The cure of a deadlock: the validators of one side are set back to the block that both chains have.

They then follow the other side's chain, which is heavier by that. The blocks that they drop were sealed after the last
block that could be final. Nothing else than a deadlock may be treated so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chainsvc.devnet.consortium.folder import Consortium, Validator
from chainsvc.devnet.consortium.judging import Condition, Judgement
from chainsvc.devnet.consortium.views import block
from chainsvc.errors import Conflict


@dataclass(frozen=True, slots=True)
class Cure:
    """What was done.

    Attributes:
        validators: Who was set back, by number.
        height: Number of the block that both chains have.
    """

    validators: tuple[int, ...]
    height: int


def cure(consortium: Consortium, judgement: Judgement) -> Cure:
    """Set the smaller side of a deadlock back to the block that both chains have.

    Raises:
        Conflict: The network is not deadlocked.
        NodeUnavailable: A validator of that side does not answer.
    """
    if judgement.condition is not Condition.DEADLOCKED:
        raise Conflict(
            "only a deadlock is cured by setting validators back",
            expected="validators on equally heavy chains that stand still",
            got=judgement.text,
        )
    by_number = {one.number: one for one in consortium.validators}
    back, stay = (tuple(by_number[number] for number in side) for side in judgement.sides[:2])
    height = _last_common(back[0], stay[0])
    _set_back(back, height)
    return Cure(tuple(one.number for one in back), height)


def _last_common(one: Validator, other: Validator) -> int:
    found = block(one, "latest")
    while block(other, found["hash"]) is None or _is_aside(other, found):
        found = block(one, found["parentHash"])
    return int(found["number"], 16)


def _is_aside(validator: Validator, found: dict[str, str]) -> bool:
    """Whether the validator knows the block, but not as one of its chain."""
    mine = block(validator, found["number"])
    return mine is None or mine["hash"] != found["hash"]


def _set_back(validators: Sequence[Validator], height: int) -> None:
    for one in validators:
        one.call("debug_setHead", hex(height))
