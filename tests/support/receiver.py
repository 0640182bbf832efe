"""A receiver of webhooks: a real HTTP server on a free loopback port that answers as it is told and keeps what came."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from chainsvc.crypto.webhooks import WebhookMessage, verify_webhook


@dataclass(frozen=True)
class Came:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    def message(self, secret: str) -> WebhookMessage:
        """Verify it as a receiver does."""
        return verify_webhook(secret, self.headers, self.body)


@dataclass(frozen=True)
class Reply:
    """What to answer."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    after: threading.Event | None = None
    """Wait for this before answering."""


@dataclass
class Receiver:
    """A running receiver; ``replies`` are given in their order, then 204 for ever."""

    url: str = ""
    port: int = 0
    came: list[Came] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    always: Reply = field(default_factory=lambda: Reply(204))
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, count: int, patience_s: float = 30.0) -> list[Came]:
        """Return what came once there are so many."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.came) >= count, patience_s), f"{len(self.came)} of {count}"
            return list(self.came)

    def take(self, came: Came) -> Reply:
        with self.arrived:
            self.came.append(came)
            self.arrived.notify_all()
            return self.replies.pop(0) if self.replies else self.always


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            reply = receiver.take(Came(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if reply.after is not None:
                reply.after.wait(60)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """Let senders hang up before the answer."""


@contextmanager
def receiving(prepare: Callable[[ThreadingHTTPServer], None] | None = None) -> Iterator[Receiver]:
    """Receive until the block ends; ``prepare`` may wrap the listening socket."""
    receiver = Receiver()
    server = _Server(("127.0.0.1", 0), _handler(receiver))
    if prepare is not None:
        prepare(server)
    receiver.port = int(server.server_address[1])
    receiver.url = f"http://127.0.0.1:{receiver.port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)


def until(true: Callable[[], bool], patience_s: float = 30.0) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
