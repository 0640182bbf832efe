"""Deployed contracts in tests: call, send, read what was emitted, and say by name what was refused."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from eth_abi.abi import decode, encode
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak
from support.anvil import Node, RpcRefused

from chainsvc.chain.artifacts import Artifact, artifact

_GAS = hex(25_000_000)
_HEADER_ONLY = False
_PANIC = bytes.fromhex("4e487b71")


class Refused(Exception):
    """A revert, decoded.

    Attributes:
        name: Name of the custom error.
        values: Its arguments, in order.
    """

    def __init__(self, name: str, values: tuple[Any, ...]) -> None:
        super().__init__(f"{name}{values}")
        self.name = name
        self.values = values


class Event(NamedTuple):
    """One emitted event with its arguments by name."""

    name: str
    values: dict[str, Any]


class Receipt(NamedTuple):
    """What one transaction did."""

    block: int
    time: int
    gas: int
    events: tuple[Event, ...]
    address: str | None

    def event(self, name: str) -> dict[str, Any]:
        """Return the values of the only event of this name."""
        (found,) = [event.values for event in self.events if event.name == name]
        return found


class Contract:
    """One contract at one address."""

    def __init__(self, node: Node, address: str, abi: list[dict[str, Any]]) -> None:
        self.node = node
        self.address = address
        self.abi = abi
        self._functions = {entry["name"]: entry for entry in abi if entry["type"] == "function"}
        self._errors = {selector(entry): entry for entry in abi if entry["type"] == "error"}
        self._events = {topic(entry): entry for entry in abi if entry["type"] == "event"}

    @property
    def raw_address(self) -> bytes:
        """The 20 bytes of the address."""
        return bytes.fromhex(self.address[2:])

    def data(self, function: str, *arguments: object) -> str:
        """Return calldata in hex."""
        entry = self._functions[function]
        return "0x" + (selector(entry) + encode(types(entry["inputs"]), arguments)).hex()

    def call(self, function: str, *arguments: object, sender: str | None = None) -> Any:
        """Return what a call answers at the head: one value, or a tuple of several."""
        request = {"to": self.address, "data": self.data(function, *arguments), "gas": _GAS}
        if sender is not None:
            request["from"] = sender
        try:
            answer = self.node.rpc("eth_call", request, "latest")
        except RpcRefused as refusal:
            raise self._decoded(refusal) from None
        values = decode(types(self._functions[function]["outputs"]), bytes.fromhex(answer[2:]))
        return values[0] if len(values) == 1 else values

    def send(self, sender: str, function: str, *arguments: object) -> Receipt:
        """Send a transaction and return its receipt, or raise :class:`Refused`."""
        data = self.data(function, *arguments)
        receipt = send(self.node, sender, self.address, data)
        if receipt["status"] != "0x1":
            self._explain(sender, data, receipt["blockNumber"])
        return self._receipt(receipt)

    def assert_refused(self, sender: str, function: str, *arguments: object, error: tuple[Any, ...]) -> None:
        """Assert that a call is refused with this custom error: its name, then all its arguments.

        ``test_errors_covered.py`` reads the names from these calls, so write each as a literal.
        """
        with pytest.raises(Refused) as caught:
            self.call(function, *arguments, sender=sender)
        assert (caught.value.name, *caught.value.values) == error

    def _explain(self, sender: str, data: str, block: str) -> None:
        request = {"from": sender, "to": self.address, "data": data, "gas": _GAS}
        try:
            self.node.rpc("eth_call", request, block)
        except RpcRefused as refusal:
            raise self._decoded(refusal) from None
        raise AssertionError("the transaction failed, the same call at its block did not")

    def _decoded(self, refusal: RpcRefused) -> Exception:
        raw = bytes.fromhex((refusal.data or "0x")[2:])
        if raw[:4] == _PANIC:
            return Refused("Panic", decode(["uint256"], raw[4:]))
        entry = self._errors.get(raw[:4])
        if entry is None:
            return refusal
        return Refused(entry["name"], decode(types(entry["inputs"]), raw[4:]))

    def _receipt(self, receipt: dict[str, Any]) -> Receipt:
        number = receipt["blockNumber"]
        time = int(self.node.rpc("eth_getBlockByNumber", number, _HEADER_ONLY)["timestamp"], 16)
        events = tuple(e for log in receipt["logs"] if (e := self._event(log)) is not None)
        return Receipt(int(number, 16), time, int(receipt["gasUsed"], 16), events, receipt["contractAddress"])

    def _event(self, log: dict[str, Any]) -> Event | None:
        entry = self._events.get(bytes.fromhex(log["topics"][0][2:]))
        if entry is None or log["address"] != self.address:
            return None
        indexed = [i for i in entry["inputs"] if i["indexed"]]
        plain = [i for i in entry["inputs"] if not i["indexed"]]
        values = {
            i["name"]: decode([i["type"]], bytes.fromhex(raw[2:]))[0]
            for i, raw in zip(indexed, log["topics"][1:], strict=True)
        }
        data = decode(types(plain), bytes.fromhex(log["data"][2:]))
        return Event(entry["name"], values | {i["name"]: v for i, v in zip(plain, data, strict=True)})


def deploy(node: Node, sender: str, name: str, *arguments: object) -> Contract:
    """Deploy a compiled contract; raise :class:`Refused` when its constructor reverts."""
    return deploy_artifact(node, sender, artifact(name), *arguments)


def deploy_artifact(node: Node, sender: str, compiled: Artifact, *arguments: object) -> Contract:
    """Deploy this artifact."""
    inputs: list[dict[str, Any]] = next((e["inputs"] for e in compiled.abi if e["type"] == "constructor"), [])
    data = "0x" + (compiled.bytecode + encode(types(inputs), arguments)).hex()
    receipt = send(node, sender, None, data)
    contract = Contract(node, receipt["contractAddress"], compiled.abi)
    if receipt["status"] != "0x1":
        try:
            node.rpc("eth_call", {"from": sender, "data": data, "gas": _GAS}, "latest")
        except RpcRefused as refusal:
            raise contract._decoded(refusal) from None
    return contract


def assert_deployment_refused(node: Node, sender: str, name: str, *arguments: object, error: tuple[Any, ...]) -> None:
    """Assert that a constructor reverts with this custom error: its name, then all its arguments."""
    with pytest.raises(Refused) as caught:
        deploy(node, sender, name, *arguments)
    assert (caught.value.name, *caught.value.values) == error


def send(node: Node, sender: str, to: str | None, data: str) -> dict[str, Any]:
    """Send a transaction of any account and return the raw receipt, failed or not."""
    request = {"from": sender, "data": data, "gas": _GAS, "gasPrice": "0x0"} | ({"to": to} if to else {})
    receipt: dict[str, Any] = node.rpc("eth_sendTransactionSync", request)
    return receipt


def types(inputs: Sequence[dict[str, Any]]) -> list[str]:
    """Return the ABI types, structs as tuples."""
    return [collapse_if_tuple(entry) for entry in inputs]


def signature(entry: dict[str, Any]) -> str:
    """Return ``name(types)`` of a function, error or event."""
    return f"{entry['name']}({','.join(types(entry['inputs']))})"


def selector(entry: dict[str, Any]) -> bytes:
    """Return the four bytes that name a function or an error."""
    return keccak(text=signature(entry))[:4]


def topic(entry: dict[str, Any]) -> bytes:
    """Return topic 0 of an event."""
    return keccak(text=signature(entry))
