"""A live node as a source: plain JSON-RPC over HTTP, so that a verifier needs no chain library."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import httpx
import orjson

from chainsvc.errors import (
    ConfigurationRefused,
    MalformedInput,
    NetworkMismatch,
    NodeUnavailable,
    NotFound,
    NotReady,
)
from chainsvc.evidence import Proof
from chainsvc.network import FINALIZED, Network
from chainsvc.proof.keccak import keccak256
from chainsvc.verify import wording
from chainsvc.verify.finality import newest_sealed
from chainsvc.verify.sources import Block, BlockHash, Code, Place
from chainsvc.verify.wording import Wording

TIMEOUT = 10.0
"""Seconds for one request to the node."""

MAX_ANSWER = 16_777_216
"""Largest answer of the node to one request, in bytes."""

BATCH = 100
"""Calls of one request; nodes cap it at 1,000 and more."""

_QUANTITY = re.compile(r"0x(?:0|[1-9a-f][0-9a-f]{0,15})")
_HASH = re.compile(r"0x[0-9a-f]{64}")
_DATA = re.compile(r"0x(?:[0-9a-f]{2})*")
_GENESIS = "0x0"

_Call = tuple[str, list[Any]]


@dataclass(frozen=True)
class NodeSnapshot:
    """Values that a node answered for one block.

    Attributes:
        block: The block.
        trust: Which node.
        values: 32 bytes by name.
    """

    block: Block
    trust: str
    values: Mapping[str, bytes]

    def value(self, name: str) -> bytes:
        """Return the value of that name.

        Raises:
            NotFound: It was not read, or the node has no such block.
        """
        if name not in self.values:
            raise NotFound(f"the node has nothing of the {name}")
        return self.values[name]


class NodeSource(ABC):
    """Chain state from nodes, one or several; a context manager.

    Attributes:
        name: Which nodes, without user, password and path.
    """

    uses_proof = False
    leaves_open: Wording
    name: str

    @abstractmethod
    def read(
        self, network: Network, places: Mapping[str, Place], *, at: int | None, proof: Proof | None = None
    ) -> NodeSnapshot:
        """Read all places at one block."""

    @abstractmethod
    def close(self) -> None:
        """Close the connections."""

    def __enter__(self) -> Self:
        """Use it in a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()


