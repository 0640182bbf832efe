"""Devnets: real nodes on the loopback interface, each devnet in a folder of its own.

Two engines: ``anvil`` (``local``), one node that mines every transaction at once; and ``clique`` (``consortium``),
several validators of go-ethereum that seal in turn, as on a network of institutions. A folder holds one chain of one
engine, which the next ``up`` resumes.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chainsvc.devnet import consortium, local
from chainsvc.devnet.anvil import STATES_KEPT
from chainsvc.devnet.found import CHAIN_ID, Devnet, Member
from chainsvc.devnet.local import HEARTBEAT_SECONDS
from chainsvc.errors import ConfigurationRefused

__all__ = [
    "CHAIN_ID",
    "ENGINES",
    "PLENTY",
    "STATES_KEPT",
    "Devnet",
    "Member",
    "down",
    "fund",
    "reset",
    "status",
    "tended",
    "up",
]

ENGINES = (local.ENGINE, consortium.ENGINE)
"""Names of the engines that a devnet may run."""

PLENTY = 10**24
"""Wei that ``fund`` gives: enough gas for ever."""


def up(
    home: Path,
    *,
    engine: str | None = None,
    validators: int | None = None,
    chain_id: int | None = None,
    port: int | None = None,
    heartbeat: int = HEARTBEAT_SECONDS,
) -> Devnet:
    """Start the devnet of ``home``, or leave it when it runs, and return it once it answers.

    Args:
        home: Its folder; made when missing.
        engine: One of ``ENGINES``; the kept one, or anvil.
        validators: How many seal in turn, with clique; the kept number, or 4.
        chain_id: 20260 for a new devnet, or the kept one.
        port: Loopback port of the (first) node; the kept one, or a free one.
        heartbeat: Seconds after which an idle anvil mines an empty block; 0 is never.

    Raises:
        ConfigurationRefused: The node's program is missing, the folder holds another kind of chain, or a port is taken.
        NodeUnavailable: A node ended at once or did not answer; the message has its last words.
    """
    kept = status(home)
    wanted = engine or (kept.engine if kept else local.ENGINE)
    _check_engine(kept, wanted)
    if wanted == consortium.ENGINE:
        return consortium.up(home, validators=validators, chain_id=chain_id, port=port)
    if validators not in (None, 1):
        raise ConfigurationRefused(
            "anvil mines alone", expected="one validator", got=validators, hint="Use --engine clique."
        )
    return local.up(home, chain_id=chain_id, port=port, heartbeat=heartbeat)


def _check_engine(kept: Devnet | None, wanted: str) -> None:
    if wanted not in ENGINES:
        raise ConfigurationRefused("no devnet runs this engine", expected=" or ".join(ENGINES), got=wanted)
    if kept is not None and kept.engine != wanted:
        raise ConfigurationRefused(
            "the chain in this folder has another engine",
            expected=wanted,
            got=kept.engine,
            where=str(kept.home),
            hint="Use another folder (CHAINSVC_HOME), or the kept engine.",
        )


def down(home: Path) -> None:
    """Stop the devnet of ``home``, its chain kept; nothing happens when none runs."""
    local.down(home)
    consortium.down(home)


def reset(home: Path) -> None:
    """Stop the devnet of ``home`` and forget its chain; ports and chain id stay."""
    local.reset(home)
    consortium.reset(home)


@contextmanager
def tended(home: Path) -> Iterator[None]:
    """Cure what would let the validators of ``home`` stand still for ever, while the block runs; anvil needs none."""
    running = status(home)
    if running is not None and running.engine == consortium.ENGINE:
        with consortium.tended(home):
            yield
    else:
        yield


def status(home: Path) -> Devnet | None:
    """Return what runs in ``home``; None when no devnet was ever started there."""
    return local.status(home) or consortium.status(home)


def fund(devnet: Devnet, addresses: Sequence[bytes], wei: int = PLENTY) -> None:
    """Give each 20-byte address this balance, on top of what it has with clique, in a block of its own.

    Raises:
        NodeUnavailable: The devnet does not answer, or seals no block.
    """
    (consortium if devnet.engine == consortium.ENGINE else local).fund(devnet, addresses, wei)
