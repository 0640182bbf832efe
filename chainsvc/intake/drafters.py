"""The processes that draft: one for each core, started with the first bulk stream, ended with the service."""

import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_all_start_methods, get_context, parent_process

from chainsvc.intake.drafting import Drafted, Task, draft

Drafting = Future[Drafted | None]
"""A chunk that is being drafted."""


class Drafters:
    """Drafts chunks; thread-safe.

    Args:
        processes: How many; with 0 the caller's own thread drafts.
    """

    def __init__(self, processes: int) -> None:
        """Prepare; nothing is started before the first chunk."""
        self.width = max(1, processes)
        self._processes = processes
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, task: Task) -> Drafting:
        """Start to draft a chunk."""
        if self._processes:
            try:
                return self._started().submit(draft, task)
            except BrokenProcessPool:
                self._drop()
        return _here(task)

    def result(self, drafting: Drafting, task: Task) -> Drafted | None:
        """Return a chunk's draft; what a dead process leaves undone is drafted here."""
        try:
            return drafting.result()
        except BrokenProcessPool:
            self._drop()
            return draft(task)

    def close(self) -> None:
        """End the processes."""
        self._drop()

    def _started(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                context = get_context("forkserver" if "forkserver" in get_all_start_methods() else "spawn")
                self._pool = ProcessPoolExecutor(self._processes, mp_context=context, initializer=_prepare)
            return self._pool

    def _drop(self) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def _here(task: Task) -> Drafting:
    done: Drafting = Future()
    done.set_result(draft(task))
    return done


def _prepare() -> None:
    """Leave interrupts to the service, and don't outlive it when it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
