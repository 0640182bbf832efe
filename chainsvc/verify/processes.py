"""Processes that share pure work: results in the order of the items, and never more under way than is soon done.

Each process prepares itself once. Memory stays flat, however many items there are, and a parent that is killed takes
its processes with it.
"""

import gc
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Generic, Self, TypeVar

from chainsvc.errors import ProcessLost

AHEAD = 3
"""Items under way for each process: one in work, two that wait for it."""

_GC_THRESHOLD = 50_000  # one item makes thousands of objects, none of them in cycles

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Processes(Generic[Item, Result]):
    """Does one kind of work in several processes, or in this one."""

    def __init__(self, count: int, prepare: Callable[..., Callable[[Item], Result]], *arguments: Any) -> None:
        """Say what the work is; no process is started before the first item.

        Args:
            count: Processes; 1 works in this one.
            prepare: Makes the work from the arguments, once in each process; a function or class of a module.
            arguments: What it needs; of types that can be pickled.
        """
        self._count = count
        self._prepare, self._arguments = prepare, arguments
        self._pool: ProcessPoolExecutor | None = None
        self._here: Callable[[Item], Result] | None = None

    def __enter__(self) -> Self:
        """Use it in a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the processes, what they have not begun is dropped; close what works here, where it can be closed."""
        close: Callable[[], None] | None = getattr(self._here, "close", None)
        if close is not None:
            close()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def in_order(
        self, items: Iterable[Item], is_work: Callable[[Item], bool] = lambda _: True
    ) -> Iterator[tuple[Item, Result | None]]:
        """Yield each item with its result, None for items that are no work but keep their place.

        Raises:
            ProcessLost: A process was killed.
        """
        waiting: deque[tuple[Item, Future[Result] | None]] = deque()
        for item in items:
            if self._count <= 1:
                yield item, self._done_here(item) if is_work(item) else None
                continue
            waiting.append((item, self._started.submit(_work, item) if is_work(item) else None))
            if len(waiting) > AHEAD * self._count:
                yield waiting[0][0], _result(waiting.popleft()[1])
        while waiting:
            yield waiting[0][0], _result(waiting.popleft()[1])

    def _done_here(self, item: Item) -> Result:
        if self._here is None:
            self._here = self._prepare(*self._arguments)
        return self._here(item)

    @property
    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Never by a bare fork: this process may have threads, such as the one that moves a bar on the screen.
            method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
            context = multiprocessing.get_context(method)
            self._pool = ProcessPoolExecutor(self._count, context, _start, (self._prepare, self._arguments))
        return self._pool


def _result(future: "Future[Result] | None") -> Result | None:
    try:
        return None if future is None else future.result()
    except BrokenProcessPool as error:
        hint = "Start it again; with a report or a resume folder it goes on from where it was."
        raise ProcessLost("a process that did part of the work was killed", hint=hint) from error


_prepared: Callable[[Any], Any] | None = None


def _start(prepare: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...]) -> None:
    global _prepared  # noqa: PLW0603 - one process has one kind of work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's matter
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _prepared = prepare(*arguments)
    gc.freeze()  # what is loaded by now stays: the collector need not look at it again
    gc.set_threshold(_GC_THRESHOLD)


def _end_with(parent: Any) -> None:
    """End this process when its parent is gone: nobody else would."""
    parent.join()
    os._exit(1)


def _work(item: Any) -> Any:
    assert _prepared is not None  # by _start
    return _prepared(item)
