"""Why a contract or a node refused, as one of our errors.

Custom errors are decoded with the ABIs of all contracts of this project, since one contract's error passes through
another: ``Institutions`` refuses, and ``AnchorLedger`` hands that on.
"""

from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from chainsvc.chain.abi import all_abis
from chainsvc.chain.facts import from_hex, unword
from chainsvc.errors import ChainRefused, NodeUnavailable, StateUnavailable, TransactionRefused

_ERROR_STRING = bytes.fromhex("08c379a0")  # Error(string), Solidity's require
_PANIC = bytes.fromhex("4e487b71")  # Panic(uint256), Solidity's assert
_STATE_GONE = (
    "blockoutofrange",
    "missing trie node",
    "header not found",
    "header for hash not found",
    "resource not found",
    "world state unavailable",
    "unknown block",
)
_TEXTS = (1, 16, 18)  # bytes1, bytes16 and bytes18 hold text: a character, a kind, a credit code
_REVERT_CODE = 3  # EIP-1474 as geth and anvil use it
_TRANSACTION = {
    "insufficient-funds": ("insufficient funds", "upfront cost exceeds"),
    "nonce-too-low": ("nonce too low", "nonce is too low", "nonce_too_low"),
    "underpriced": ("underpriced", "fee too low", "max fee per gas less than block base fee"),
    "gas-limit": ("exceeds block gas limit", "intrinsic gas too low", "gas limit"),
    "queue-full": ("txpool is full", "pool is full", "limit exceeded"),
}
_HINTS = {
    "insufficient-funds": "Fund the sending account.",
    "nonce-too-low": "Another program sends with the same account; every account has one owner.",
    "underpriced": "Raise both fees by the engine's replacement step and sign again.",
}


def revert_of(data: bytes) -> ChainRefused:
    """Return what a contract gave back when it reverted as our error, with the contract's own name and arguments."""
    if data[:4] == _ERROR_STRING:
        return ChainRefused("Error", {"reason": _one("string", data)})
    if data[:4] == _PANIC:
        return ChainRefused("Panic", {"code": _one("uint256", data)})
    for abi in all_abis():
        found = abi.error(data)
        if found is not None:
            return ChainRefused(found[0], {key: _shown(value) for key, value in found[1].items()})
    got = data.hex() or "nothing"
    return ChainRefused("Unknown", {"data": got}, hint="No chainsvc contract has this error; is the address right?")


def error_of(method: str, error: Any, url: str) -> Exception:
    """Return a JSON-RPC error as our error: a revert, a state that is gone, or a node that will not."""
    text = str(error.get("message", error)) if isinstance(error, dict) else str(error)
    low = text.lower()
    data = _revert_data(error)
    if data is not None:
        return revert_of(data)
    if any(sign in low for sign in _STATE_GONE):
        return StateUnavailable(
            "the node does not have the state of that block",
            got=text,
            where=f"{url} {method}",
            hint="Ask for a newer block, or use an archive node.",
        )
    return NodeUnavailable(f"the node refused {method}", got=text, where=url)


def transaction_error_of(refused: NodeUnavailable) -> NodeUnavailable | TransactionRefused:
    """Return a node's refusal to take a transaction with its reason, or the same error when it is no refusal."""
    low = (refused.got or "").lower()
    for reason, signs in _TRANSACTION.items():
        if any(sign in low for sign in signs):
            return TransactionRefused(reason, refused.got or "", hint=_HINTS.get(reason))
    return refused


def _revert_data(error: Any) -> bytes | None:
    """Return revert data where the error is a revert: geth and anvil have code 3, Besu -32000 and a text."""
    if not isinstance(error, dict):
        return None
    reverted = error.get("code") == _REVERT_CODE or "revert" in str(error.get("message", "")).lower()
    data = error.get("data")
    if not reverted:
        return None
    return from_hex(data) if isinstance(data, str) and data.startswith("0x") else b""


def _one(kind: str, data: bytes) -> Any:
    try:
        return decode([kind], data[4:])[0]
    except DecodingError:
        return data.hex()


def _shown(value: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    return unword(value) if len(value) in _TEXTS and value.isascii() else value.hex()
