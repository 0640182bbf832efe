"""A block header's exact bytes, rebuilt from JSON-RPC.

No standard call hands out a header as it is hashed, so that its members are encoded in the order of the
protocol, and the result counts only when its hash is the block's.
"""

from collections.abc import Mapping
from typing import Any

from chainsvc.chain.facts import from_hex, to_hex
from chainsvc.errors import NodeUnavailable
from chainsvc.proof.header import Header
from chainsvc.proof.rlp import encode

_BYTES = ("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom")
_NUMBERS = ("difficulty", "number", "gasLimit", "gasUsed", "timestamp")
_TAIL = ("extraData", "mixHash", "nonce")
# EIP-1559, 4895, 4844, 4788, 7685: each fork appended its own; a chain has a prefix of them
_LATER = ("baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash")
_LATER_NUMBERS = frozenset({"baseFeePerGas", "blobGasUsed", "excessBlobGas"})


def header_bytes(members: Mapping[str, Any]) -> bytes:
    """Return the RLP bytes of a header, proven by the block's own hash.

    Args:
        members: The answer to ``eth_getBlockByNumber``.

    Raises:
        NodeUnavailable: No reading of the members hashes to the block's hash.
    """
    wanted = from_hex(members["hash"])
    fields = [from_hex(members[name]) for name in _BYTES]
    fields += [_number(members[name]) for name in _NUMBERS]
    fields += [from_hex(members[name]) for name in _TAIL]
    later = [_number(members[n]) if n in _LATER_NUMBERS else from_hex(members[n]) for n in _LATER if n in members]
    for length in range(len(later), -1, -1):  # some nodes list members of forks that the block does not have
        data = encode([*fields, *later[:length]])
        if Header.parse(data).hash == wanted:
            return data
    raise NodeUnavailable(
        "the node's block header does not hash to the block's hash",
        expected=to_hex(wanted),
        where=f"block {int(members['number'], 16)}",
        hint="The node reports header members that chainsvc does not know; use another node or a newer chainsvc.",
    )


def _number(value: str) -> bytes:
    number = int(value, 16)
    return number.to_bytes((number.bit_length() + 7) // 8)
