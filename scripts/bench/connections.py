"""Many keep-alive connections that post one body after the other: a load that costs little beside what it measures."""

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from urllib.parse import urlsplit

from chainsvc.errors import ServiceUnavailable

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length: "


class Poster(asyncio.Protocol):
    """One connection; posts bodies until there are no more."""

    def __init__(self, head: bytes, bodies: Iterator[bytes], done: asyncio.Future[None]) -> None:
        """Post with this head, which lacks its length."""
        self._head = head
        self._bodies = bodies
        self._done = done
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Post the first body."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._post()

    def data_received(self, data: bytes) -> None:
        """Post the next body when the answer is complete and a success."""
        self._answer += data
        head, found, body = self._answer.partition(_END_OF_HEAD)
        if not found:
            return
        length = int(head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0] or 0)
        if len(body) < length:
            return
        if not head.startswith(b"HTTP/1.1 20"):
            self._done.set_exception(ServiceUnavailable("a post failed", got=self._answer[:300].decode()))
            return
        self._answer = b""
        self._post()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell of a connection that ended too early."""
        if not self._done.done():
            self._done.set_exception(exc or ServiceUnavailable("the connection ended before its answer"))

    def _post(self) -> None:
        body = next(self._bodies, None)
        if body is None:
            self._done.set_result(None)
            self._transport.close()
        else:
            self._transport.write(self._head + b"%d\r\n\r\n" % len(body) + body)


def post_all(url: str, key: str, bodies: Sequence[bytes], connections: int) -> None:
    """Post every body once, over so many connections, and wait for all answers.

    Raises:
        ServiceUnavailable: An answer that is no success.
    """
    asyncio.run(_post_all(url, key, bodies, connections))


async def _post_all(url: str, key: str, bodies: Sequence[bytes], connections: int) -> None:
    parts = urlsplit(url)
    lines = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}", f"Authorization: Bearer {key}"]
    head = "\r\n".join([*lines, "Content-Type: application/json", "Content-Length: "]).encode()
    loop, shared = asyncio.get_running_loop(), iter(bodies)
    ends = [loop.create_future() for _ in range(connections)]
    for end in ends:
        await loop.create_connection(partial(Poster, head, shared, end), parts.hostname or "", parts.port or 80)
    await asyncio.gather(*ends)
