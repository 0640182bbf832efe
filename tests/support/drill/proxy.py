"""TCP proxies between the parts of a drill: each link can be cut, stalled, slowed or refused while it is in use.

All links run on one event loop in a thread of their own; the methods may be called from any thread.
"""

import asyncio
import random
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from support.ports import lasting_port

_HOST = "127.0.0.1"
_PART = 65_536
_PATIENCE_S = 10.0
_CLOSING_S = 0.1  # broken connections are closed by the loop's next turns


class Proxy:
    """The event loop of all links."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._links: list[Link] = []

    def link(self, name: str, target: int) -> "Link":
        """Listen on a free loopback port for connections that go on to the port ``target``."""
        made = Link(self, name, target)
        self.run(made.listen())
        self._links.append(made)
        return made

    def run(self, step: Coroutine[Any, Any, None]) -> None:
        """Do something on the loop, and wait until it is done."""
        asyncio.run_coroutine_threadsafe(step, self.loop).result(_PATIENCE_S)

    def close(self) -> None:
        """End all connections and the thread."""
        for link in self._links:
            link.heal(forget=True)
            link.refuse()
        self.run(self._end_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_PATIENCE_S)
        self.loop.close()

    async def _end_all(self) -> None:
        """Break connections until none is left: one that was held back comes up only now."""
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for link in self._links:
                link.break_all()
            await asyncio.wait(tasks, timeout=_CLOSING_S)
        await asyncio.sleep(_CLOSING_S)


class Link:
    """One way from one part to another.

    Attributes:
        port: Where to connect instead of to the target.
    """

    def __init__(self, proxy: Proxy, name: str, target: int) -> None:
        self.name = name
        self.port = lasting_port()
        self._proxy = proxy
        self._target = target
        self._server: asyncio.Server | None = None
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._delay_s = 0.0
        self._cuts = 0

    async def listen(self) -> None:
        """Take connections, on the same port as before."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, _HOST, self.port)

    def refuse(self) -> None:
        """Take no new connection, as when nothing listens there."""
        self._proxy.run(self._refuse())

    def reset(self) -> None:
        """Break what is connected now."""
        self._proxy.run(self._reset())

    def stall(self) -> None:
        """Pass nothing on, keep everything open: the other end is half gone."""
        self._proxy.loop.call_soon_threadsafe(self._flowing.clear)

    def delay(self, seconds: float) -> None:
        """Hold every part of every message back for so long."""
        self._delay_s = seconds

    def cut(self, count: int) -> None:
        """Break that many connections in the middle of what they carry next."""
        self._cuts = count

    def heal(self, *, forget: bool = False) -> None:
        """Be a wire again; ``forget`` breaks the connections that were open meanwhile."""
        self._delay_s, self._cuts = 0.0, 0
        if forget:
            self.reset()
        self._proxy.loop.call_soon_threadsafe(self._flowing.set)
        self._proxy.run(self.listen())

    async def _refuse(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            for listening in server.sockets:
                self._proxy.loop.remove_reader(listening)
            await asyncio.sleep(0)  # asyncio loses a connection that is accepted, but not yet served, at the closing
            server.close()

    async def _reset(self) -> None:
        self.break_all()

    def break_all(self) -> None:
        """Break what is connected now; for the loop itself."""
        for pair in list(self._pairs):
            _break(pair)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._flowing.wait()
            there_reader, there_writer = await asyncio.open_connection(_HOST, self._target)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, there_writer)
        self._pairs.add(pair)
        try:
            await asyncio.gather(
                self._pump(reader, there_writer, pair), self._pump(there_reader, writer, pair), return_exceptions=True
            )
        finally:
            self._pairs.discard(pair)
            _break(pair)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(_PART):
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                await self._flowing.wait()
                if self._cuts > 0:
                    self._cuts -= 1
                    writer.write(data[: random.randrange(len(data))])
                    await writer.drain()
                    break
                writer.write(data)
                await writer.drain()
            else:
                if writer.can_write_eof():
                    writer.write_eof()
                return
        _break(pair)


def _break(pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter]) -> None:
    for writer in pair:
        writer.transport.abort()
