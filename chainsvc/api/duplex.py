"""An answer that is written while the request is still read, also for senders who read only when they have sent all."""

import asyncio
import threading
from collections.abc import Callable
from tempfile import SpooledTemporaryFile
from typing import TypeAlias

import anyio
import anyio.to_thread
from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from chainsvc.api.incoming import Incoming

_IN_MEMORY = 1024 * 1024
"""Bytes of answers that wait in memory; more of them wait in a file."""

_BLOCK = 64 * 1024

Emit: TypeAlias = Callable[[bytes], None]
Work: TypeAlias = Callable[[Incoming, Emit], None]
"""Reads a body to its end and emits answers; runs in a thread."""


class Spool:
    """Bytes that wait for a slow reader: in order, in constant memory, from one thread to the event loop."""

    def __init__(self) -> None:
        """Start empty."""
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by close
        self._lock = threading.Lock()
        self._taken = 0
        self._written = 0

    def put(self, data: bytes) -> None:
        """Append."""
        with self._lock:
            self._file.seek(self._written)
            self._written += self._file.write(data)

    def take(self) -> bytes:
        """Remove and return the oldest bytes, nothing where there are none."""
        with self._lock:
            self._file.seek(self._taken)
            data = self._file.read(min(_BLOCK, self._written - self._taken))
            self._taken += len(data)
            if self._taken == self._written:
                self._file.seek(0)
                self._file.truncate()
                self._taken = self._written = 0
            return data

    def close(self) -> None:
        """Forget what is left."""
        self._file.close()


class Duplex(Response):
    """Runs ``work`` on the body and sends what it emits, both at once.

    Args:
        request: Whose body is read.
        work: Runs in a thread.
        streams: How many of them at once.
    """

    media_type = "application/x-ndjson"

    def __init__(self, request: Request, work: Work, streams: anyio.CapacityLimiter) -> None:
        """Answer this request; nothing is read yet."""
        super().__init__()
        del self.headers["content-length"]
        self._request = request
        self._work = work
        self._streams = streams
        self._incoming = Incoming()
        self._spool = Spool()
        self._news = asyncio.Event()
        self._done = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the request receives
        """Send answers until the work is done."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._incoming.pump, self._request)
                tasks.start_soon(self._worked, asyncio.get_running_loop())
                await self._pass_on(send)
                tasks.cancel_scope.cancel()  # a body that is not read to its end
        finally:
            self._spool.close()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _worked(self, loop: asyncio.AbstractEventLoop) -> None:
        def emit(data: bytes) -> None:
            self._spool.put(data)
            loop.call_soon_threadsafe(self._news.set)

        try:
            await anyio.to_thread.run_sync(self._work, self._incoming, emit, limiter=self._streams)
        finally:
            self._done = True
            self._news.set()

    async def _pass_on(self, send: Send) -> None:
        while True:
            self._news.clear()
            if data := self._spool.take():
                await send({"type": "http.response.body", "body": data, "more_body": True})
            elif self._done:
                return
            else:
                await self._news.wait()
