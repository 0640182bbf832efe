"""Processes: several of the API on one listening socket, one of the worker, and a parent that keeps them alive.

The parent holds the socket and the embedded database, and does nothing else that could end it. A process that ends
unasked is started again, after a pause that grows while it keeps ending at once. One that says that going on would do
harm ends all. When the parent dies, its children notice and end in good order.
"""

import math
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess

from prometheus_client import multiprocess

from chainsvc.api.routes.health import METRICS_FOLDER
from chainsvc.bootstrap import Running, running
from chainsvc.errors import ChainsvcError, StartRefused
from chainsvc.logs import get_logger, setup_logs
from chainsvc.serving import served, worked
from chainsvc.settings import Settings

log = get_logger(__name__)

_LOOK_S = 0.2
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0
_SOUND_S = 30.0  # a process that ran for this long is started again at once
_KILL_S = 5.0  # beyond the time that requests may take


class Role(StrEnum):
    """What a process does."""

    API = "api"
    WORKER = "worker"


@dataclass
class _Place:
    """One process that is to run, through all its lives."""

    role: Role
    process: SpawnProcess | None = None
    started_at: float = 0.0
    again_at: float = 0.0
    pause_s: float = field(default=_SHORTEST_PAUSE_S)


class Processes:
    """Runs ``settings.api_processes`` processes of the API, and a worker's if asked for."""

    def __init__(self, settings: Settings, listener: socket.socket, *, worker: bool, log_level: str) -> None:
        """Prepare; nothing is started before :meth:`look`.

        Args:
            settings: For every process; with the database's URL.
            listener: Where the API listens.
            worker: Whether to run a worker too.
            log_level: Smallest level on the error stream.
        """
        drafting = math.ceil(settings.draft_processes / settings.api_processes)
        self._settings = settings.model_copy(update={"draft_processes": drafting})
        self._listener = listener
        self._log_level = log_level
        roles = [Role.API] * settings.api_processes + [Role.WORKER] * worker
        self._places = [_Place(role) for role in roles]

    @property
    def pids(self) -> dict[Role, list[int]]:
        """The process ids at present."""
        found: dict[Role, list[int]] = {role: [] for role in Role}
        for place in self._places:
            if place.process is not None and place.process.pid is not None:
                found[place.role].append(place.process.pid)
        return found

    def look(self) -> None:
        """Start what does not run.

        Raises:
            StartRefused: A process said that going on would do harm.
        """
        for place in self._places:
            if place.process is None:
                if time.monotonic() >= place.again_at:
                    self._start(place)
            elif place.process.exitcode is not None:
                self._ended(place, place.process, place.process.exitcode)

    def stop(self) -> None:
        """End the API's processes, which finish requests under way, then the worker's."""
        for role in (Role.API, Role.WORKER):
            alive = [p.process for p in self._places if p.role is role and p.process is not None]
            for process in alive:
                process.terminate()
            deadline = time.monotonic() + self._settings.stop_grace_s + _KILL_S
            for process in alive:
                process.join(max(0.0, deadline - time.monotonic()))
                if process.exitcode is None:
                    log.error("process_killed", role=role, pid=process.pid)
                    process.kill()
                    process.join()

    def _start(self, place: _Place) -> None:
        # Spawned, not forked: this process has threads and connections that no child is to share.
        arguments = (place.role, self._settings, self._listener, self._log_level)
        place.process = multiprocessing.get_context("spawn").Process(target=_run, args=arguments, name=place.role)
        place.process.start()
        place.started_at = time.monotonic()

    def _ended(self, place: _Place, process: SpawnProcess, status: int) -> None:
        multiprocess.mark_process_dead(process.pid)  # type: ignore[no-untyped-call] # prometheus-client gives no types
        if status == StartRefused.exit_code:
            raise StartRefused(f"the {place.role} process refused to go on", hint="Its last log line says why.")
        lived = time.monotonic() - place.started_at
        place.pause_s = _SHORTEST_PAUSE_S if lived > _SOUND_S else min(_LONGEST_PAUSE_S, 2 * place.pause_s)
        place.again_at = time.monotonic() + place.pause_s
        place.process = None
        log.error("process_ended", role=place.role, pid=process.pid, status=status, again_in_s=place.pause_s)


@contextmanager
def supervised(settings: Settings, listener: socket.socket, *, worker: bool, log_level: str) -> Iterator[Processes]:
    """Run the processes; leaving the context stops them in order. Call :meth:`Processes.look` meanwhile."""
    with _metrics_folder():
        processes = Processes(settings, listener, worker=worker, log_level=log_level)
        try:
            processes.look()
            yield processes
        finally:
            processes.stop()
            listener.close()


@contextmanager
def _metrics_folder() -> Iterator[None]:
    if METRICS_FOLDER in os.environ:
        yield
        return
    folder = tempfile.mkdtemp(prefix="chainsvc-metrics-")
    os.environ[METRICS_FOLDER] = folder
    try:
        yield
    finally:
        del os.environ[METRICS_FOLDER]
        shutil.rmtree(folder, ignore_errors=True)


def _run(role: Role, settings: Settings, listener: socket.socket, log_level: str) -> None:
    """Be one of the processes until told to stop, or until the parent is gone."""
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent says in which order to end
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stop.set())
    setup_logs(level=log_level)
    try:
        with running(settings) as parts:
            _work(role, parts, listener, stop)
    except ChainsvcError as error:
        log.critical("process_refused", role=role, reason=str(error))
        sys.exit(error.exit_code)


def _work(role: Role, parts: Running, listener: socket.socket, stop: threading.Event) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None  # it was spawned
    with served(parts, worker=False, listener=listener) if role is Role.API else worked(parts):
        while not stop.is_set() and not wait([parent.sentinel], _LOOK_S):
            for worker in parts.workers if role is Role.WORKER else ():
                if worker.failure is not None:
                    raise worker.failure
