"""The cure of validators on chains that do not join: all but one side are set back to the block that both have.

They stop sealing meanwhile, or they might seal the same blocks again before they learn the others, and the deadlock
would be back. All their links are made anew, also among themselves, and only after they were set back: geth compares
chains when a peer comes or tells of a block, and remembers what the peer's chain weighed then. One that still believes
in the old weight of another that was set back asks that one for blocks that it no longer has, and drops it for a lie.

They then follow the kept side's chain, which is heavier by that. The blocks that they drop were sealed after the last
block that could be final. Nothing else may be treated so.

Whatever comes between, in the end all seal again, and are connected as far as they answer: a cure that failed may be
tried again.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from chainsvc.devnet.consortium.folder import Consortium, Validator
from chainsvc.devnet.consortium.judging import Judgement
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
        height: Number of the newest block that all chains have.
    """

    validators: tuple[int, ...]
    height: int


def cure(consortium: Consortium, judgement: Judgement) -> Cure:
    """Set validators back so that they follow the heaviest chain; of a deadlock's, that of the most validators.

    A link that does not come up again is no failure: the chain goes on without it.

    Raises:
        Conflict: They are of one mind, or on the way to it.
        NodeUnavailable: A validator does not answer, or does not follow the kept side in time.
    """
    if not judgement.is_curable:
        raise Conflict(
            "only a deadlock is cured by setting validators back",
            expected="connected validators on different chains that stand still",
            got=judgement.text,
        )
    keep = set(judgement.sides[-1])
    back = tuple(one for one in consortium.validators if one.number in set(judgement.answering) - keep)
    stay = next(one for one in consortium.validators if one.number in keep)
    heights = [_last_common(one, stay) for one in back]
    _set_back(consortium, dict(zip(back, heights, strict=True)), stay)
    return Cure(tuple(one.number for one in back), min(heights))


def _last_common(one: Validator, other: Validator) -> int:
    found = block(one, "latest")
    while block(other, found["hash"]) is None or _is_aside(other, found):
        found = block(one, found["parentHash"])
    return int(found["number"], 16)


def _is_aside(validator: Validator, found: dict[str, str]) -> bool:
    """Whether the validator knows the block, but not as one of its chain."""
    mine = block(validator, found["number"])
    return mine is None or mine["hash"] != found["hash"]


def _set_back(consortium: Consortium, back: Mapping[Validator, int], stay: Validator) -> None:
    numbers = {one.number for one in back}
    wanted = block(stay, "latest")
    try:
        for one in back:
            one.call("miner_stop")
        apart = [[number] for number in numbers]
        dialed = part(consortium, {one.number for one in consortium.validators} - numbers, *apart)
        for one, height in back.items():
            one.call("debug_setHead", hex(height))
        mend(consortium, dialed, enough=lambda: _follow(back, wanted))
        _wait_followed(tuple(back), wanted)
    finally:
        _let_go_on(consortium, back)


def _let_go_on(consortium: Consortium, back: Iterable[Validator]) -> None:
    for one in back:
        with suppress(NodeUnavailable):
            one.call("miner_start")
    with suppress(NodeUnavailable):
        mend(consortium)


def _follow(back: Iterable[Validator], wanted: Mapping[str, str]) -> bool:
    """Whether all have the other chain."""
    return all((block(one, wanted["number"]) or {}).get("hash") == wanted["hash"] for one in back)


def _wait_followed(back: Sequence[Validator], wanted: Mapping[str, str]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not _follow(back, wanted):
        if time.monotonic() > deadline:
            raise NodeUnavailable(
                "the validators that were set back do not follow the others",
                expected=f"block {wanted['hash']} within {_PATIENCE_SECONDS:.0f} s",
                where=", ".join(one.name for one in back),
                hint="Are they connected? 'chainsvc devnet status' shows peers.",
            )
        time.sleep(_POLL_SECONDS)
