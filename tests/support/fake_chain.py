"""A chain whose headers, state and receipts hash as a real one's, and nodes that tell of it over HTTP.

The chain is plain data, so that a test forks it with a copy; a node may lag, hang, or lie where a test tells it to.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import rlp
from support.node_server import Tamper
from trie.hexary import HexaryTrie

from chainsvc.chain.facts import from_hex, to_hex, to_int
from chainsvc.proof.keccak import EMPTY_CODE, keccak256
from chainsvc.proof.trie import EMPTY_ROOT

ACCOUNT = bytes.fromhex("aa" * 20)
CONTRACT = bytes.fromhex("bb" * 20)
SLOT = bytes(31) + b"\x01"
TOPIC = keccak256(b"Happened()")
CHAIN_ID = 31337
_BLOOM = bytes(256)


@dataclass(frozen=True)
class FakeBlock:
    """A block as JSON-RPC has it, with what its roots stand for."""

    members: dict[str, Any]
    state: Any
    storage: Any
    receipts: list[dict[str, Any]]
    nonce: int

    @property
    def number(self) -> int:
        return to_int(self.members["number"])

    @property
    def hash(self) -> bytes:
        return from_hex(self.members["hash"])


@dataclass
class FakeChain:
    """Blocks from genesis on; each carries one transaction of the account, and changes the slot."""

    salt: bytes = b""
    blocks: list[FakeBlock] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.blocks:
            self.grow(1)

    def grow(self, count: int, *, salt: bytes | None = None) -> "FakeChain":
        """Add blocks; another salt makes another branch."""
        for _ in range(count):
            self.blocks.append(self._next(self.salt if salt is None else salt))
        return self

    def fork(self, number: int, salt: bytes) -> "FakeChain":
        """Return a chain that is the same up to and with a block, and goes on apart."""
        return FakeChain(salt, self.blocks[: number + 1])

    def transaction(self, number: int) -> bytes:
        """Return the hash of the transaction in a block."""
        return from_hex(self.blocks[number].receipts[0]["transactionHash"])

    def _next(self, salt: bytes) -> FakeBlock:
        number = len(self.blocks)
        storage: Any = HexaryTrie({})
        storage.set(keccak256(SLOT), rlp.encode(number + 1))
        state: Any = HexaryTrie({})
        state.set(keccak256(ACCOUNT), rlp.encode([number, 10**18, EMPTY_ROOT, EMPTY_CODE]))
        state.set(keccak256(CONTRACT), rlp.encode([1, 0, storage.root_hash, keccak256(b"code")]))
        log: dict[str, Any] = {"address": CONTRACT, "topics": [TOPIC], "data": number.to_bytes(32)}
        receipt = rlp.encode([1, 21_000, _BLOOM, [[log["address"], log["topics"], log["data"]]]])
        receipts: Any = HexaryTrie({})
        receipts.set(rlp.encode(0), b"\x02" + receipt)
        parent = self.blocks[-1].hash if self.blocks else bytes(32)
        roots = state.root_hash, receipts.root_hash
        members = _header(number, parent, *roots, salt)
        return FakeBlock(members, state, storage, [_receipt(members, log)], number)


def _header(number: int, parent: bytes, state: bytes, receipts: bytes, salt: bytes) -> dict[str, Any]:
    time_ = 1_700_000_000 + number
    fields = [parent, bytes(32), bytes(20), state, EMPTY_ROOT, receipts, _BLOOM, 1, number, 30_000_000, 21_000, time_]
    block_hash = keccak256(rlp.encode([*fields, salt, bytes(32), bytes(8), 7]))
    names = ("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom")
    numbers = ("difficulty", "number", "gasLimit", "gasUsed", "timestamp")
    values: dict[str, Any] = dict(zip((*names, *numbers), fields, strict=True))
    rest = {"extraData": salt, "mixHash": bytes(32), "nonce": bytes(8), "baseFeePerGas": 7, "hash": block_hash}
    return {name: hex(value) if isinstance(value, int) else to_hex(value) for name, value in (values | rest).items()}


def _receipt(members: dict[str, Any], log: dict[str, Any]) -> dict[str, Any]:
    place = {"blockNumber": members["number"], "blockHash": members["hash"]}
    place["transactionHash"] = to_hex(keccak256(members["hash"].encode()))
    data = {"address": to_hex(log["address"]), "topics": [to_hex(TOPIC)], "data": to_hex(log["data"])}
    return {
        **place,
        "type": "0x2",
        "status": "0x1",
        "cumulativeGasUsed": "0x5208",
        "gasUsed": "0x5208",
        "logsBloom": to_hex(_BLOOM),
        "logs": [{**data, **place, "logIndex": "0x0"}],
    }


@dataclass
class FakeNode:
    """A node that tells of a chain.

    Attributes:
        chain: What it has; another one may be put in its place.
        url: Its address.
        behind: Blocks that it does not have yet.
        pause_s: Before each answer.
        is_dead: It breaks every connection.
        lies: By method: given the parameters and the true result, what it says instead.
        taken: Transactions that were handed over.
        asked: How often, by method.
    """

    chain: FakeChain
    url: str = ""
    behind: int = 0
    pause_s: float = 0.0
    is_dead: bool = False
    chain_id: int = CHAIN_ID
    lies: dict[str, Tamper] = field(default_factory=dict)
    taken: list[bytes] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)

    def answer(self, call: dict[str, Any]) -> dict[str, Any]:
        time.sleep(self.pause_s)
        method, params = call["method"], call["params"]
        self.asked[method] = self.asked.get(method, 0) + 1
        try:
            result = getattr(self, f"_{method}")(*params)
            said = self.lies[method](params, result) if method in self.lies else result
        except LookupError as error:
            return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32000, "message": str(error.args[0])}}
        return {"jsonrpc": "2.0", "id": call["id"], "result": said}

    @property
    def _blocks(self) -> list[FakeBlock]:
        return self.chain.blocks[: len(self.chain.blocks) - self.behind]

    def _at(self, tag: Any) -> FakeBlock:
        blocks = self._blocks
        if isinstance(tag, dict):
            tag = tag["blockHash"]
        found = [b for b in blocks if tag in (b.members["hash"], b.members["number"])]
        if tag in ("latest", "pending"):
            found = blocks[-1:]
        if not found:
            raise LookupError("header not found")
        return found[0]

    def _found(self, tag: str) -> FakeBlock | None:
        try:
            return self._at(tag)
        except LookupError:
            return None

    def _eth_chainId(self) -> str:  # noqa: N802 - JSON-RPC names
        return hex(self.chain_id)

    def _eth_getBlockByNumber(self, tag: str, _full: object) -> Any:  # noqa: N802
        block = self._found(tag)
        return block and block.members

    def _eth_getBlockByHash(self, tag: str, _full: object) -> Any:  # noqa: N802
        return self._eth_getBlockByNumber(tag, _full)

    def _eth_getProof(self, address: str, slots: list[str], tag: str) -> Any:  # noqa: N802
        block, key = self._at(tag), from_hex(address)
        nonce, balance, root, code = _account(block.state, key)
        storage = block.storage if key == CONTRACT else HexaryTrie({})
        return {
            "accountProof": _proof(block.state, key),
            "nonce": nonce,
            "balance": balance,
            "storageHash": root,
            "codeHash": code,
            "storageProof": [
                {"key": slot, "value": _value(storage, from_hex(slot)), "proof": _proof(storage, from_hex(slot))}
                for slot in slots
            ],
        }

    def _eth_getTransactionReceipt(self, transaction: str) -> Any:  # noqa: N802
        every = (receipt for block in self._blocks for receipt in block.receipts)
        return next((receipt for receipt in every if receipt["transactionHash"] == transaction), None)

    def _eth_getTransactionByHash(self, transaction: str) -> Any:  # noqa: N802
        waits = any(keccak256(raw) == from_hex(transaction) for raw in self.taken)
        return {"hash": transaction} if waits else self._eth_getTransactionReceipt(transaction)

    def _eth_getBlockReceipts(self, tag: str) -> Any:  # noqa: N802
        block = self._found(tag)
        return block and block.receipts

    def _eth_getLogs(self, wanted: dict[str, Any]) -> Any:  # noqa: N802
        first, last = to_int(wanted["fromBlock"]), to_int(wanted["toBlock"])
        found = [block for block in self._blocks if first <= block.number <= last]
        return [log for block in found for receipt in block.receipts for log in receipt["logs"]]

    def _eth_call(self, _call: object, tag: Any) -> Any:
        return to_hex(self._at(tag).number.to_bytes(32))

    def _eth_estimateGas(self, _call: object, _tag: object) -> str:  # noqa: N802
        return hex(50_000)

    def _eth_getTransactionCount(self, _address: str, tag: str) -> str:  # noqa: N802
        return hex(self._at(tag).nonce + len(self.taken))

    def _eth_sendRawTransaction(self, raw: str) -> str:  # noqa: N802
        self.taken.append(from_hex(raw))
        return to_hex(keccak256(from_hex(raw)))


def _account(state: Any, address: bytes) -> tuple[str, str, str, str]:
    data = state.get(keccak256(address))
    if not data:
        return "0x0", "0x0", to_hex(EMPTY_ROOT), to_hex(EMPTY_CODE)
    nonce, balance, root, code = rlp.decode(data)
    return hex(int.from_bytes(nonce)), hex(int.from_bytes(balance)), to_hex(root), to_hex(code)


def _value(storage: Any, slot: bytes) -> str:
    data = storage.get(keccak256(slot))
    return hex(int.from_bytes(rlp.decode(data))) if data else "0x0"


def _proof(trie: Any, key: bytes) -> list[str]:
    if trie.root_hash == EMPTY_ROOT:
        return []
    encoded = [rlp.encode(node) for node in trie.get_proof(keccak256(key))]
    return [to_hex(node) for i, node in enumerate(encoded) if i == 0 or len(node) >= 32]
