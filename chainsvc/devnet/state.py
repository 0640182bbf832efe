"""The devnet's chain on disk: two files, each replaced in one step.

``state.json`` is the chain: blocks, transactions, and the accounts at the head. It is small and saved
within half a second of every new block. ``history.json`` holds the states of older blocks, which
only proofs about the past need; it is large, so it is saved when the chain rests. A kill at any moment
thus costs at most the last half second of blocks, and at most a minute of old states.
"""

import gzip
import os
from pathlib import Path
from typing import Any

import orjson

from chainsvc.devnet.anvil import call

_STATE = "state.json"
_HISTORY = "history.json"
_LOAD = "load.json"
_STATES = "historical_states"


def save(home: Path, port: int, *, history: bool) -> None:
    """Write the running chain to ``home``, with the states of older blocks when ``history`` is true.

    Raises:
        NodeUnavailable: anvil does not answer.
    """
    # anvil answers with gzip-compressed JSON in hex
    dump = gzip.decompress(bytes.fromhex(call(port, "anvil_dumpState", history).removeprefix("0x")))
    if not history:
        _replace(home / _STATE, dump)
        return
    chain: dict[str, Any] = orjson.loads(dump)
    states = chain.pop(_STATES)
    _replace(home / _HISTORY, orjson.dumps(states))
    _replace(home / _STATE, orjson.dumps(chain | {_STATES: None}))


def compose(home: Path) -> Path | None:
    """Return the file that anvil begins from, made of both; None when there is no chain yet."""
    if not (home / _STATE).exists():
        return None
    chain: dict[str, Any] = orjson.loads((home / _STATE).read_bytes())
    if (home / _HISTORY).exists():
        chain[_STATES] = orjson.loads((home / _HISTORY).read_bytes())
    _replace(home / _LOAD, orjson.dumps(chain))
    return home / _LOAD


def forget(home: Path) -> None:
    """Delete the chain; the next start is another network."""
    for name in (_STATE, _HISTORY, _LOAD):
        (home / name).unlink(missing_ok=True)


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_suffix(".new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
