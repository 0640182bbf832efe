"""Draining by itself: at once when a record is added, again and again while the service is away."""

import asyncio
import random
import sqlite3
import threading
from collections.abc import Awaitable, Callable

from chainsvc.client.queue.draining import Drained
from chainsvc.client.queue.file import Queue
from chainsvc.errors import ChainsvcError, QueueBusy

IDLE_S = 5.0
"""Pause between looks at a queue that other processes may have added to."""

FIRST_PAUSE_S, LONGEST_PAUSE_S, SLOWER = 1.0, 60.0, 2.0
"""Pauses while the service is away; each is shortened at random by up to a half."""

_CLOSING_S = 5.0
_CLOSED = (RuntimeError, sqlite3.ProgrammingError)
"""What a drain meets whose client was closed meanwhile: what it had not marked is sent again some day, and known."""


class Pauses:
    """How long to wait after each drain."""

    def __init__(self) -> None:
        """Begin with a service that answers."""
        self._failures = 0
        self.error: ChainsvcError | None = None

    def after(self, error: ChainsvcError | None) -> float | None:
        """Return seconds to wait whatever is added, None to wait for the next record.

        Another process that drains is as good as draining oneself.
        """
        self.error = None if isinstance(error, QueueBusy) else error
        if self.error is None:
            self._failures = 0
            return None
        self._failures += 1
        pause: float = min(FIRST_PAUSE_S * SLOWER ** (self._failures - 1), LONGEST_PAUSE_S)
        return pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


class Drainer:
    """A thread that drains; it does not keep the program from ending, and what is left then waits in the file."""

    def __init__(self, queue: Queue, drain: Callable[[], Drained]) -> None:
        """Begin at once."""
        self.pauses = Pauses()
        self._queue, self._drain = queue, drain
        self._wake, self._stop = threading.Event(), threading.Event()
        queue.watch(self._wake.set)
        self._thread = threading.Thread(target=self._run, name="chainsvc-drain", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                pause = self.pauses.after(self._once())
            except _CLOSED:
                if self._stop.is_set():
                    return
                raise
            if pause is None:
                self._wake.wait(IDLE_S)
            else:
                self._stop.wait(pause)

    def _once(self) -> ChainsvcError | None:
        try:
            if self._queue.pending().waiting:
                return first_stop(self._drain())
        except ChainsvcError as error:
            return error
        return None

    def close(self) -> None:
        """Let it end, waiting for a moment."""
        self._stop.set()
        self._wake.set()
        self._thread.join(_CLOSING_S)


class AsyncDrainer:
    """A task that drains; it ends with its client."""

    def __init__(self, queue: Queue, drain: Callable[[], Awaitable[Drained]]) -> None:
        """Begin at once, in the running loop."""
        self.pauses = Pauses()
        self._queue, self._drain = queue, drain
        self._wake, loop = asyncio.Event(), asyncio.get_running_loop()
        queue.watch(lambda: loop.call_soon_threadsafe(self._wake.set))
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            pause = self.pauses.after(await self._once())
            if pause is not None:
                await asyncio.sleep(pause)
                continue
            try:
                await asyncio.wait_for(self._wake.wait(), IDLE_S)
            except TimeoutError:
                continue

    async def _once(self) -> ChainsvcError | None:
        try:
            if self._queue.pending().waiting:
                return first_stop(await self._drain())
        except ChainsvcError as error:
            return error
        return None

    async def close(self) -> None:
        """End it."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def first_stop(drained: Drained) -> ChainsvcError | None:
    """Return why a ledger's records can't be sent now, if there is one."""
    return next(iter(drained.stopped.values()), None)
