"""The devnet as a part that can be struck: killed, paused, or begun again from an older state."""

import shutil
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

from support.drill.programs import Pids, send

from chainsvc import devnet
from chainsvc.devnet.anvil import call
from chainsvc.errors import NodeUnavailable

_REMEMBERED = 12
_EVERY_S = 0.5


class ChainNode:
    """The devnet of one folder.

    A thread keeps copies of its saved chain of the last seconds, as a backup would, for :meth:`roll_back`.
    """

    name = "node"

    def __init__(self, home: Path, pids: Pids) -> None:
        self.home = home
        self._pids = pids
        self._older = home.parent / "older"
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._keeping = threading.Thread(target=self._remember, name="older-states", daemon=True)
        self._copies: list[tuple[float, Path]] = []

    def begin_remembering(self) -> None:
        """Keep copies from now on: a chain older than this is never gone back to."""
        self._older.mkdir(exist_ok=True)
        self._keeping.start()

    def start(self) -> None:
        with self._lock:
            running = devnet.up(self.home)
        for pid in (running.keeper_pid, running.pid):
            if pid is not None:
                self._pids.add(pid)

    def is_ready(self) -> bool:
        try:
            call(self.port, "eth_chainId")
        except NodeUnavailable:
            return False
        return True

    @property
    def port(self) -> int:
        found = devnet.status(self.home)
        assert found is not None
        return int(found.url.rpartition(":")[2])

    def kill(self) -> None:
        with self._lock:
            for pid in self._processes():
                send(pid, signal.SIGKILL)
            deadline = time.monotonic() + 5.0
            while self._processes() and time.monotonic() < deadline:
                time.sleep(0.01)

    def stop(self) -> None:
        with self._lock:
            self.resume()
            devnet.down(self.home)

    def pause(self) -> None:
        for pid in self._processes():
            send(pid, signal.SIGSTOP)

    def resume(self) -> None:
        for pid in self._processes():
            send(pid, signal.SIGCONT)

    def roll_back(self, seconds: float) -> None:
        """Kill it, and begin again from the chain of so many seconds ago."""
        with self._lock:
            self.kill()
            wanted = time.time() - seconds
            known = [copy for at, copy in self._copies if at <= wanted] or [copy for _, copy in self._copies[:1]]
            if known:
                shutil.copy(known[-1], self.home / "state.json")
            self.start()

    def jump(self, seconds: int) -> None:
        """Let the chain's clock leap forward."""
        with suppress(NodeUnavailable):
            call(self.port, "evm_increaseTime", seconds)

    def close(self) -> None:
        """End it for good."""
        self._ending.set()
        self.stop()

    def _processes(self) -> list[int]:
        found = devnet.status(self.home)
        return [pid for pid in (found.keeper_pid, found.pid) if pid is not None] if found else []

    def _remember(self) -> None:
        number = 0
        while not self._ending.wait(_EVERY_S):
            with self._lock, suppress(FileNotFoundError):
                state = self.home / "state.json"
                copy = self._older / f"{number % (2 * _REMEMBERED)}.json"
                shutil.copy(state, copy)
                self._copies = [*self._copies[-_REMEMBERED:], (time.time(), copy)]
                number += 1
