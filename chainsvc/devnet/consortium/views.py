"""What each validator answers at one moment, and who sealed the blocks that it has."""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from chainsvc.devnet.consortium.folder import Consortium, Validator
from chainsvc.errors import NodeUnavailable


@dataclass(frozen=True, slots=True)
class View:
    """The chain as one validator has it.

    Attributes:
        validator: Its number.
        height: Number of its newest block.
        hash: Of that block, 32 bytes.
        total_difficulty: Of its chain; the heavier chain is followed.
        head_time: Unix seconds of its newest block.
        peers: How many other validators it is connected to.
    """

    validator: int
    height: int
    hash: bytes
    total_difficulty: int
    head_time: int
    peers: int


def views(consortium: Consortium) -> Mapping[int, View | None]:
    """Return what every validator answers now, by number; None of one that does not."""
    with ThreadPoolExecutor(len(consortium.validators)) as together:
        found = together.map(_view, consortium.validators)
        return dict(zip((one.number for one in consortium.validators), found, strict=True))


def heads(found: Mapping[int, View | None]) -> list[bytes | None]:
    """Return the hash of each one's newest block; None of one that does not answer."""
    return [None if view is None else view.hash for view in found.values()]


def sealed(validator: Validator, blocks: int) -> Mapping[bytes, int]:
    """Return how many of the newest blocks that a validator has each account sealed; block 0 has no sealer.

    Raises:
        NodeUnavailable: It does not answer.
    """
    head = int(validator.call("eth_blockNumber"), 16)
    numbers = range(max(1, head - blocks + 1), head + 1)
    return Counter(bytes.fromhex(validator.call("clique_getSigner", hex(number))[2:]) for number in numbers)


def block(validator: Validator, tag: str) -> Any:
    """Return a block's members, without transactions, by number, tag or hash; None where there is none.

    Raises:
        NodeUnavailable: It does not answer.
    """
    method = "eth_getBlockByHash" if len(tag) == _HASH_HEX else "eth_getBlockByNumber"
    return validator.call(method, tag, False)  # noqa: FBT003 - a JSON-RPC parameter


_HASH_HEX = 66


def _view(validator: Validator) -> View | None:
    try:
        head = block(validator, "latest")
        peers = int(validator.call("net_peerCount"), 16)
    except NodeUnavailable:
        return None
    return View(
        validator=validator.number,
        height=int(head["number"], 16),
        hash=bytes.fromhex(head["hash"][2:]),
        total_difficulty=int(head["totalDifficulty"], 16),
        head_time=int(head["timestamp"], 16),
        peers=peers,
    )
