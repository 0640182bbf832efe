"""The connections between validators: cut and mended at will, as a fault of the network between institutions would."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import combinations
from types import MappingProxyType

from chainsvc.devnet.consortium.dialing import Dial, Link, plan
from chainsvc.devnet.consortium.folder import Consortium, Validator
from chainsvc.errors import NodeUnavailable

_PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.1
_AGAIN_SECONDS = 5.0  # what is not connected by then is asked for again
_NOTHING: Mapping[Link, int] = MappingProxyType({})


def peers(consortium: Consortium, validator: Validator) -> frozenset[int]:
    """Return the numbers of the validators that one is connected to.

    Raises:
        NodeUnavailable: It does not answer.
    """
    return frozenset(_dialed_by(consortium, validator))


def part(consortium: Consortium, *groups: Collection[int]) -> Mapping[Link, int]:
    """Cut every link between validators of different groups, given by number; return when none is left.

    A validator that is started again meanwhile connects to all others again.

    Returns:
        Who had dialed each link that was there: :func:`mend` lets the other end begin.

    Raises:
        NodeUnavailable: A validator does not answer, or a link stays.
    """
    group_of = {number: index for index, group in enumerate(groups) for number in group}
    links = [(one, other) for one, other in _links(consortium) if group_of[one] != group_of[other]]
    dialed = {(min(dial), max(dial)): dial[0] for dial in _there(consortium)}
    _cut(consortium, links)

    def parted() -> bool:
        left = [link for link in links if any(_ends(consortium, *link))]
        _cut(consortium, left)  # a connection that was being made when it was cut comes up all the same
        return not left

    _wait(parted, "a link that was cut is still there")
    return dialed


def mend(
    consortium: Consortium, dialed: Mapping[Link, int] = _NOTHING, enough: Callable[[], bool] = lambda: False
) -> None:
    """Connect all validators that run to each other again, and return when they are.

    Args:
        consortium: Which.
        dialed: Who dialed the links that :func:`part` cut.
        enough: Asked while links are missing; True returns at once.

    Raises:
        NodeUnavailable: A validator does not answer, or a link is not there in time.
    """
    _mend(consortium, _links(consortium), dialed, enough)


def join(consortium: Consortium, number: int) -> None:
    """Connect one validator to all others that run, and return when it is.

    Where others have to let go of each other for it, they are connected again; what is cut between them stays so.

    Raises:
        NodeUnavailable: A validator does not answer, or a link is not there in time.
    """
    there = {(min(dial), max(dial)) for dial in _there(consortium)}
    _mend(consortium, [link for link in _links(consortium) if number in link or link in there])


def _mend(
    consortium: Consortium,
    links: Sequence[Link],
    dialed: Mapping[Link, int] = _NOTHING,
    enough: Callable[[], bool] = lambda: False,
) -> None:
    asked, tries = 0.0, 0

    def mended() -> bool:
        nonlocal asked, tries
        apart = [link for link in links if not all(_ends(consortium, *link))]
        if apart and time.monotonic() > asked + _AGAIN_SECONDS:
            _connect(consortium, apart, dialed, tries)
            asked, tries = time.monotonic(), tries + 1
        return not apart or enough()

    _wait(mended, "a link is not there again")


def _connect(consortium: Consortium, apart: Sequence[Link], dialed: Mapping[Link, int], tries: int) -> None:
    planned = plan(apart, _there(consortium), dialed, half=len(consortium.validators) // 2, tries=tries)
    _cut(consortium, planned.cuts)
    for dialer, dialed_one in planned.dials:
        here, there = _one(consortium, dialer), _one(consortium, dialed_one)
        here.call("admin_removePeer", there.enode)  # what geth holds as static already it would not add
        here.call("admin_addPeer", there.enode)


def _cut(consortium: Consortium, links: Sequence[Link]) -> None:
    for one, other in links:
        here, there = _one(consortium, one), _one(consortium, other)
        here.call("admin_removePeer", there.enode)
        there.call("admin_removePeer", here.enode)


def _there(consortium: Consortium) -> list[Dial]:
    """Return every link that is there, by who dialed it."""
    up = [one for one in consortium.validators if one.process.alive]
    return [
        (dialer, one.number) for one in up for dialer in _dialed_by(consortium, one).values() if dialer != one.number
    ]


def _dialed_by(consortium: Consortium, one: Validator) -> dict[int, int]:
    """Return who dialed each of a validator's links, by the number of the peer."""
    number_of = {other.node_id: other.number for other in consortium.others(one)}
    found = {}
    for peer in one.call("admin_peers"):
        number = number_of.get(peer["enode"].removeprefix("enode://").partition("@")[0])
        if number is not None:
            found[number] = number if peer["network"]["inbound"] else one.number
    return found


def _links(consortium: Consortium) -> list[Link]:
    """Return every link between validators that run."""
    return list(combinations([one.number for one in consortium.validators if one.process.alive], 2))


def _ends(consortium: Consortium, one: int, other: int) -> tuple[bool, bool]:
    """Tell for each end of a link whether it has it."""
    return other in peers(consortium, _one(consortium, one)), one in peers(consortium, _one(consortium, other))


def _one(consortium: Consortium, number: int) -> Validator:
    return consortium.validators[number - 1]


def _wait(done: Callable[[], bool], told: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise NodeUnavailable(f"{told} after {_PATIENCE_SECONDS:.0f} s", where="the devnet's validators")
        time.sleep(_POLL_SECONDS)
