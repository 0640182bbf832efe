from dataclasses import replace
from types import MappingProxyType
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.paper_chain import SIGNER, PaperChain

from chainsvc import jcs
from chainsvc.crypto.suites import sha256
from chainsvc.errors import ChainsvcError, MalformedInput
from chainsvc.network import Clock, Engine, Network, Validators
from chainsvc.note import SignedNote

NETWORK = PaperChain().network
FILE = NETWORK.to_bytes()


def _with(path: str, value: object) -> bytes:
    """Return the descriptor with the member at this path replaced."""
    parsed: Any = orjson.loads(FILE)
    *parents, last = path.split("/")
    node = parsed
    for name in parents:
        node = node[int(name) if isinstance(node, list) else name]
    node[int(last) if isinstance(node, list) else last] = value
    return jcs.dumps(parsed)


def test_plain_form_is_read_back() -> None:
    assert Network.parse(FILE) == NETWORK
    assert NETWORK.sha256 == sha256(FILE)


def test_signed_form_is_the_same_network_with_the_same_sha256() -> None:
    signed = NETWORK.sign([SIGNER])
    assert Network.parse(signed) == NETWORK
    assert Network.parse(signed).sha256 == sha256(FILE)
    assert SignedNote.parse(signed).verify(NETWORK.signers) == (SIGNER.verifier_key,)


def test_validators_by_epoch_are_read_back() -> None:
    epochs = (Validators(0, (b"\x01" * 20, b"\x02" * 20)), Validators(100, (b"\x03" * 20,)))
    network = replace(NETWORK, validators=epochs)
    assert Network.parse(network.to_bytes()).validators == epochs


def test_validators_of_a_block_are_those_of_the_last_epoch_that_began() -> None:
    first, second = Validators(10, (b"\x01" * 20,)), Validators(100, (b"\x03" * 20,))
    network = replace(NETWORK, validators=(first, second))
    found = [network.validators_at(number) for number in (9, 10, 99, 100, 10**9)]
    assert found == [None, first, first, second, second]


def test_contracts_are_found_by_kind_and_by_address() -> None:
    contract = NETWORK.contract_of("marriage")
    assert contract is not None
    assert NETWORK.contract_of("funeral") is None
    assert {found.kind for found in NETWORK.contracts_at(contract.address)} == {"charity", "marriage", "subsidy"}
    assert NETWORK.contracts_at(b"\x00" * 20) == ()


@pytest.mark.parametrize(
    ("finality", "confirmations"),
    [("block", 0), ("confirmations:3", 3), ("finalized", None), ("sealers", None)],
)
def test_finality_says_how_many_blocks_must_follow(finality: str, confirmations: int | None) -> None:
    assert Engine("clique", finality, 1).confirmations == confirmations


@pytest.mark.parametrize("unit", ["ms", "S", "", None, 1])
def test_block_times_in_another_unit_than_seconds_are_refused_with_the_reason(unit: object) -> None:
    with pytest.raises(MalformedInput, match="another unit than seconds") as refused:
        Network.parse(_with("time/unit", unit))
    assert (refused.value.expected, refused.value.where) == ('"s"', "/time/unit")
    assert "32 bits" in str(refused.value.hint)


def test_the_descriptor_says_the_unit_and_the_tolerance() -> None:
    assert orjson.loads(replace(NETWORK, time=Clock(7)).to_bytes())["time"] == {"tolerance": 7, "unit": "s"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("format", "chainsvc-network/2"),
        ("networkId", "AB" * 32),
        ("networkId", "ab" * 31),
        ("chainId", -1),
        ("chainId", "1"),
        ("chainId", True),
        ("genesis", None),
        ("name", ""),
        ("name", "x" * 65),
        ("name", "line\nbreak"),
        ("institutions", {"address": "22" * 20}),
        ("institutions/address", "0x" + "22" * 20),
        ("ledgers", []),
        ("ledgers/0/kind", "Charity"),
        ("ledgers/0/kind", "subsidy"),
        ("ledgers/0/codeHash", ""),
        ("ledgers/0/more", 1),
        ("slots/heads", 256),
        ("slots/more", 1),
        ("engine/finality", "soon"),
        ("engine/finality", "confirmations:0"),
        ("engine/name", ""),
        ("engine/blockTime", -1),
        ("time/unit", "us"),
        ("time/tolerance", -1),
        ("signers/0", "name+00000000+AAAA"),
        ("validators", [{"from": 0, "addresses": []}]),
        ("validators", [{"from": 0, "addresses": ["02" * 20, "01" * 20]}]),
        ("validators", [{"from": 5, "addresses": ["01" * 20]}, {"from": 5, "addresses": ["02" * 20]}]),
        ("schemas", []),
        ("schemas/charity.donation.v1", "00"),
        ("more", 1),
    ],
)
def test_a_wrong_member_is_refused(path: str, value: object) -> None:
    with pytest.raises(MalformedInput):
        Network.parse(_with(path, value))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        FILE + b" ",
        FILE + b"\n",
        b" " + FILE,
        FILE.replace(b'"chainId"', b'"chainId":1,"chainId"'),
        FILE.replace(b'"tolerance":5', b'"tolerance":5.0'),
        orjson.dumps(orjson.loads(FILE), option=orjson.OPT_INDENT_2),
        FILE[:-1],
    ],
)
def test_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        Network.parse(data)


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_is_another_network(index: int, change: int) -> None:
    changed = bytearray(FILE)
    changed[index] ^= change
    try:
        network = Network.parse(bytes(changed))
    except MalformedInput:
        return
    assert network.sha256 != NETWORK.sha256


def test_refusal_says_where() -> None:
    with pytest.raises(ChainsvcError) as refused:
        Network.parse(_with("slots/heads", 300))
    assert refused.value.where == "/slots/heads"


def test_schemas_can_not_be_changed_after_parsing() -> None:
    assert isinstance(NETWORK.schemas, MappingProxyType)
    with pytest.raises(TypeError):
        Network.parse(FILE).schemas["x"] = b""  # type: ignore[index]  # the types forbid it too
