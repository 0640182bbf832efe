"""The connections between validators: cut and mended at will, as a fault of the network between institutions would."""

import time
from collections.abc import Callable, Collection, Sequence
from itertools import combinations

from chainsvc.devnet.consortium.folder import Consortium, Validator
from chainsvc.errors import NodeUnavailable

_PATIENCE_SECONDS = 120.0  # geth dials the same peer again after 35 s at the earliest
_POLL_SECONDS = 0.1
_AGAIN_SECONDS = 10.0  # what is not connected by then is asked for again


def peers(consortium: Consortium, validator: Validator) -> frozenset[int]:
    """Return the numbers of the validators that one is connected to.

    Raises:
        NodeUnavailable: It does not answer.
    """
    connected = {peer["enode"].removeprefix("enode://").partition("@")[0] for peer in validator.call("admin_peers")}
    return frozenset(one.number for one in consortium.validators if one.node_id in connected)


def part(consortium: Consortium, *groups: Collection[int]) -> None:
    """Cut every link between validators of different groups, given by number; return when none is left.

    A validator that is started again meanwhile connects to all others again.

    Raises:
        NodeUnavailable: A validator does not answer, or a link stays.
    """
    group_of = {number: index for index, group in enumerate(groups) for number in group}
    pairs = _pairs(consortium, lambda one, other: group_of[one.number] != group_of[other.number])
    _cut(pairs)

    def parted() -> bool:
        left = [pair for pair in pairs if any(_ends(consortium, *pair))]
        _cut(left)  # a connection that was being made when it was cut comes up all the same
        return not left

    _wait(parted, "a link that was cut is still there")


def mend(consortium: Consortium) -> None:
    """Connect all validators that run to each other again, and return when they are.

    Raises:
        NodeUnavailable: A validator does not answer, or a link is not there in time.
    """
    pairs = _pairs(consortium, lambda _one, _other: True)
    asked = 0.0

    def mended() -> bool:
        nonlocal asked
        apart = [pair for pair in pairs if not all(_ends(consortium, *pair))]
        if apart and time.monotonic() > asked + _AGAIN_SECONDS:
            asked = time.monotonic()
            _ask(apart)
        return not apart

    _wait(mended, "a link is not there again")


def _cut(linked: Sequence[tuple[Validator, Validator]]) -> None:
    for one, other in linked:
        one.call("admin_removePeer", other.enode)
        other.call("admin_removePeer", one.enode)


def _ask(apart: Sequence[tuple[Validator, Validator]]) -> None:
    for one, other in apart:
        for here, there in ((one, other), (other, one)):
            here.call("admin_removePeer", there.enode)  # what geth holds as static already it would not add
            here.call("admin_addPeer", there.enode)


def _pairs(consortium: Consortium, wanted: Callable[[Validator, Validator], bool]) -> list[tuple[Validator, Validator]]:
    up = [one for one in consortium.validators if one.process.alive]
    return [pair for pair in combinations(up, 2) if wanted(*pair)]


def _ends(consortium: Consortium, one: Validator, other: Validator) -> tuple[bool, bool]:
    """Tell for each end of a link whether it has it."""
    return other.number in peers(consortium, one), one.number in peers(consortium, other)


def _wait(done: Callable[[], bool], told: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise NodeUnavailable(f"{told} after {_PATIENCE_SECONDS:.0f} s", where="the devnet's validators")
        time.sleep(_POLL_SECONDS)
