"""A second look at the chain, by raw JSON-RPC and the formats of support.plain: it shares no line with chainsvc."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from support import plain
from support.anvil import Node
from support.drill.promises import Broken
from support.plain_chain import k, plain_word, proven, rlp, slot_of

_ANCHORED = k(b"Anchored(bytes32,uint64,uint64,uint32,bytes32,uint64,uint64,address,bytes32,bytes32)").hex()


class Leaf(NamedTuple):
    """One entry as the service lists it, in the order of ``seq``."""

    commitment: bytes
    credit: int
    debit: int


class Sent(NamedTuple):
    """One transaction on chain."""

    block: int
    succeeded: bool
    nonce: int


class Witness:
    """What a node says of the network of a descriptor.

    Args:
        node: Raw JSON-RPC.
        network: The descriptor's JSON; kept for who needs it too.
    """

    def __init__(self, node: Node, network: dict[str, Any]) -> None:
        self._node, self.network = node, network
        self._block = node.rpc("eth_getBlockByNumber", "latest", False)  # noqa: FBT003 - a JSON-RPC parameter
        self._times: dict[str, int] = {}

    def check_ledger(self, name: str, *, suite: int, flags: int, leaves: Sequence[Leaf]) -> dict[bytes, int]:
        """Recompute every root and head of a ledger, and prove the last against the state root.

        Returns:
            The time of the block that anchored each commitment.
        """
        contract = next(c["address"] for c in self.network["ledgers"] if c["kind"] == name.partition("/")[0])
        ledger = plain.ledger_id(self.network["networkId"], contract, suite, flags, name)
        anchored: dict[bytes, int] = {}
        head, sums = bytes(32), [0, 0]
        for index, batch in enumerate(self._batches(contract, ledger)):
            _same(batch["index"], index, f"{name}: number of batch {index}")
            _same(batch["first"], len(anchored), f"{name}: first entry of batch {index}")
            _same(batch["prev"], head.hex(), f"{name}: head before batch {index}")
            members = leaves[batch["first"] : batch["first"] + batch["count"]]
            _same(len(members), batch["count"], f"{name}: entries of batch {index}")
            nodes = [plain.leaf(suite, ledger, batch["first"] + i, *leaf) for i, leaf in enumerate(members)]
            root = plain.tree(suite, nodes)
            _same(batch["root"], list(root), f"{name}: root and sums of batch {index}")
            head = plain.head(ledger, batch, root)
            _same(batch["head"], head.hex(), f"{name}: head of batch {index}")
            sums = [sums[0] + root[1], sums[1] + root[2]]
            for leaf in members:
                if leaf.commitment in anchored:
                    raise Broken(f"{name}: {leaf.commitment.hex()} is anchored twice")
                anchored[leaf.commitment] = batch["time"]
            last = index
        _same(len(anchored), len(leaves), f"{name}: anchored entries")
        if anchored:
            self._prove(contract, ledger, last, head, (len(anchored), last + 1, *sums))
        return anchored

    def sent_by(self, account: bytes) -> dict[bytes, Sent]:
        """Return all transactions of an account, by hash, from every block there is."""
        found = {}
        for number in range(int(self._block["number"], 16) + 1):
            block = self._node.rpc("eth_getBlockByNumber", hex(number), True)  # noqa: FBT003 - with transactions
            for transaction in block["transactions"]:
                if transaction["from"] == f"0x{account.hex()}":
                    receipt = self._node.rpc("eth_getTransactionReceipt", transaction["hash"])
                    succeeded, nonce = receipt["status"] == "0x1", int(transaction["nonce"], 16)
                    found[_bytes(transaction["hash"])] = Sent(number, succeeded, nonce)
        return found

    def state(self) -> dict[str, Any]:
        """Return the chain's state as support.plain_chain.Node reads it, each value asked for when it is read."""
        block = {"number": int(self._block["number"], 16), "hash": self._block["hash"][2:]}
        return {"block": block, "codeHashes": _Codes(self._node), "slots": _Accounts(self._node)}

    def _batches(self, contract: str, ledger: bytes) -> list[dict[str, Any]]:
        wanted = {"address": f"0x{contract}", "topics": [f"0x{_ANCHORED}", f"0x{ledger.hex()}"], "fromBlock": "0x0"}
        return [self._batch(log) for log in self._node.rpc("eth_getLogs", wanted | {"toBlock": self._block["number"]})]

    def _batch(self, log: dict[str, Any]) -> dict[str, Any]:
        data = _bytes(log["data"])
        words = [data[at : at + 32] for at in range(0, len(data), 32)]
        first, count, root, credit, debit, actor, prev, head = words
        return {
            "index": int(log["topics"][2], 16),
            "first": int.from_bytes(first),
            "count": int.from_bytes(count),
            "root": [root.hex(), int.from_bytes(credit), int.from_bytes(debit)],
            "actor": actor[12:].hex(),
            "prev": prev.hex(),
            "head": head.hex(),
            "block": int(log["blockNumber"], 16),
            "time": self._time_of(log),
        }

    def _time_of(self, log: dict[str, Any]) -> int:
        if log["blockHash"] not in self._times:
            block = self._node.rpc("eth_getBlockByNumber", log["blockNumber"], False)  # noqa: FBT003 - a JSON-RPC parameter
            _same(block["hash"], log["blockHash"], f"block {log['blockNumber']}")
            self._times[log["blockHash"]] = int(block["timestamp"], 16)
        return self._times[log["blockHash"]]

    def _prove(self, contract: str, ledger: bytes, last: int, head: bytes, state: tuple[int, ...]) -> None:
        slots = self.network["slots"]
        places = [slot_of(ledger, slots["heads"], last), slot_of(ledger, slots["state"])]
        wanted = [f"0x{place.hex()}" for place in places]
        proof = self._node.rpc("eth_getProof", f"0x{contract}", wanted, self._block["number"])
        account = proven(_bytes(self._block["stateRoot"]), bytes.fromhex(contract), _hexes(proof["accountProof"]))
        storage_root = rlp(account)[2]
        held = [
            plain_word(proven(storage_root, place, _hexes(one["proof"])))
            for place, one in zip(places, proof["storageProof"], strict=True)
        ]
        _same(held[0].hex(), head.hex(), "the proven head")
        _same(tuple(int.from_bytes(held[1][at : at + 8]) for at in range(0, 32, 8)), state, "the proven count and sums")


class _Codes(dict[str, str]):
    """Code hashes by address."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._node = node

    def __missing__(self, address: str) -> str:
        self[address] = k(_bytes(self._node.rpc("eth_getCode", f"0x{address}", "latest"))).hex()
        return self[address]


class _Accounts(dict[str, "_Slots"]):
    """Storage by address."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._node = node

    def __missing__(self, address: str) -> "_Slots":
        self[address] = _Slots(self._node, address)
        return self[address]


class _Slots:
    """One account's storage."""

    def __init__(self, node: Node, address: str) -> None:
        self._node, self._address = node, address

    def get(self, slot: str, _default: str) -> str:
        value: str = self._node.rpc("eth_getStorageAt", f"0x{self._address}", f"0x{slot}", "latest")
        return value[2:].rjust(64, "0")


def _same(got: object, expected: object, what: str) -> None:
    if got != expected:
        raise Broken(f"{what}: expected {expected}, the chain has {got}")


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _hexes(values: Sequence[str]) -> list[str]:
    return [value[2:] for value in values]
