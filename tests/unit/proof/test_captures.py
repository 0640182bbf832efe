"""Headers and proofs captured from real chains: four QBFT validators (GoQuorum) and four clique sealers (geth)."""

import json
from pathlib import Path
from typing import Any

import pytest

from chainsvc.errors import MalformedInput
from chainsvc.proof.account import Account, prove_account, prove_slot
from chainsvc.proof.header import Header
from chainsvc.proof.slots import mapping_slot

DATA = Path(__file__).parent.parent.parent / "data/chains"


def _load(name: str) -> Any:
    return json.loads((DATA / name).read_text("utf-8"))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _nodes(proof: list[str]) -> list[bytes]:
    return [_bytes(node) for node in proof]


QBFT = _load("qbft/proofs.json")
CLIQUE = _load("clique/proofs.json")
HEADERS = [header for chain in ("qbft", "clique") for header in _load(f"{chain}/headers.json")["headers"]]


def _account(state_root: str, answer: dict[str, Any]) -> Account | None:
    address, nodes = _bytes(answer["address"]), _nodes(answer["accountProof"])
    return prove_account(_bytes(state_root), address, nodes, "account")


def _prove_answer(state_root: str, answer: dict[str, Any]) -> None:
    """Prove an eth_getProof answer and everything that it states beside its nodes."""
    account = _account(state_root, answer)
    stated = (int(answer["nonce"], 16), int(answer["balance"], 16), _bytes(answer["storageHash"]))
    if account is None:
        if any(stated[:2]):
            raise MalformedInput("an account is stated that is not there")
        return
    if (account.nonce, account.balance, account.storage_root) != stated:
        raise MalformedInput("account fields differ")
    assert account.code_hash == _bytes(answer["codeHash"])
    for slot in answer["storageProof"]:
        key = int(slot["key"], 16).to_bytes(32)
        word = prove_slot(account.storage_root, key, _nodes(slot["proof"]), "storage")
        if int.from_bytes(word) != int(slot["value"], 16):
            raise MalformedInput("value differs")


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: str(header["number"]))
def test_captured_header_has_its_block_hash(header: dict[str, Any]) -> None:
    parsed = Header.parse(_bytes(header["header_rlp"]))
    assert (parsed.hash, parsed.number) == (_bytes(header["hash"]), header["number"])


def test_qbft_headers_with_other_seals_have_one_hash() -> None:
    variants = _load("qbft/headers.json")["variants_valid"]
    assert len(variants) == 3
    for variant in variants:
        assert Header.parse(_bytes(variant["header_rlp"])).hash == _bytes(variant["hash"])


@pytest.mark.parametrize("case", QBFT["proofs"], ids=lambda case: f"{case['label']} at {case['number']}")
def test_qbft_proof_proves_what_the_node_answered(case: dict[str, Any]) -> None:
    _prove_answer(case["state_root"], case["eth_getProof"])
    account = _account(case["state_root"], case["eth_getProof"])
    expected = case["expected"]
    assert (account is not None) is expected["exists"]
    if account is not None:
        assert (account.nonce, account.code_hash) == (expected["nonce"], _bytes(expected["code_hash"]))


@pytest.mark.parametrize("case", [c for c in QBFT["proofs"] if "header_rlp" in c], ids=lambda case: str(case["number"]))
def test_qbft_header_carries_the_state_root(case: dict[str, Any]) -> None:
    header = Header.parse(_bytes(case["header_rlp"]))
    assert header.state_root == _bytes(case["state_root"])


@pytest.mark.parametrize("case", QBFT["invalid"], ids=lambda case: str(case["name"]))
def test_tampered_qbft_proof_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(MalformedInput):
        _prove_answer(case["state_root"], case["eth_getProof"])


@pytest.mark.parametrize("case", CLIQUE["proofs"], ids=lambda case: f"{case['kind']} at {case['block']}")
def test_clique_proof_proves_what_the_node_answered(case: dict[str, Any]) -> None:
    _prove_answer(case["state_root"], case["response"])
    assert (_account(case["state_root"], case["response"]) is None) is (case["expected"] is None)


@pytest.mark.parametrize("case", _load("clique/invalid_proofs.json")["invalid"], ids=lambda case: str(case["name"]))
def test_tampered_clique_proof_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(MalformedInput):
        _prove_answer(case["state_root"], case["response"])


def test_mapping_slots_are_those_of_the_captured_contract() -> None:
    slots = next(case for case in CLIQUE["proofs"] if case["kind"] == "contract")["expected"]["slots"]
    named = {what["what"][6:72]: slot for slot, what in slots.items() if what["what"].startswith("marks[0x")}
    assert len(named) == 6
    for key, slot in named.items():
        assert mapping_slot(_bytes(key), 1) == _bytes(slot)
