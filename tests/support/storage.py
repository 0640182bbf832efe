"""Where the contracts keep things: the pinned slots, and the slot of a mapping's value, derived in Python."""

from typing import Final

from eth_utils.crypto import keccak
from support.contract import Contract

STATES: Final = 0
HEADS: Final = 1
WORDS: Final = 2
METAS: Final = 3
BUDGETS: Final = 4
SUCCESSOR: Final = 5
KEYS: Final = 0


def mapping(slot: int, key: bytes) -> bytes:
    """Return the slot of ``mapping[key]`` where the mapping stands at ``slot``; keys are 32 bytes."""
    return keccak(key + slot.to_bytes(32))


def nested(slot: int, key: bytes, index: int) -> bytes:
    """Return the slot of ``mapping[key][index]``."""
    return keccak(index.to_bytes(32) + mapping(slot, key))


def stored(contract: Contract, slot: bytes) -> bytes:
    """Return the 32 bytes at a slot at the head."""
    answer = contract.node.rpc("eth_getStorageAt", contract.address, "0x" + slot.hex(), "latest")
    return bytes.fromhex(answer[2:].zfill(64))


def store(contract: Contract, slot: bytes, word: bytes) -> None:
    """Write 32 bytes to a slot, as no transaction could."""
    contract.node.rpc("anvil_setStorageAt", contract.address, "0x" + slot.hex(), "0x" + word.hex())
