"""An ASGI app on a free loopback port, served by uvicorn in a thread; the app can be changed between tests."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass
class Server:
    """A running server.

    Attributes:
        app: What it serves now.
        url: Where.
    """

    app: ASGIApp | None = None
    url: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)


@contextmanager
def serving(app: ASGIApp | None = None) -> Iterator[Server]:
    """Serve until the block ends."""
    server = Server(app)
    config = uvicorn.Config(server, host="127.0.0.1", port=0, lifespan="off", log_config=None, ws="none")
    runner = uvicorn.Server(config)
    thread = threading.Thread(target=runner.run, daemon=True)
    thread.start()
    while not runner.started:
        assert thread.is_alive()
        time.sleep(0.01)
    server.url = f"http://127.0.0.1:{runner.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        runner.should_exit = True
        thread.join(60)
