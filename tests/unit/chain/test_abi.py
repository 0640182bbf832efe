import pytest

from chainsvc.chain.abi import Abi, abi_of, all_abis
from chainsvc.chain.facts import Log
from chainsvc.errors import MalformedInput
from chainsvc.proof.keccak import keccak256

ABI = Abi(
    [
        {
            "type": "function",
            "name": "transfer",
            "inputs": [{"name": "to", "type": "address"}, {"name": "amount", "type": "uint256"}],
            "outputs": [{"name": "", "type": "bool"}],
        },
        {
            "type": "function",
            "name": "mark",
            "inputs": [
                {"name": "marks", "type": "tuple[]", "components": [{"name": "seq", "type": "uint64"}]},
            ],
            "outputs": [{"name": "who", "type": "address"}],
        },
        {
            "type": "event",
            "name": "Transfer",
            "inputs": [
                {"name": "from", "type": "address", "indexed": True},
                {"name": "note", "type": "string", "indexed": True},
                {"name": "amount", "type": "uint256", "indexed": False},
            ],
        },
        {"type": "error", "name": "TooMuch", "inputs": [{"name": "expected", "type": "uint64"}]},
    ]
)
WORD = bytes(31)


def log(*topics: bytes, data: bytes = b"") -> Log:
    return Log(bytes(20), topics, data, 1, bytes(32), bytes(32), 0)


def test_call_has_the_selector_that_everyone_knows() -> None:
    data = ABI.call("transfer", b"\x01" * 20, 5)
    assert data == bytes.fromhex("a9059cbb") + bytes(12) + b"\x01" * 20 + WORD + b"\x05"


def test_call_with_structs_takes_tuples() -> None:
    assert ABI.call("mark", [(7,)]) == keccak256(b"mark((uint64)[])")[:4] + b"".join(
        WORD + number for number in (b"\x20", b"\x01", b"\x07")
    )


def test_result_turns_addresses_into_bytes() -> None:
    assert ABI.result("mark", bytes(12) + b"\x01" * 20) == (b"\x01" * 20,)


@pytest.mark.parametrize("data", [b"", b"\x01", b"\xff" * 32])
def test_result_of_another_contract_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedInput, match="No chainsvc contract is at this address"):
        ABI.result("transfer", data)


def test_event_has_indexed_and_plain_arguments_and_hashed_text() -> None:
    topics = (keccak256(b"Transfer(address,string,uint256)"), bytes(12) + b"\x02" * 20, keccak256(b"hello"))
    assert topics[0] == ABI.topic("Transfer")
    found = ABI.event(log(*topics, data=WORD + b"\x09"))
    assert found == ("Transfer", {"from": b"\x02" * 20, "note": keccak256(b"hello"), "amount": 9})


def test_log_of_another_contract_is_none() -> None:
    assert ABI.event(log()) is None
    assert ABI.event(log(bytes(32))) is None


def test_error_is_named_with_its_arguments() -> None:
    data = keccak256(b"TooMuch(uint64)")[:4] + WORD + b"\x03"
    assert ABI.error(data) == ("TooMuch", {"expected": 3})
    assert ABI.error(data[:-1]) is None
    assert ABI.error(b"\x00\x00\x00\x00") is None
    assert ABI.error(b"") is None


def test_contract_without_constructor_takes_no_arguments() -> None:
    assert ABI.construction() == b""


def test_every_deployed_contract_has_its_events() -> None:
    assert len(all_abis()) == 4
    assert abi_of("CharityLedger").topic("Anchored") == keccak256(
        b"Anchored(bytes32,uint64,uint64,uint32,bytes32,uint64,uint64,address,bytes32,bytes32)"
    )
    assert abi_of("MarriageLedger").topic("StandingChanged") == keccak256(
        b"StandingChanged(bytes32,uint64,uint8,bytes32,uint64,address,bytes32,bytes32)"
    )
