"""Serving: the API on a loopback port, a worker beside it or without one, stopped without losing what is under way."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from chainsvc.api.app import create_app, create_health_app
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


def url_of(listener: socket.socket) -> str:
    """Return the address at which a listening socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def served(parts: Running, *, worker: bool = True, listener: socket.socket | None = None) -> Iterator[str]:
    """Serve from a thread and yield the API's address; leaving the context ends requests first, then the work.

    Args:
        parts: What to serve.
        worker: Whether to seal, anchor and deliver in this process too.
        listener: Where to listen; by default the settings' host and port.
    """
    listener = listener or listen(parts.settings.host, parts.settings.port)
    app = create_app(parts.service, Limits(parts.settings.largest_body_bytes))
    with worked(parts) if worker else _nothing(), _answering(parts, app, listener):
        yield url_of(listener)


@contextmanager
def worked(parts: Running) -> Iterator[None]:
    """Seal, anchor and deliver from threads; leaving the context ends the round and lets another worker take over."""
    for worker in parts.workers:
        worker.start()
    parts.deliverer.start()
    try:
        yield
    finally:
        for worker in parts.workers:
            worker.stop(parts.settings.stop_grace_s)
        parts.deliverer.stop(parts.settings.stop_grace_s)


@contextmanager
def watched(parts: Running, port: int) -> Iterator[str]:
    """Answer for a worker without an API: is it up, can it work, and its metrics; yield the address."""
    listener = listen(parts.settings.host, port)
    with _answering(parts, create_health_app(parts.service), listener):
        yield url_of(listener)


@contextmanager
def _answering(parts: Running, app: FastAPI, listener: socket.socket) -> Iterator[None]:
    grace = int(parts.settings.stop_grace_s)
    config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=grace, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="api", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(parts.settings.stop_grace_s)


@contextmanager
def _nothing() -> Iterator[None]:
    yield
