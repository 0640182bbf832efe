"""OS processes that a drill starts, strikes and starts again."""

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import psutil

from chainsvc.devnet.process import Process

_STOP_S = 30.0


class Part(Protocol):
    """One part of the service that can be struck; every method is harmless when there is nothing to do."""

    name: str

    def start(self) -> None:
        """Start it unless it runs; it need not be ready yet."""

    def is_ready(self) -> bool:
        """Whether it answers."""

    def kill(self) -> None:
        """Kill it with all its processes."""

    def kill_child(self, draw: random.Random) -> None:
        """Kill one of the processes that it has made; it must go on, or have made none."""

    def stop(self) -> None:
        """End it in good order."""

    def pause(self) -> None:
        """Let no process of it go on."""

    def resume(self) -> None:
        """Let all go on."""


class Pids:
    """Every process that a drill started, on disk, so that the next one ends what a killed drill left behind."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, pid: int) -> None:
        with self._path.open("a") as log:
            log.write(json.dumps(asdict(Process.of(pid))) + "\n")

    def end_all(self) -> None:
        """Kill what still runs, children first."""
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        for process in [Process(**json.loads(line)) for line in lines]:
            if process.alive:
                for pid in family(process.pid):
                    send(pid, signal.SIGKILL)


def family(pid: int) -> list[int]:
    """Return a process's descendants and itself, the process first."""
    try:
        process = psutil.Process(pid)
        return [pid, *(child.pid for child in process.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def send(pid: int, number: signal.Signals) -> None:
    """Signal a process that may be gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


class Program:
    """A program that runs as one process tree.

    Attributes:
        log: Its file.
        deaths: How it ended when nobody had struck it, though it had been ready: an outage must not end it.
    """

    stop_signal = signal.SIGTERM

    def __init__(
        self,
        name: str,
        line: Sequence[str],
        logs: Path,
        pids: Pids,
        probe: Callable[[], bool],
        *,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        self.name = name
        self.deaths: list[str] = []
        self._line, self._environment, self._user = list(line), environment, user
        self.log = logs / f"{name}.log"
        self._pids = pids
        self._probe = probe
        self._running: subprocess.Popen[bytes] | None = None
        self._struck = False
        self._was_ready = False
        self._lock = threading.RLock()

    @property
    def is_running(self) -> bool:
        return self._running is not None and self._running.poll() is None

    def start(self) -> None:
        with self._lock:
            if self.is_running:
                return
            self._note_death()
            with self.log.open("ab") as log:
                log.write(f"--- {time.time():.3f} started\n".encode())
                self._running = subprocess.Popen(
                    self._line, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=self._user
                )
            self._struck = self._was_ready = False
            self._pids.add(self._running.pid)

    def _note_death(self) -> None:
        if self._running is not None and self._was_ready and not self._struck:
            self.deaths.append(f"{self.name} ended by itself with status {self._running.returncode}")

    def is_ready(self) -> bool:
        if not self.is_running or not self._probe():
            return False
        self._was_ready = True
        return True

    def kill(self) -> None:
        with self._lock:
            for pid in self._strike():
                send(pid, signal.SIGKILL)
            self._reap()

    def kill_child(self, draw: random.Random) -> None:
        children = self._family()[1:]
        if children:
            send(draw.choice(sorted(children)), signal.SIGKILL)

    def stop(self) -> None:
        with self._lock:
            if self.is_running and self._running is not None:
                self.resume()
                self._struck = True
                send(self._running.pid, self.stop_signal)
                with suppress(subprocess.TimeoutExpired):
                    self._running.wait(_STOP_S)
                if self.is_running:
                    self.deaths.append(f"{self.name} did not stop within {_STOP_S:.0f} s")
                    self.kill()

    def pause(self) -> None:
        for pid in self._family():
            send(pid, signal.SIGSTOP)

    def resume(self) -> None:
        for pid in self._family():
            send(pid, signal.SIGCONT)

    def _strike(self) -> list[int]:
        found = self._family()
        self._struck = True
        return found

    def _family(self) -> list[int]:
        return family(self._running.pid) if self.is_running and self._running is not None else []

    def _reap(self) -> None:
        if self._running is not None:
            self._running.wait(_STOP_S)
