"""The consortium: several validators of go-ethereum 1.13 that seal in turn (clique), each a process of its own.

The stand-in for a permissioned network whose validators belong to different institutions: kill some, part them, and it
behaves as the real one would. With N validators more than N/2 must seal for the chain to go on.

Each validator keeps every state and is found by its process number with its start time, so that a stranger
who got the number later is never touched. Everything lies in one folder (``folder``).
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from chainsvc.devnet.consortium import curing, funding, genesis, links, process, tending
from chainsvc.devnet.consortium.curing import Cure
from chainsvc.devnet.consortium.folder import Consortium, Validator
from chainsvc.devnet.consortium.geth import find_geth
from chainsvc.devnet.consortium.waiting import wait_in_step, wait_moving
from chainsvc.devnet.consortium.watching import look_twice
from chainsvc.devnet.found import CHAIN_ID, Devnet, Member, alone, check_chain_id
from chainsvc.devnet.ports import lasting_ports
from chainsvc.errors import ConfigurationRefused, NodeUnavailable, NotFound

ENGINE = "clique"
"""Name of the engine, as descriptors have it."""

VALIDATORS = 4
"""How many there are unless told otherwise: the fewest of which one may fail or cheat."""

PERIOD_SECONDS = 1
"""Between blocks."""

_LARGEST = 16
_PORTS = 3  # of a validator: JSON-RPC, peers, engine API


def up(home: Path, *, validators: int | None = None, chain_id: int | None = None, port: int | None = None) -> Devnet:
    """Start the validators of ``home`` that do not run, connect all, and return once the chain goes on.

    Where they ended in the middle of things and would now stand still for ever, that is cured (``curing``).

    Args:
        home: Their folder; made when missing.
        validators: How many; the kept number, or 4.
        chain_id: 20260 for a new consortium, or the kept one.
        port: Loopback port of the first one's JSON-RPC; the kept one, or a free one.

    Raises:
        ConfigurationRefused: No geth, another number or chain id than the kept one, or a port is taken.
        NodeUnavailable: A validator ended at once, did not answer, or the chain does not go on.
    """
    geth = find_geth()
    home.mkdir(parents=True, exist_ok=True)
    with alone(home):
        consortium = _settled(home, validators, chain_id, port)
        if not consortium.genesis.exists():
            genesis.found(consortium, geth)
        _set_going(consortium, geth)
    return _known(consortium)


def down(home: Path) -> None:
    """Stop all validators of ``home``; nothing happens when none runs."""
    if Consortium.exists(home):
        with alone(home):
            _stop_all(Consortium.read(home))


def reset(home: Path) -> None:
    """Stop all validators of ``home`` and forget keys and chain; number, ports and chain id stay."""
    if Consortium.exists(home):
        with alone(home):
            consortium = Consortium.read(home)
            _stop_all(consortium)
            genesis.forget(consortium)


def status(home: Path) -> Devnet | None:
    """Return what runs in ``home``; None when no consortium was ever started there."""
    if not Consortium.exists(home):
        return None
    return _known(Consortium.read(home))


def fund(devnet: Devnet, addresses: Sequence[bytes], wei: int) -> None:
    """Send each 20-byte address so many wei, and return when all are mined.

    Raises:
        NodeUnavailable: No validator answers, or nothing is sealed.
    """
    with tended(devnet.home):
        funding.fund(Consortium.read(devnet.home), addresses, wei)


def start_validator(home: Path, number: int) -> None:
    """Start one validator unless it runs, and return once it is connected and has what the others had.

    So that one after the other may be stopped and started while the chain goes on. A deadlock is cured meanwhile.

    Raises:
        NotFound: No such validator.
        ConfigurationRefused: No geth, or a port is taken.
        NodeUnavailable: It ended at once, one that runs does not answer, or it does not follow the others.
    """
    geth = find_geth()
    with alone(home):
        consortium, one = _one(home, number)
        process.start(consortium, one, geth)
        process.wait_answering(one)
        links.join(consortium, number)
        wait_in_step(consortium, one)


def cure(home: Path, *, wait: bool = True) -> Cure:
    """Set validators back that stand on another chain than the rest and would stay there for ever; connect all again.

    Raises:
        ConfigurationRefused: There is no consortium in ``home``.
        Conflict: They are of one mind, or on the way to it; or another command is at work, which ``wait`` waits for.
        NodeUnavailable: A validator does not answer, or does not follow in time.
    """
    consortium = kept(home)
    with alone(home, wait=wait):
        return curing.cure(consortium, look_twice(consortium))


@contextmanager
def tended(home: Path) -> Iterator[None]:
    """Call :func:`cure` while the block runs, whenever that is all that helps.

    Raises:
        ConfigurationRefused: There is no consortium in ``home``.
    """
    with tending.tended(kept(home), lambda: cure(home, wait=False)):
        yield


def kept(home: Path) -> Consortium:
    """Return the consortium of ``home``, whether it runs or not.

    Raises:
        ConfigurationRefused: There is none.
    """
    if not Consortium.exists(home):
        hint = "chainsvc devnet up --engine clique"
        raise ConfigurationRefused("there is no devnet of several validators here", where=str(home), hint=hint)
    return Consortium.read(home)


def stop_validator(home: Path, number: int) -> None:
    """Stop one validator in good order; nothing happens when it does not run.

    Raises:
        NotFound: No such validator.
    """
    with alone(home):
        process.stop(_one(home, number)[1])


def kill_validator(home: Path, number: int) -> None:
    """End one validator at once with SIGKILL.

    Raises:
        NotFound: No such validator.
    """
    with alone(home):
        process.kill(_one(home, number)[1])


def wipe_validator(home: Path, number: int) -> None:
    """Stop one validator and delete its chain and state; its keys stay. Its next start learns all from the others.

    Raises:
        NotFound: No such validator.
    """
    with alone(home):
        one = _one(home, number)[1]
        process.stop(one)
        genesis.wipe(one)


def _one(home: Path, number: int) -> tuple[Consortium, Validator]:
    if Consortium.exists(home):
        consortium = Consortium.read(home)
        for one in consortium.validators:
            if one.number == number:
                return consortium, one
        known = f"1 to {len(consortium.validators)}"
    else:
        known = "a devnet of several validators (chainsvc devnet up --engine clique)"
    raise NotFound("no such validator", expected=known, got=number, where=str(home))


def _set_going(consortium: Consortium, geth: Path) -> None:
    ran = [one for one in consortium.validators if one.process.alive]
    with ThreadPoolExecutor() as together:
        list(together.map(lambda one: process.start(consortium, one, geth), consortium.validators))
    for one in consortium.validators:
        process.wait_answering(one)
    for one in ran:
        one.call("miner_start")  # else one rests for ever whose cure was killed in the middle
    with suppress(NodeUnavailable):  # a link that stays away matters where the chain does not move for it
        links.mend(consortium)
    wait_moving(consortium)


def _known(consortium: Consortium) -> Devnet:
    members = tuple(_member(consortium, one) for one in consortium.validators)
    first = next((member for member in members if member.running), members[0])
    return Devnet(
        home=consortium.folder,
        engine=ENGINE,
        url=first.url,
        chain_id=consortium.chain_id,
        pid=first.pid,
        keeper_pid=None,
        validators=members,
    )


def _member(consortium: Consortium, one: Validator) -> Member:
    running = one.process
    address = one.address if consortium.genesis.exists() else None
    return Member(one.number, address, one.url, running.pid if running.alive else None)


def _settled(home: Path, validators: int | None, chain_id: int | None, port: int | None) -> Consortium:
    known = Consortium.read(home) if Consortium.exists(home) else _new(home, validators or VALIDATORS, chain_id)
    check_chain_id(known.chain_id, chain_id)
    if validators not in (None, len(known.validators)):
        raise ConfigurationRefused(
            "the devnet in this folder has another number of validators",
            expected=validators,
            got=len(known.validators),
            hint="Use another folder (CHAINSVC_HOME), or the kept number.",
        )
    if port is not None and port != known.validators[0].http:
        _stop_all(known)
        first, *others = ([one.http, one.p2p, one.engine_api] for one in known.validators)
        known = Consortium.make(home, known.chain_id, known.period, [[port, *first[1:]], *others])
    known.write()
    return known


def _new(home: Path, validators: int, chain_id: int | None) -> Consortium:
    if not 1 <= validators <= _LARGEST:
        raise ConfigurationRefused("so many validators can't be", expected=f"1 to {_LARGEST}", got=validators)
    ports = lasting_ports(_PORTS * validators)
    triples = [ports[at : at + _PORTS] for at in range(0, len(ports), _PORTS)]
    return Consortium.make(home, chain_id or CHAIN_ID, PERIOD_SECONDS, triples)


def _stop_all(consortium: Consortium) -> None:
    with ThreadPoolExecutor() as together:
        list(together.map(process.stop, consortium.validators))
