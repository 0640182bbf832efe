"""Slot numbers against the example of the Solidity documentation and a second way of computing them."""

from chainsvc.proof.keccak import EMPTY_CODE, keccak256
from chainsvc.proof.slots import mapping_slot, nested_slot


def test_keccak_is_the_chains_and_not_sha3() -> None:
    assert EMPTY_CODE.hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


def test_mapping_slot_hashes_key_then_slot() -> None:
    key = b"\xab" * 32
    assert mapping_slot(key, 1) == keccak256(key + bytes(31) + b"\x01")


def test_nested_slot_hashes_the_number_into_the_outer_mappings_slot() -> None:
    outer = mapping_slot(b"\xab" * 32, 2)
    assert nested_slot(b"\xab" * 32, 7, 2) == keccak256(bytes(31) + b"\x07" + outer)
