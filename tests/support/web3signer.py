"""A remote signer: a real HTTP(S) server that answers as Web3Signer's ``eth1`` API is documented, with its own key.

It is no copy of that program, which needs Java; what it answers was written from its OpenAPI file: text, ``0x r s v``
over the Keccak-256 hash of the data, 404 for a key that it does not have, 400 for a malformed request.
"""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from coincurve import PrivateKey

from chainsvc.proof.keccak import keccak256

_SIGN = "/api/v1/eth1/sign/"


@dataclass
class RemoteSigner:
    """A running signer; the members are what tests make it do."""

    key: PrivateKey = field(default_factory=PrivateKey)
    url: str = ""
    asked: int = 0
    failures: list[int] = field(default_factory=list)
    """Statuses to answer first."""
    other_key: PrivateKey | None = None
    """Signs with this one instead."""
    text: str | None = None
    """Answers this instead."""
    stall: threading.Event | None = None
    """Waits for this before it answers."""

    @property
    def public(self) -> bytes:
        return self.key.public_key.format(compressed=False)[1:]

    @property
    def account(self) -> bytes:
        return keccak256(self.public)[-20:]

    def name(self, identifier: str | None = None, **options: str) -> str:
        """Return the name of its key."""
        query = "&".join(f"{name.replace('_', '-')}={value}" for name, value in options.items())
        return f"web3signer:{self.url}/{identifier or '0x' + self.public.hex()}{'?' if query else ''}{query}"

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, str]:
        self.asked += 1
        if self.stall is not None:
            self.stall.wait(60)
        if self.failures:
            return self.failures.pop(0), ""
        if self.text is not None:
            return 200, self.text
        if (method, path) == ("GET", "/upcheck"):
            return 200, "OK"
        if (method, path) == ("GET", "/api/v1/eth1/publicKeys"):
            return 200, json.dumps([f"0x{self.public.hex()}"])
        return self._sign(path, body) if path.startswith(_SIGN) else (404, "")

    def _sign(self, path: str, body: bytes) -> tuple[int, str]:
        if path.removeprefix(_SIGN).removeprefix("0x").lower() != self.public.hex():
            return 404, ""
        try:
            data = bytes.fromhex(json.loads(body)["data"].removeprefix("0x"))
        except (KeyError, ValueError):
            return 400, ""
        signature = (self.other_key or self.key).sign_recoverable(keccak256(data), hasher=None)
        return 200, f"0x{signature[:64].hex()}{27 + signature[64]:02x}"


def _handler(signer: RemoteSigner) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["content-length"])))

        def _answer(self, body: bytes) -> None:
            status, text = signer.answer(self.command, self.path, body)
            self.send_response(status)
            self.send_header("content-type", "text/plain; charset=utf-8")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Let callers hang up before the answer."""


@contextmanager
def remote_signer(certificate: tuple[Path, Path] | None = None) -> Iterator[RemoteSigner]:
    """Run a signer on a free loopback port, over TLS where certificate and key are given."""
    signer = RemoteSigner()
    server = _Server(("127.0.0.1", 0), _handler(signer))
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if certificate is None else "https"
    signer.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield signer
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)
