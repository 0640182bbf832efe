"""Ports for parts that die and come back: outside the range from which the kernel takes ports for connections.

Inside that range a connection to a port on which nobody listens now may get that same port as its own, and then is
connected to itself: it takes whatever is sent, answers with the same, and keeps the port from its owner.
"""

import itertools
import os
import socket

_FIRST, _LAST = 15_000, 30_000
_numbers = itertools.count(os.getpid() * 7)


def lasting_port() -> int:
    """Return a loopback port on which nobody listens now, and to which no connection can come by chance."""
    for _ in range(_LAST - _FIRST):
        port = _FIRST + next(_numbers) % (_LAST - _FIRST)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("no free port")
