from typing import Any

import pytest
from eth_abi.abi import encode

from chainsvc.chain.refusals import error_of, revert_of, transaction_error_of
from chainsvc.errors import ChainRefused, NodeUnavailable, StateUnavailable, TransactionRefused
from chainsvc.proof.keccak import keccak256

URL = "http://127.0.0.1:1"


def custom(signature: str, types: list[str], *values: object) -> bytes:
    return keccak256(signature.encode())[:4] + encode(types, values)


def test_custom_error_of_a_ledger_is_decoded() -> None:
    data = custom("SequenceMismatch(bytes32,uint64,uint64)", ["bytes32", "uint64", "uint64"], b"\x01" * 32, 4, 3)
    refused = revert_of(data)
    assert refused.name == "SequenceMismatch"
    assert refused.arguments == {"ledgerId": "01" * 32, "expected": 4, "got": 3}
    assert str(refused).endswith("expected 4; got 3")


def test_custom_error_of_the_register_shows_code_and_account_readably() -> None:
    data = custom("NotEntitled(bytes18,address)", ["bytes18", "address"], b"53110000MA0000001J", b"\x07" * 20)
    assert revert_of(data).arguments == {"uscc": "53110000MA0000001J", "account": "07" * 20}


@pytest.mark.parametrize(
    ("data", "name", "arguments"),
    [
        (custom("Error(string)", ["string"], "too late"), "Error", {"reason": "too late"}),
        (custom("Panic(uint256)", ["uint256"], 0x11), "Panic", {"code": 0x11}),
        (custom("Error(string)", ["string"], "x")[:10], "Error", {"reason": "08c379a0000000000000"}),
        (b"\x12\x34\x56\x78", "Unknown", {"data": "12345678"}),
        (b"", "Unknown", {"data": "nothing"}),
    ],
)
def test_other_reverts_keep_what_they_say(data: bytes, name: str, arguments: dict[str, object]) -> None:
    refused = revert_of(data)
    assert (refused.name, refused.arguments) == (name, arguments)


@pytest.mark.parametrize(
    "error",
    [
        {"code": 3, "message": "execution reverted", "data": "0x12345678"},  # geth, anvil
        {"code": -32000, "message": "Execution reverted", "data": "0x12345678"},  # Besu
    ],
)
def test_reverts_of_every_engine_are_reverts(error: dict[str, Any]) -> None:
    refused = error_of("eth_call", error, URL)
    assert isinstance(refused, ChainRefused)
    assert refused.arguments == {"data": "12345678"}


@pytest.mark.parametrize(
    "message",
    [
        "BlockOutOfRangeError: block height is 1 but requested was 5",  # anvil
        "missing trie node 0123 (path ) state 0x0123 is not available",  # geth
        "header not found",
        "World state unavailable",  # Besu
    ],
)
def test_state_that_is_gone_is_told_apart(message: str) -> None:
    assert isinstance(error_of("eth_call", {"code": -32000, "message": message}, URL), StateUnavailable)


@pytest.mark.parametrize("error", [{"code": -32601, "message": "Method not found"}, "nonsense", {}])
def test_anything_else_is_a_node_that_refuses(error: Any) -> None:
    refused = error_of("eth_foo", error, URL)
    assert type(refused) is NodeUnavailable
    assert refused.where == URL


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("nonce too low: next nonce 5, tx nonce 4", "nonce-too-low"),
        ("insufficient funds for gas * price + value", "insufficient-funds"),
        ("Upfront cost exceeds account balance", "insufficient-funds"),
        ("replacement transaction underpriced", "underpriced"),
        ("max fee per gas less than block base fee", "underpriced"),
        ("exceeds block gas limit", "gas-limit"),
        ("txpool is full", "queue-full"),
    ],
)
def test_refused_transactions_have_a_reason(message: str, reason: str) -> None:
    refused = transaction_error_of(NodeUnavailable("x", got=message))
    assert isinstance(refused, TransactionRefused)
    assert refused.reason == reason


def test_no_answer_is_no_refusal() -> None:
    down = NodeUnavailable("x", got="ConnectionError")
    assert transaction_error_of(down) is down
