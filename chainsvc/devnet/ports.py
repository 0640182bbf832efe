"""Loopback ports that nobody else has."""

import random
import socket
import time

from chainsvc.devnet.rpc import HOST
from chainsvc.errors import ConfigurationRefused

_FIRST_LASTING, _LAST_LASTING = 15_000, 30_000  # Linux hands out 32768 and above, others 49152 and above
_LASTING_TRIES = 10_000
_PATIENCE_SECONDS = 2.0  # the last threads of a killed node hold its port when its process is gone already


def is_free(port: int) -> bool:
    """Whether nothing listens on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as a server does: TIME_WAIT is free
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a loopback port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def becomes_free(port: int) -> bool:
    """Whether a port is free now, or as soon as a program that was just ended has let it go."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def lasting_ports(count: int) -> tuple[int, ...]:
    """Return free ports outside the range from which kernels take the ports of outgoing connections.

    A validator that dies and comes back finds its ports as it left them, whatever was connected meanwhile.

    Raises:
        ConfigurationRefused: So many are not free.
    """
    found: set[int] = set()
    for _ in range(_LASTING_TRIES):
        port = random.randint(_FIRST_LASTING, _LAST_LASTING)  # noqa: S311 - spread, not secret
        if port not in found and is_free(port):
            found.add(port)
        if len(found) == count:
            return tuple(sorted(found))
    raise ConfigurationRefused("too few free ports", expected=count, got=len(found), where=f"{HOST}")
