"""A block header's exact bytes, rebuilt from its members as JSON-RPC names them.

No standard call hands out a header as it is hashed, so that its members are encoded in the order of the
protocol, and the result counts only when its hash is the block's. Seals stand in ``extraData`` and come along.
"""

from collections.abc import Mapping
from typing import Any

from chainsvc.errors import MalformedInput
from chainsvc.proof.header import Header
from chainsvc.proof.rlp import encode

_BYTES = ("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom")
_NUMBERS = ("difficulty", "number", "gasLimit", "gasUsed", "timestamp")
_TAIL = ("extraData", "mixHash", "nonce")
# EIP-1559, 4895, 4844, 4788, 7685: each fork appended its own; a chain has a prefix of them
_LATER = ("baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash")
_LATER_NUMBERS = frozenset({"baseFeePerGas", "blobGasUsed", "excessBlobGas"})


def header_bytes(members: Mapping[str, Any], where: str) -> bytes:
    """Return the RLP bytes of a header, proven by the block's own hash.

    Args:
        members: The answer to ``eth_getBlockByNumber``.
        where: Who answered.

    Raises:
        MalformedInput: No reading of the members hashes to the block's hash, or they are no members of a header.
    """
    try:
        wanted, fields, later = _read(members)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedInput("not a block's members", got=type(error).__name__, where=where) from error
    for length in range(len(later), -1, -1):  # some nodes list members of forks that the block does not have
        data = encode([*fields, *later[:length]])
        if Header.parse(data, where).hash == wanted:
            return data
    raise MalformedInput(
        "the block header does not hash to the block's hash", expected=f"0x{wanted.hex()}", where=where
    )


def _read(members: Mapping[str, Any]) -> tuple[bytes, list[bytes], list[bytes]]:
    fields = [_bytes(members[name]) for name in _BYTES]
    fields += [_number(members[name]) for name in _NUMBERS]
    fields += [_bytes(members[name]) for name in _TAIL]
    later = [_number(members[n]) if n in _LATER_NUMBERS else _bytes(members[n]) for n in _LATER if n in members]
    return _bytes(members["hash"]), fields, later


def _bytes(value: str) -> bytes:
    return bytes.fromhex(value.removeprefix("0x"))


def _number(value: str) -> bytes:
    number = int(value, 16)
    return number.to_bytes((number.bit_length() + 7) // 8)
