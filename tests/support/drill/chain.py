"""The devnet as a part that can be struck: killed, paused, or begun again from an older state."""

import random
import shutil
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

from support.drill.programs import Pids, send

from chainsvc import devnet
from chainsvc.devnet.rpc import call
from chainsvc.errors import NodeUnavailable

_REMEMBERED = 8
_EVERY_S = 0.1


class ChainNode:
    """The devnet of one folder.

    A thread keeps copies of the last chains that were saved, as a backup would, for :meth:`roll_back`.
    """

    name = "node"

    def __init__(self, home: Path, pids: Pids) -> None:
        self.home = home
        self._pids = pids
        self._older = home.parent / "older"
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._keeping = threading.Thread(target=self._remember, name="older-states", daemon=True)
        self._copies: list[Path] = []

    def begin_remembering(self) -> None:
        """Keep copies from now on: a chain older than this is never gone back to."""
        self._older.mkdir(exist_ok=True)
        call(self.port, "evm_mine")
        mined_at, state = time.time(), self.home / "state.json"
        while state.stat().st_mtime <= mined_at:
            time.sleep(_EVERY_S)
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

    def kill_child(self, draw: random.Random) -> None:
        """Kill anvil or its keeper: the other one is left."""
        found = self._processes()
        if found:
            send(draw.choice(found), signal.SIGKILL)

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

    def roll_back(self, saves: int) -> None:
        """Kill it, and begin again from the chain that was saved so many saves before the last one."""
        with self._lock:
            self.kill()
            if self._copies:
                shutil.copy(self._copies[max(0, len(self._copies) - 1 - saves)], self.home / "state.json")
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
        state, seen, number = self.home / "state.json", 0, 0
        while not self._ending.wait(_EVERY_S):
            with self._lock, suppress(FileNotFoundError):
                saved_at = state.stat().st_mtime_ns
                if saved_at == seen:
                    continue
                copy = self._older / f"{number % (2 * _REMEMBERED)}.json"
                shutil.copy(state, copy)
                self._copies = [*self._copies[1 - _REMEMBERED :], copy]
                seen, number = saved_at, number + 1
