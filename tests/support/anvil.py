"""A real anvil for tests: on a free loopback port, with free gas, stopped by its process number.

::

    with anvil() as node:
        node.rpc("eth_blockNumber")

Every account may send (``anvil_autoImpersonateAccount``), so that tests need no keys for accounts.
"""

import itertools
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from support.ports import lasting_port

ROOT = Path(__file__).resolve().parent.parent.parent
_PACKAGED = ROOT / "devnet/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
_START_SECONDS = 60.0
_HEADER_ONLY = False


class RpcRefused(Exception):
    """A JSON-RPC error answer.

    Attributes:
        code: The node's error code.
        data: Revert data in hex, or None.
    """

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        super().__init__(f"{method}: {error.get('message')}")
        self.code = error.get("code")
        self.data = error.get("data")


class Node:
    """One running node, asked by raw JSON-RPC over one kept connection."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(timeout=60, trust_env=False)
        self._ids = itertools.count(1)

    def rpc(self, method: str, *params: object) -> Any:
        """Return the result of one call, or raise :class:`RpcRefused`."""
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        answer = self._http.post(self.url, json=body).json()
        if "error" in answer:
            raise RpcRefused(method, answer["error"])
        return answer["result"]

    def now(self) -> int:
        """Return the head's timestamp."""
        return int(self.rpc("eth_getBlockByNumber", "latest", _HEADER_ONLY)["timestamp"], 16)

    def mine_at(self, timestamp: int) -> None:
        """Mine an empty block of this timestamp; calls on the head see it as the present."""
        self.rpc("evm_setNextBlockTimestamp", timestamp)
        self.rpc("evm_mine")

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def binary() -> Path:
    """Return anvil of devnet/node_modules, else the one on PATH."""
    if _PACKAGED.exists():
        return _PACKAGED
    found = shutil.which("anvil")
    assert found, "no anvil: run `npm ci --ignore-scripts` in devnet/"
    return Path(found)


@contextmanager
def anvil(
    *, state: Path | None = None, hardfork: str = "paris", impersonate: bool = True, options: tuple[str, ...] = ()
) -> Iterator[Node]:
    """Run an anvil until the block ends.

    Args:
        state: File to load from and to keep the chain in, written every second and at the end.
        hardfork: Rules of the EVM; ``paris`` is what the contracts are compiled for.
        impersonate: Let any account send.
        options: More arguments for anvil, e.g. ``("--block-time", "1")``.
    """
    port = lasting_port()
    command = [str(binary()), "--host", "127.0.0.1", "--port", str(port), "--hardfork", hardfork, "--quiet"]
    command += ["--base-fee", "0", "--gas-price", "0", "--order", "fifo", *options]
    if state is not None:
        command += ["--state", str(state), "--state-interval", "1", "--preserve-historical-states"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    node = Node(f"http://127.0.0.1:{port}")
    try:
        _wait(node, process)
        if impersonate:
            node.rpc("anvil_autoImpersonateAccount", impersonate)
        yield node
    finally:
        node.close()
        process.terminate()
        process.communicate(timeout=60)


def _wait(node: Node, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            node.rpc("eth_chainId")
        except httpx.TransportError:
            time.sleep(0.02)
        else:
            return
    words = process.communicate(timeout=1)[1].decode() if process.poll() is not None else "no answer in time"
    raise AssertionError(f"anvil did not start: {words}")
