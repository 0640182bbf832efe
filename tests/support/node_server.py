"""Chain nodes that a test serves itself, on loopback: made up, or between the service and a real one."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from chainsvc.proof.keccak import keccak256

Tamper = Callable[[list[Any], Any], Any]
"""Given a call's parameters and the true result: what a lying node says."""


class Answering(Protocol):
    """What can be served as a node."""

    url: str
    is_dead: bool

    def answer(self, call: dict[str, Any]) -> dict[str, Any]:
        """Return the whole answer to one JSON-RPC call."""


Served = TypeVar("Served", bound=Answering)


@dataclass
class Relay:
    """A node of its own institution that stands on a real one, and may lie.

    Attributes:
        target: The real one's address.
        url: Its own.
        is_dead: It breaks every connection.
        lies: By method.
        loses: Whether it takes a transaction and does not hand it on.
        lost: Signed transactions that it lost, in order.
        instead: Answers in its place: the address leads to another chain.
    """

    target: str
    url: str = ""
    is_dead: bool = False
    lies: dict[str, Tamper] = field(default_factory=dict)
    loses: Callable[[bytes], bool] | None = None
    lost: list[bytes] = field(default_factory=list)
    instead: Answering | None = None

    def answer(self, call: dict[str, Any]) -> dict[str, Any]:
        if self.instead is not None:
            return self.instead.answer(call)
        if call["method"] == "eth_sendRawTransaction" and self.loses is not None:
            raw = bytes.fromhex(call["params"][0][2:])
            if self.loses(raw):
                self.lost.append(raw)
                return {"jsonrpc": "2.0", "id": call["id"], "result": f"0x{keccak256(raw).hex()}"}
        found = self._ask(call)
        lie = self.lies.get(call["method"])
        return found | {"result": lie(call["params"], found["result"])} if lie and "result" in found else found

    def _ask(self, call: dict[str, Any]) -> dict[str, Any]:
        with closing(HTTPConnection(urlsplit(self.target).netloc, timeout=30)) as connection:
            connection.request("POST", "/", json.dumps(call), {"Content-Type": "application/json"})
            said: dict[str, Any] = json.loads(connection.getresponse().read())
            return said


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A caller that was killed breaks its connections: nothing to tell."""


@contextmanager
def served(node: Served) -> Iterator[Served]:
    """Serve a node on a free loopback port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            called = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if node.is_dead:
                self.close_connection = True
                return
            said = [node.answer(call) for call in called] if isinstance(called, list) else node.answer(called)
            body = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        node.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield node
        finally:
            server.shutdown()
            thread.join()
