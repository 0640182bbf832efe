"""Ports for parts that start slowly, or die and come back: nobody else takes them meanwhile.

They lie outside the range from which the kernel takes ports for connections (32768 and above), and outside the
devnet's own (15000 to 30000). Inside the kernel's range a connection to a port on which nobody listens now may get that
same port as its own, and then is connected to itself: it takes whatever is sent, answers with the same, and keeps the
port from its owner. Tests that run in several processes have no port in common: each process takes every n-th.
"""

import itertools
import os
import socket

_FIRST, _LAST = 10_000, 15_000
_processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_own = range(_FIRST + _process, _LAST, _processes)
_numbers = itertools.count(os.getpid() * 7)


def lasting_port() -> int:
    """Return a loopback port on which nobody listens now, and to which no connection can come by chance."""
    for _ in _own:
        port = _own[next(_numbers) % len(_own)]
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("no free port")
