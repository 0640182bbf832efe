"""The process that starts anvil, keeps its chain on disk, and ends it.

Run as ``python -m chainsvc.devnet.keeper HOME``. It returns when the chain answers and its first
state is on disk, and leaves itself behind in the background. On SIGTERM it saves what is new and
ends anvil. When anvil dies it ends too: a dead node is a fault to be seen, not one to be mended silently.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from chainsvc.devnet.anvil import arguments, find_anvil
from chainsvc.devnet.home import Home
from chainsvc.devnet.process import Process
from chainsvc.devnet.rpc import call
from chainsvc.devnet.state import HISTORY, compose, save
from chainsvc.errors import ChainsvcError, NodeUnavailable

_READY = b"ready"
_READY_SECONDS = 30.0
_LOOK_SECONDS = 0.25
_END_SECONDS = 20.0  # anvil writes its history
_SHARE = 3.0  # saving may take a quarter of the time at most, however long the chain is


class Keeper:
    """Watches one anvil and saves its chain.

    Args:
        home: The devnet's folder.
        anvil: The running process.
    """

    def __init__(self, home: Home, anvil: "subprocess.Popen[bytes]") -> None:
        """Begin with nothing saved, so that the first look saves the genesis block."""
        self._home = home
        self._anvil = anvil
        self._saved = ""  # hash of the head on disk
        self._stopping = False

    def begin(self) -> None:
        """Wait until anvil answers, then save its first state.

        Raises:
            NodeUnavailable: It ended, or did not answer in time.
        """
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            try:
                self.look()
            except NodeUnavailable:
                if self._anvil.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                # anvil's clock starts at the genesis block's time, or the last block's: set it to now, never back
                head = call(self._home.port, "eth_getBlockByNumber", "latest", False)  # noqa: FBT003 - as below
                call(self._home.port, "evm_setTime", max(int(time.time()), int(head["timestamp"], 16)))
                return

    def run(self) -> int:
        """Save until SIGTERM or until anvil ends; return the exit status."""
        signal.signal(signal.SIGTERM, self._stop)
        while not self._stopping and self._anvil.poll() is None:
            before = time.monotonic()
            self._try_look()
            time.sleep(max(_LOOK_SECONDS, _SHARE * (time.monotonic() - before)))
        return self._end()

    def look(self) -> None:
        """Save what is new, and mine an empty block when the head is older than the heartbeat."""
        head = call(self._home.port, "eth_getBlockByNumber", "latest", False)  # noqa: FBT003 - a JSON-RPC parameter
        if head["hash"] != self._saved:
            save(self._home.folder, self._home.port)
            self._saved = head["hash"]
        elif 0 < self._home.heartbeat <= time.time() - int(head["timestamp"], 16):
            call(self._home.port, "evm_mine")

    def _try_look(self) -> None:
        try:
            self.look()
        except (ChainsvcError, OSError) as error:
            print(f"{time.strftime('%H:%M:%S')} not saved: {error}", flush=True)  # noqa: T201 - the keeper's log

    def _stop(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def _end(self) -> int:
        if self._anvil.poll() is not None:
            return 1
        self._try_look()
        Process.of(self._anvil.pid).stop(_END_SECONDS)
        self._anvil.wait()
        return 0


def main(folder: str) -> int:
    """Leave a keeper behind for the devnet in ``folder``; return 0 when its chain answers."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            word = pipe.read()
        sys.stderr.buffer.write(b"" if word == _READY else word)
        return 0 if word == _READY else 1
    os.close(reading)
    os.setsid()
    return _keep(Home.read(Path(folder)), writing)


def _keep(home: Home, writing: int) -> int:
    log = os.open(home.folder / "keeper.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    try:
        keeper = Keeper(home, _start(home))
        keeper.begin()
    except (ChainsvcError, OSError) as error:
        os.write(writing, f"{error}\n".encode())
        return 1
    os.write(writing, _READY)
    os.close(writing)
    return keeper.run()


def _start(home: Home) -> "subprocess.Popen[bytes]":
    with (home.folder / "anvil.log").open("ab") as log:
        begin, history = compose(home.folder), home.folder / HISTORY
        line = arguments(find_anvil(), home.port, home.chain_id, home.born, begin, history)
        anvil = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603 - our own arguments
    home.write_processes(Process.of(os.getpid()), Process.of(anvil.pid))
    return anvil


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
