"""A receipt as the header's receipts root covers it, rebuilt from JSON-RPC."""

from collections.abc import Mapping
from typing import Any

from chainsvc.chain.facts import from_hex, to_int
from chainsvc.proof import rlp


def receipt_bytes(members: Mapping[str, Any]) -> bytes:
    """Return a receipt as the receipts' root covers it (EIP-2718, EIP-658).

    Args:
        members: One of the answer to ``eth_getBlockReceipts``.
    """
    logs: list[rlp.Item] = [
        [from_hex(log["address"]), list(map(from_hex, log["topics"])), from_hex(log["data"])] for log in members["logs"]
    ]
    numbers = [_number(members["status"]), _number(members["cumulativeGasUsed"])]
    data = rlp.encode([*numbers, from_hex(members["logsBloom"]), logs])
    kind = to_int(members.get("type", "0x0"))
    return bytes([kind]) + data if kind else data


def _number(value: str) -> bytes:
    number = to_int(value)
    return number.to_bytes((number.bit_length() + 7) // 8)
