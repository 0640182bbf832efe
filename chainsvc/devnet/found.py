"""What a devnet's folder holds, whichever engine runs there."""

import contextlib
import fcntl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chainsvc.errors import ConfigurationRefused, Conflict

CHAIN_ID = 20260
"""Chain id of a devnet unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Member:
    """One validator of a devnet.

    Attributes:
        number: From 1 on, as in its folder's name.
        address: The account that seals, 20 bytes; None where its keys are forgotten.
        url: Where its JSON-RPC answers while it runs.
        pid: Process number, None when it does not run.
    """

    number: int
    address: bytes | None
    url: str
    pid: int | None

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self.pid is not None


@dataclass(frozen=True, slots=True)
class Devnet:
    """What runs in a devnet's folder.

    Attributes:
        home: The folder.
        engine: Name of the engine, as descriptors have it.
        url: Where JSON-RPC answers while it runs; of several validators the first one that runs.
        chain_id: EIP-155 chain id.
        pid: Process number of that node, None when it does not run.
        keeper_pid: Process number of anvil's keeper, None when there is none.
        validators: Ascending by number; empty where one node mines alone.
    """

    home: Path
    engine: str
    url: str
    chain_id: int
    pid: int | None
    keeper_pid: int | None
    validators: tuple[Member, ...] = ()

    @property
    def running(self) -> bool:
        """Whether every process of it runs."""
        if self.validators:
            return all(member.running for member in self.validators)
        return self.pid is not None and self.keeper_pid is not None

    @property
    def urls(self) -> tuple[str, ...]:
        """Addresses of all nodes, of those too that do not run."""
        return tuple(member.url for member in self.validators) or (self.url,)


@contextlib.contextmanager
def alone(home: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the folder's lock: two programs must not start the same devnet twice.

    Raises:
        Conflict: Another one holds it, and that was not to be waited for.
    """
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict("another command is at work on the devnet", where=str(home)) from error
        yield


def check_chain_id(kept: int, wanted: int | None) -> None:
    """Refuse another chain id than the kept one.

    Raises:
        ConfigurationRefused: They differ.
    """
    if wanted not in (None, kept):
        raise ConfigurationRefused(
            "the chain in this folder has another chain id",
            expected=wanted,
            got=kept,
            hint="Use another folder, or the kept chain id.",
        )