class LiveNode(NodeSource):
    """A chain node; use one that you run yourself, or that somebody without an interest in the answer runs."""

    leaves_open = wording.OWN_NODE

    def __init__(self, url: str, *, timeout: float = TIMEOUT, transport: httpx.BaseTransport | None = None) -> None:
        """Name the node; nothing is sent yet.

        Args:
            url: JSON-RPC endpoint, ``http://host:port``.
            timeout: Seconds for one request.
            transport: Another way to send, e.g. in tests.

        Raises:
            ConfigurationRefused: Not an HTTP address.
        """
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ConfigurationRefused("not a node's address", expected="http://host:port", got=url[:80]) from error
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise ConfigurationRefused("not a node's address", expected="http://host:port", got=url[:80])
        self._url = parsed
        self.name = f"{parsed.scheme}://{parsed.netloc.decode()}"  # without user, password and path
        # A node of one's own is reached directly: a proxy from the environment would be asked about loopback too.
        self._http = httpx.Client(timeout=timeout, transport=transport, trust_env=False)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def read(
        self, network: Network, places: Mapping[str, Place], *, at: int | None, proof: Proof | None = None
    ) -> NodeSnapshot:
        """Read all places at one block, whose hash is read again afterwards.

        Raises:
            NetworkMismatch: Chain id or genesis block are not the descriptor's.
            NotReady: The block asked for is not final yet.
            NodeUnavailable: No answer, a wrong one, state no longer kept, or a block that moved meanwhile.
        """
        del proof  # a node answers for itself
        block = self._pin(network, at)
        names = list(places)
        values: dict[str, bytes] = {}
        for start in range(0, len(names), BATCH):
            part = names[start : start + BATCH]
            answers = self._batch([_call(places[name], block.number) for name in part])
            values.update(_named(part, [places[name] for name in part], answers))
        self._confirm(block)
        return NodeSnapshot(block, f"node {self.name}", values)

    def final(self, network: Network) -> Block:
        """Return the newest final block by the descriptor's rule.

        Raises:
            NetworkMismatch: Chain id or genesis block are not the descriptor's.
            NodeUnavailable: No answer, or a wrong one.
        """
        return self._pin(network, None)

    def _pin(self, network: Network, at: int | None) -> Block:
        """Choose the block: final by the descriptor's rule, and of the right chain."""
        chain_id, genesis, latest = self._batch(
            [
                ("eth_chainId", []),
                ("eth_getBlockByNumber", [_GENESIS, False]),
                ("eth_getBlockByNumber", ["latest", False]),
            ]
        )
        if (found := _quantity(chain_id)) != network.chain_id:
            raise NetworkMismatch("the node is on another chain", expected=network.chain_id, got=found, where=self.name)
        if (first := _block(genesis).hash) != network.genesis:
            raise NetworkMismatch(
                "the node's chain has another genesis block",
                expected=network.genesis.hex(),
                got=first.hex(),
                where=self.name,
            )
        tip = _block(latest)
        final = self._final(network, tip.number)
        number = final if at is None else at
        if number > final:
            raise NotReady(
                "the block is not final yet",
                expected=f"at most block {final}",
                got=f"block {number}",
                where=self.name,
            )
        return tip if number == tip.number else self._block_at(number)

    def _final(self, network: Network, head: int) -> int:
        """Return the number of the newest final block."""
        engine = network.engine
        if engine.confirmations is not None:
            return max(head - engine.confirmations, 0)
        if engine.finality == FINALIZED:
            return _block(self._batch([("eth_getBlockByNumber", [FINALIZED, False])])[0]).number
        try:
            return newest_sealed(network, head, self._blocks, self.name)
        except MalformedInput as error:
            raise NodeUnavailable(error.message, expected=error.expected, got=error.got, where=self.name) from error

    def _blocks(self, numbers: Sequence[int]) -> list[Any]:
        return self._batch([("eth_getBlockByNumber", [hex(number), False]) for number in numbers])

    def _block_at(self, number: int) -> Block:
        return _block(self._batch([("eth_getBlockByNumber", [hex(number), False])])[0])

    def _confirm(self, block: Block) -> None:
        again = self._block_at(block.number)
        if again.hash != block.hash:
            raise NodeUnavailable(
                "the block changed while it was read",
                expected=block.hash.hex(),
                got=again.hash.hex(),
                where=self.name,
                hint="Try again, at a block that is final.",
            )

    def _batch(self, calls: Sequence[_Call]) -> list[Any]:
        """Send calls in one request and return their results in order."""
        request = [
            {"jsonrpc": "2.0", "id": index, "method": method, "params": params}
            for index, (method, params) in enumerate(calls)
        ]
        with self._translated():
            answers = orjson.loads(self._post(orjson.dumps(request)))  # orjson bounds depth: a node may be hostile
            if not isinstance(answers, list):
                raise NodeUnavailable("the node refused the request", got=str(answers)[:200], where=self.name)
            by_id = {answer["id"]: answer for answer in answers}
            return [self._result(by_id[index]) for index in range(len(calls))]

    def _result(self, answer: Mapping[str, Any]) -> Any:
        if "error" in answer:
            raise NodeUnavailable(
                "the node refused a read",
                got=str(answer["error"])[:200],
                where=self.name,
                hint="A node that keeps no old state can't answer for old blocks: use an archive node.",
            )
        return answer["result"]

    def _post(self, body: bytes) -> bytes:
        headers = {"content-type": "application/json"}
        with self._http.stream("POST", self._url, content=body, headers=headers) as response:
            response.raise_for_status()
            data = bytearray()
            for chunk in response.iter_bytes():
                data += chunk
                if len(data) > MAX_ANSWER:
                    raise NodeUnavailable("the node's answer is too large", expected=f"at most {MAX_ANSWER} bytes")
            return bytes(data)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPError as error:
            raise NodeUnavailable(
                f"the node does not answer: {type(error).__name__}", got=str(error)[:200] or None, where=self.name
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise NodeUnavailable("the node's answer is not JSON-RPC", where=self.name) from error


def _call(place: Place, number: int) -> _Call:
    if isinstance(place, BlockHash):
        return "eth_getBlockByNumber", [hex(place.number), False]
    if isinstance(place, Code):
        return "eth_getCode", [f"0x{place.address.hex()}", hex(number)]
    return "eth_getStorageAt", [f"0x{place.address.hex()}", f"0x{place.key.hex()}", hex(number)]


def _named(names: Sequence[str], places: Sequence[Place], answers: Sequence[Any]) -> Iterator[tuple[str, bytes]]:
    for name, place, answer in zip(names, places, answers, strict=True):
        if isinstance(place, BlockHash):
            if answer is not None:  # a block that the node does not have
                yield name, _block(answer).hash
        elif isinstance(place, Code):
            yield name, keccak256(_bytes(answer, _DATA))
        else:
            yield name, _bytes(answer, _HASH)


def _block(answer: Any) -> Block:
    if not isinstance(answer, dict):
        raise NodeUnavailable("the node has no such block", got=str(answer)[:80])
    return Block(_quantity(answer.get("number")), _bytes(answer.get("hash"), _HASH), _quantity(answer.get("timestamp")))


def _quantity(answer: Any) -> int:
    if not isinstance(answer, str) or not _QUANTITY.fullmatch(answer):
        raise NodeUnavailable("the node's answer is no quantity", expected="0x and hex digits", got=str(answer)[:80])
    return int(answer, 16)


def _bytes(answer: Any, form: re.Pattern[str]) -> bytes:
    if not isinstance(answer, str) or not form.fullmatch(answer):
        raise NodeUnavailable("the node's answer has another form", expected=form.pattern, got=str(answer)[:80])
    return bytes.fromhex(answer[2:])
