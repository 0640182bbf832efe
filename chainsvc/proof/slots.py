"""Slot numbers of mappings in contract storage.

Source: Solidity documentation, "Layout of State Variables in Storage", mappings and dynamic arrays: the value for
key k of a mapping at slot p is at ``keccak256(h(k) . p)``; value types are padded to 32 bytes.
"""

from functools import lru_cache

from chainsvc.proof.keccak import keccak256

_WORD = 32


@lru_cache(maxsize=1024)  # of a ledger, a batch, a key: each comes again in the next file
def mapping_slot(key: bytes, slot: int | bytes) -> bytes:
    """Return the slot of ``mapping[key]`` for a 32-byte key; ``slot`` is the mapping's own."""
    place = slot.to_bytes(_WORD) if isinstance(slot, int) else slot
    return keccak256(key.rjust(_WORD, b"\0") + place)


def nested_slot(key: bytes, number: int, slot: int) -> bytes:
    """Return the slot of ``mapping[key][number]``: heads by batch and status words by seq (uint64)."""
    return keccak256(number.to_bytes(_WORD) + mapping_slot(key, slot))
