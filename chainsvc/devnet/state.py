"""The devnet's chain on disk, in two files of different worth.

``state.json`` is the chain: blocks, transactions, and the accounts at the head. It is small, saved here within
half a second of every new block, and replaced in one step. ``history.json`` is anvil's own file; only
the states of older blocks are taken from it, which proofs about the past need. It is large and written in place once a
minute, so that it may be cut short. A kill at any moment thus costs at most the last half second of blocks; and
of the old states what is newer than a minute, or at worst all.
"""

import gzip
from pathlib import Path
from typing import Any

import orjson

from chainsvc.devnet.rpc import call
from chainsvc.files import whole

HISTORY = "history.json"
"""The file that anvil writes."""

_STATE = "state.json"
_LOAD = "load.json"
_STATES = "historical_states"


def save(home: Path, port: int) -> None:
    """Write the running chain to ``home``.

    Raises:
        NodeUnavailable: anvil does not answer.
    """
    answer = call(port, "anvil_dumpState", False)  # noqa: FBT003 - a JSON-RPC parameter: without old states
    _replace(home / _STATE, gzip.decompress(bytes.fromhex(answer.removeprefix("0x"))))


def exists(home: Path) -> bool:
    """Whether a chain was ever saved here."""
    return (home / _STATE).exists()


def compose(home: Path) -> Path | None:
    """Return the file that anvil begins from, made of both; None when there is no chain yet."""
    if not exists(home):
        return None
    chain: dict[str, Any] = orjson.loads((home / _STATE).read_bytes())
    chain[_STATES] = _old_states(home)
    _replace(home / _LOAD, orjson.dumps(chain))
    return home / _LOAD


def forget(home: Path) -> None:
    """Delete the chain; the next start is another network."""
    for name in (_STATE, HISTORY, _LOAD):
        (home / name).unlink(missing_ok=True)


def _old_states(home: Path) -> Any:
    try:
        return orjson.loads((home / HISTORY).read_bytes())[_STATES]
    except (FileNotFoundError, orjson.JSONDecodeError):  # anvil was killed before or while it wrote
        return None


def _replace(path: Path, content: bytes) -> None:
    with whole(path) as beside:
        beside.write_bytes(content)
