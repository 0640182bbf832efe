"""Serving: the API on a loopback port with the worker beside it, stopped without losing what is under way."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from chainsvc.api.app import create_app
from chainsvc.api.limits import Limits
from chainsvc.bootstrap import Running
from chainsvc.errors import ConfigurationRefused


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one.

    Raises:
        ConfigurationRefused: The port is taken.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        hint = "Stop the other program, or set CHAINSVC_PORT."
        raise ConfigurationRefused("the API's port is taken", got=f"{host}:{port}", hint=hint) from error
    return listener


def serve(parts: Running) -> None:
    """Serve until SIGINT or SIGTERM: then finish requests under way, end the worker's round, and return."""
    listener = listen(parts.settings.host, parts.settings.port)
    _start(parts)
    try:
        _server(parts).run(sockets=[listener])
    finally:
        _stop(parts)


@contextmanager
def served(parts: Running) -> Iterator[str]:
    """Serve from a thread and yield the API's address; leaving the context stops it."""
    listener = listen(parts.settings.host, parts.settings.port)
    server = _server(parts)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="api", daemon=True)
    _start(parts)
    thread.start()
    host, port = listener.getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join(parts.settings.stop_grace_s)
        _stop(parts)


def _start(parts: Running) -> None:
    for worker in parts.workers:
        worker.start()
    parts.deliverer.start()


def _stop(parts: Running) -> None:
    for worker in parts.workers:
        worker.stop(parts.settings.stop_grace_s)
    parts.deliverer.stop(parts.settings.stop_grace_s)


def _server(parts: Running) -> uvicorn.Server:
    app = create_app(parts.service, Limits(parts.settings.largest_body_bytes))
    grace = int(parts.settings.stop_grace_s)
    return uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=grace, access_log=False))
