"""What a node says, as typed facts: blocks, receipts and logs.

Hashes and addresses are bytes; hex with 0x exists only at the JSON-RPC boundary.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


def to_hex(value: bytes) -> str:
    """Return 0x-hex, as JSON-RPC wants it."""
    return f"0x{value.hex()}"


def from_hex(value: str) -> bytes:
    """Return the bytes of 0x-hex."""
    return bytes.fromhex(value.removeprefix("0x"))


def to_int(value: str) -> int:
    """Return the number of a JSON-RPC quantity."""
    return int(value, 16)


def word(text: str) -> bytes:
    """Return a short ASCII text as Solidity's bytesN has it; the encoder pads it on the right."""
    return text.encode("ascii")


def unword(value: bytes) -> str:
    """Return the ASCII text in a bytesN."""
    return value.rstrip(b"\0").decode("ascii")


@dataclass(frozen=True, slots=True)
class Block:
    """A block's place and time.

    Attributes:
        number: Height; 0 is the genesis block.
        hash: 32 bytes.
        parent: The hash of the block before.
        time: In the engine's unit (seconds for all but some).
        state_root: Root of the state after this block.
    """

    number: int
    hash: bytes
    parent: bytes
    time: int
    state_root: bytes

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> Self:
        """Read the answer to ``eth_getBlockByNumber``."""
        return cls(
            to_int(members["number"]),
            from_hex(members["hash"]),
            from_hex(members["parentHash"]),
            to_int(members["timestamp"]),
            from_hex(members["stateRoot"]),
        )


@dataclass(frozen=True, slots=True)
class Log:
    """One event as the chain has it.

    Attributes:
        address: The contract, 20 bytes.
        topics: 32 bytes each; the first names the event.
        data: The arguments that are not indexed.
        block_number: Where it stands.
        block_hash: So that a vanished block is noticed.
        transaction: Hash of its transaction.
        index: Its place in the block.
    """

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: bytes
    transaction: bytes
    index: int

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> Self:
        """Read one member of the answer to ``eth_getLogs``, or of a receipt's logs."""
        return cls(
            from_hex(members["address"]),
            tuple(map(from_hex, members["topics"])),
            from_hex(members["data"]),
            to_int(members["blockNumber"]),
            from_hex(members["blockHash"]),
            from_hex(members["transactionHash"]),
            to_int(members["logIndex"]),
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a mined transaction.

    Attributes:
        transaction: Its hash.
        succeeded: False when it reverted.
        block_number: Where it stands.
        block_hash: Read it again before relying on it: until final, it may move to another block.
        contract: Address of a contract that it created, or None.
        gas_used: In units of gas.
        logs: Its events, in order.
    """

    transaction: bytes
    succeeded: bool
    block_number: int
    block_hash: bytes
    contract: bytes | None
    gas_used: int
    logs: tuple[Log, ...]

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> Self:
        """Read the answer to ``eth_getTransactionReceipt``."""
        created = members.get("contractAddress")
        return cls(
            from_hex(members["transactionHash"]),
            to_int(members["status"]) == 1,
            to_int(members["blockNumber"]),
            from_hex(members["blockHash"]),
            from_hex(created) if created else None,
            to_int(members["gasUsed"]),
            tuple(map(Log.read, members["logs"])),
        )


@dataclass(frozen=True, slots=True)
class StorageProof:
    """Why a slot holds its value.

    Attributes:
        slot: 32 bytes.
        value: 32 bytes; zeros when absent.
        nodes: Trie nodes from the storage root down; empty in an empty trie.
    """

    slot: bytes
    value: bytes
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AccountProof:
    """Why an account is as it is at one block (EIP-1186).

    Attributes:
        nodes: Trie nodes from the block's state root down.
        code_hash: Keccak-256 of the deployed code.
        storage_root: Root of the account's storage.
        storage: One proof a slot, in the order asked for.
    """

    nodes: tuple[bytes, ...]
    code_hash: bytes
    storage_root: bytes
    storage: tuple[StorageProof, ...]

    @classmethod
    def read(cls, members: Mapping[str, Any], slots: tuple[bytes, ...]) -> Self:
        """Read the answer to ``eth_getProof`` for these slots."""
        return cls(
            tuple(map(from_hex, members["accountProof"])),
            from_hex(members["codeHash"]),
            from_hex(members["storageHash"]),
            tuple(_storage(slot, one) for slot, one in zip(slots, members["storageProof"], strict=True)),
        )


def _storage(slot: bytes, members: Mapping[str, Any]) -> StorageProof:
    value = to_int(members["value"]).to_bytes(32)
    return StorageProof(slot, value, tuple(map(from_hex, members["proof"])))
