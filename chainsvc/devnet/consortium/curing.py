"""The cure of a deadlock: the validators of one side are set back to the block that both chains have.

They stop sealing meanwhile, or they might seal the same blocks again before they learn the others, and the deadlock
would be back. Their links to the others are made anew, since geth compares chains only when a peer comes or tells of a
block. They then follow the other side's chain, which is heavier by that. The blocks that they drop were sealed after
the last block that could be final. Nothing else than a deadlock may be treated so.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chainsvc.devnet.consortium.folder import Consortium, Validator
from chainsvc.devnet.consortium.judging import Condition, Judgement
from chainsvc.devnet.consortium.links import mend, part
from chainsvc.devnet.consortium.views import block
from chainsvc.errors import Conflict, NodeUnavailable

_PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.2


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
        NodeUnavailable: A validator does not answer, or does not follow the other side in time.
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
    _set_back(consortium, back, height, stay[0])
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


def _set_back(consortium: Consortium, back: Sequence[Validator], height: int, stay: Validator) -> None:
    numbers = {one.number for one in back}
    wanted = block(stay, "latest")
    for one in back:
        one.call("miner_stop")
    try:
        for one in back:
            one.call("debug_setHead", hex(height))
        part(consortium, numbers, {one.number for one in consortium.validators} - numbers)
        mend(consortium)
        _wait_followed(back, wanted)
    finally:
        for one in back:
            one.call("miner_start")


def _wait_followed(back: Sequence[Validator], wanted: Mapping[str, str]) -> None:
    """Wait until all have the other chain."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while any((block(one, wanted["number"]) or {}).get("hash") != wanted["hash"] for one in back):
        if time.monotonic() > deadline:
            raise NodeUnavailable(
                "the validators that were set back do not follow the others",
                expected=f"block {wanted['hash']} within {_PATIENCE_SECONDS:.0f} s",
                where=", ".join(one.name for one in back),
                hint="Are they connected? 'chainsvc devnet status' shows peers.",
            )
        time.sleep(_POLL_SECONDS)
