"""Calls, events and errors of a contract, encoded and decoded by its ABI; addresses are 20 bytes on our side."""

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import collapse_if_tuple

from chainsvc.chain.artifacts import INSTITUTIONS, POLICY_CONTRACTS, artifact
from chainsvc.chain.facts import Log, from_hex
from chainsvc.errors import MalformedInput
from chainsvc.proof.keccak import keccak256

_SELECTOR = 4
_INDEXED_AS_HASH = ("string", "bytes")


class Abi:
    """One contract's ABI, as the compiler writes it.

    Args:
        entries: The JSON array.
    """

    def __init__(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Index the entries by name; overloaded functions are not used in this project."""
        self._entries = entries
        self._functions = {entry["name"]: entry for entry in entries if entry["type"] == "function"}

    def call(self, function: str, *arguments: object) -> bytes:
        """Return the calldata of a call; structs are tuples."""
        entry = self._functions[function]
        return _selector(entry) + encode(_types(entry["inputs"]), arguments)

    def result(self, function: str, data: bytes) -> tuple[Any, ...]:
        """Return what a call gave back.

        Raises:
            MalformedInput: Not what the function returns; most likely there is no such contract.
        """
        try:
            return tuple(_decoded(self._functions[function]["outputs"], data))
        except DecodingError as error:
            raise MalformedInput(
                f"the answer to {function} is not what the contract returns",
                got=data[:32].hex() or "nothing",
                hint="No chainsvc contract is at this address; check the network descriptor against the node.",
            ) from error

    def construction(self, *arguments: object) -> bytes:
        """Return the encoded constructor arguments, which follow the bytecode."""
        constructor = [one for one in self._entries if one["type"] == "constructor"]
        inputs = constructor[0]["inputs"] if constructor else []
        return encode(_types(inputs), arguments)

    def topic(self, event: str) -> bytes:
        """Return topic 0 of an event, 32 bytes."""
        return next(topic for topic, entry in self._events.items() if entry["name"] == event)

    def event(self, log: Log) -> tuple[str, dict[str, Any]] | None:
        """Return an event's name and arguments, or None when the log is none of this contract's."""
        entry = self._events.get(log.topics[0]) if log.topics else None
        if entry is None:
            return None
        indexed = [one for one in entry["inputs"] if one["indexed"]]
        plain = [one for one in entry["inputs"] if not one["indexed"]]
        values = {one["name"]: _topic(one, topic) for one, topic in zip(indexed, log.topics[1:], strict=True)}
        named = zip(plain, _decoded(plain, log.data), strict=True)
        return entry["name"], values | {one["name"]: value for one, value in named}

    def error(self, data: bytes) -> tuple[str, dict[str, Any]] | None:
        """Return a custom error's name and arguments, or None when it is none of this contract's."""
        entry = self._errors.get(data[:_SELECTOR])
        if entry is None:
            return None
        try:
            values = _decoded(entry["inputs"], data[_SELECTOR:])
        except DecodingError:
            return None
        return entry["name"], {one["name"]: value for one, value in zip(entry["inputs"], values, strict=True)}

    @cached_property
    def _events(self) -> dict[bytes, Mapping[str, Any]]:
        return {keccak256(_signature(entry)): entry for entry in self._entries if entry["type"] == "event"}

    @cached_property
    def _errors(self) -> dict[bytes, Mapping[str, Any]]:
        return {_selector(entry): entry for entry in self._entries if entry["type"] == "error"}


@cache
def abi_of(contract: str) -> Abi:
    """Return the ABI of one of this project's contracts, by name."""
    return Abi(artifact(contract).abi)


def all_abis() -> tuple[Abi, ...]:
    """Return the ABIs of all contracts that are deployed: whose custom errors may appear."""
    return tuple(map(abi_of, (INSTITUTIONS, *POLICY_CONTRACTS)))


def _types(parameters: Sequence[Mapping[str, Any]]) -> list[str]:
    return [collapse_if_tuple(dict(one)) for one in parameters]


def _signature(entry: Mapping[str, Any]) -> bytes:
    return f"{entry['name']}({','.join(_types(entry['inputs']))})".encode()


def _selector(entry: Mapping[str, Any]) -> bytes:
    return keccak256(_signature(entry))[:_SELECTOR]


def _topic(parameter: Mapping[str, Any], topic: bytes) -> Any:
    kind = parameter["type"]
    # Solidity ABI: indexed strings, bytes and arrays are only there as their hash
    hashed = kind in _INDEXED_AS_HASH or kind.endswith("]")
    return topic if hashed else _decoded([parameter], topic)[0]


def _decoded(parameters: Sequence[Mapping[str, Any]], data: bytes) -> list[Any]:
    values = decode(_types(parameters), data)
    return [
        from_hex(value) if one["type"] == "address" else value for one, value in zip(parameters, values, strict=True)
    ]
