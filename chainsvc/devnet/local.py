"""One anvil on the loopback interface, its chain kept in a folder by a keeper.

A block is mined for every transaction at once, and an empty one on an idle chain every five minutes,
so that the head's time never lags far behind the clock. Kill anything at any moment: the next ``up``
goes on from the chain as it was, less at most the last half second. The next ``up`` after ``reset`` is another
network with another genesis block.
"""

import contextlib
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from chainsvc.devnet import state
from chainsvc.devnet.found import CHAIN_ID, Devnet, alone, check_chain_id
from chainsvc.devnet.home import Home
from chainsvc.devnet.ports import becomes_free, free_port
from chainsvc.devnet.rpc import HOST, call
from chainsvc.errors import ConfigurationRefused, NodeUnavailable

ENGINE = "anvil"
"""Name of the engine, as descriptors have it."""

HEARTBEAT_SECONDS = 300
"""Seconds after which an idle chain mines an empty block, unless told otherwise."""

_STOP_SECONDS = 30.0


def up(
    home: Path, *, chain_id: int | None = None, port: int | None = None, heartbeat: int = HEARTBEAT_SECONDS
) -> Devnet:
    """Start the devnet of ``home``, or leave it when it runs, and return it once it answers.

    Args:
        home: Its folder; made when missing.
        chain_id: 20260 for a new devnet, or the kept one.
        port: Loopback port; the kept one, or a free one.
        heartbeat: Seconds after which an idle chain mines an empty block; 0 is never.

    Raises:
        ConfigurationRefused: No anvil, another chain id than the kept one, or the port is taken.
        NodeUnavailable: anvil ended at once or did not answer; the message has its last words.
    """
    home.mkdir(parents=True, exist_ok=True)
    with alone(home):
        found = status(home)
        if found is None or not found.running or not _answers(home):
            _stop(home)
            _settle(home, chain_id, port, heartbeat)
            _start(home)
        running = _known(home)
    check_chain_id(running.chain_id, chain_id)
    return running


def _answers(home: Path) -> bool:
    try:
        call(Home.read(home).port, "eth_chainId")
    except NodeUnavailable:  # killed a moment ago, and not gone yet
        return False
    return True


def down(home: Path) -> None:
    """Save the chain and stop the devnet of ``home``; nothing happens when none runs."""
    if Home.exists(home):
        with alone(home):
            _stop(home)


def reset(home: Path) -> None:
    """Stop the devnet of ``home`` and forget its chain; port and chain id stay."""
    if Home.exists(home):
        with alone(home):
            _stop(home)
            state.forget(home)


def status(home: Path) -> Devnet | None:
    """Return what runs in ``home``; None when no anvil was ever started there."""
    return _known(home) if Home.exists(home) else None


def fund(devnet: Devnet, addresses: Sequence[bytes], wei: int) -> None:
    """Give each 20-byte address this balance, and mine a block so that the state root has it.

    Raises:
        NodeUnavailable: The devnet does not answer.
    """
    port = Home.read(devnet.home).port
    for address in addresses:
        call(port, "anvil_setBalance", f"0x{address.hex()}", hex(wei))
    call(port, "evm_mine")


def _known(home: Path) -> Devnet:
    kept = Home.read(home)
    keeper, anvil = kept.processes()
    return Devnet(
        home=home,
        engine=ENGINE,
        url=f"http://{HOST}:{kept.port}",
        chain_id=kept.chain_id,
        pid=anvil.pid if anvil.alive else None,
        keeper_pid=keeper.pid if keeper.alive else None,
    )


def _settle(home: Path, chain_id: int | None, port: int | None, heartbeat: int) -> None:
    kept = Home.read(home) if Home.exists(home) else None
    if kept is not None:
        check_chain_id(kept.chain_id, chain_id)
    wanted = port or (kept.port if kept else None)
    if wanted is not None and not becomes_free(wanted):
        raise ConfigurationRefused(
            "another program listens on the devnet's port",
            where=f"{HOST}:{wanted}",
            hint="Stop that program, or start the devnet with another port.",
        )
    born = kept.born if kept and state.exists(home) else _birth(kept)
    Home(home, wanted or free_port(), chain_id or (kept.chain_id if kept else CHAIN_ID), heartbeat, born).write()


def _birth(earlier: Home | None) -> int:
    """Return a genesis time that no earlier chain of the folder had, so that a reset gives another genesis block."""
    return max(int(time.time()), earlier.born + 1 if earlier else 0)


def _start(home: Path) -> None:
    line = [sys.executable, "-m", "chainsvc.devnet.keeper", str(home.resolve())]
    begun = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603
    if begun.returncode:
        _stop(home)
        words = (home / "anvil.log").read_text(errors="replace")[-500:] if (home / "anvil.log").exists() else ""
        raise NodeUnavailable(
            f"the local devnet did not start: {begun.stderr.strip()[-500:]}",
            got=words.strip() or None,
            where=str(home),
            hint="See anvil.log and keeper.log there.",
        )


def _stop(home: Path) -> None:
    if not Home.exists(home):
        return
    keeper, anvil = Home.read(home).processes()
    if anvil.alive and not keeper.alive:
        # the keeper was killed: save in its place what it has not saved
        with contextlib.suppress(NodeUnavailable):
            state.save(home, Home.read(home).port)
    keeper.stop(_STOP_SECONDS)
    anvil.stop(_STOP_SECONDS)
