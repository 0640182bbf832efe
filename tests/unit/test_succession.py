"""Successor descriptors: who must sign, what may change, and how a verifier follows."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.paper_chain import SIGNER, PaperChain
from support.paper_seals import ADDRESSES

from chainsvc.crypto.keys import SigningKey
from chainsvc.errors import ChainsvcError, MalformedInput, NetworkMismatch, SignatureRefused
from chainsvc.network import Contract, Engine, LedgerContract, Network, Validators
from chainsvc.note import Signer
from chainsvc.succession import MAX_SUCCESSORS, Successor, follow, parse_all

SIGNERS = [Signer(f"institution-{number}", SigningKey.from_seed(bytes([number]) * 32)) for number in range(1, 6)]
FIRST = replace(
    PaperChain().network,
    signers=tuple(signer.verifier_key for signer in SIGNERS[:3]),
    validators=(Validators(10, ADDRESSES[:4]),),
)
SECOND = replace(FIRST, validators=(*FIRST.validators, Validators(500, ADDRESSES[:5])))
THIRD = replace(SECOND, signers=tuple(signer.verifier_key for signer in SIGNERS[1:]))


def _signed(before: Network, after: Network, *signers: int) -> Successor:
    return Successor(after, before.sha256).sign([SIGNERS[number] for number in signers])


NOTES = (_signed(FIRST, SECOND, 0, 2), _signed(SECOND, THIRD, 0, 1))


def test_successor_is_read_back_as_two_lines_and_signatures() -> None:
    data = NOTES[0].to_bytes()
    assert Successor.parse(data) == NOTES[0]
    first, second, empty, *signatures = data.decode().split("\n")
    assert first == SECOND.to_bytes().decode()
    assert (second, empty) == (f"after {FIRST.sha256.hex()}", "")
    assert [line[:2] for line in signatures if line] == ["\u2014 ", "\u2014 "]


def test_successors_are_followed_from_one_file() -> None:
    data = b"".join(note.to_bytes() for note in NOTES)
    assert parse_all(data) == NOTES
    assert follow(FIRST, parse_all(data)) == THIRD


def test_none_and_those_before_the_pinned_one_lead_nowhere_else() -> None:
    assert follow(FIRST, ()) == FIRST
    assert follow(SECOND, NOTES) == THIRD
    assert follow(THIRD, NOTES) == THIRD


def test_signers_of_the_one_before_decide_not_those_of_the_new_one() -> None:
    with pytest.raises(SignatureRefused):
        follow(SECOND, [_signed(SECOND, THIRD, 3, 4)])
    fourth = replace(THIRD, validators=(*THIRD.validators, Validators(900, ADDRESSES[1:5])))
    assert follow(FIRST, [*NOTES, _signed(THIRD, fourth, 1, 3, 4)]) == fourth
    with pytest.raises(SignatureRefused, match="no known key"):
        follow(FIRST, [*NOTES, _signed(THIRD, fourth, 0)])


@pytest.mark.parametrize("signers", [(0,), (1,), (0, 0), (0, 3, 4)])
def test_half_or_fewer_of_the_signers_are_too_few(signers: tuple[int, ...]) -> None:
    with pytest.raises(SignatureRefused) as caught:
        follow(FIRST, [_signed(FIRST, SECOND, *signers)])
    assert (caught.value.expected, caught.value.got) == ("more than half of 3", "1")


def test_exactly_half_of_an_even_number_is_too_few() -> None:
    before = replace(FIRST, signers=tuple(signer.verifier_key for signer in SIGNERS[:4]))
    after = replace(before, validators=SECOND.validators)
    with pytest.raises(SignatureRefused):
        follow(before, [_signed(before, after, 0, 1)])
    assert follow(before, [_signed(before, after, 0, 1, 2)]) == after


def test_descriptor_without_signers_has_no_successor() -> None:
    before = replace(FIRST, signers=())
    with pytest.raises(SignatureRefused):
        follow(before, [_signed(before, replace(before, validators=SECOND.validators), 0)])


def test_gap_and_other_order_are_refused_with_both_hashes() -> None:
    for notes in (NOTES[1:], NOTES[::-1]):
        with pytest.raises(NetworkMismatch) as caught:
            follow(FIRST, notes)
        assert (caught.value.expected, caught.value.got) == (FIRST.sha256.hex(), SECOND.sha256.hex())


def test_changed_text_or_signature_is_refused() -> None:
    note = NOTES[0].to_bytes()
    for changed in (note.replace(b'"from":500', b'"from":501'), note.replace(note[-40:-30], note[-30:-20])):
        assert changed != note
        with pytest.raises((SignatureRefused, MalformedInput)):
            follow(FIRST, parse_all(changed))


@pytest.mark.parametrize(
    "change",
    [
        {"network_id": b"\x01" * 32},
        {"chain_id": 7},
        {"genesis": b"\x01" * 32},
        {"name": "another"},
        {"institutions": Contract(b"\x01" * 20, b"\x02" * 32)},
        {"engine": Engine("paper", "confirmations:1", 1)},
        {"ledgers": FIRST.ledgers[1:]},
        {"ledgers": (LedgerContract(b"\x01" * 20, b"\x02" * 32, FIRST.ledgers[0].kind), *FIRST.ledgers[1:])},
        {"validators": ()},
        {"validators": (Validators(10, ADDRESSES[:5]),)},
        {"validators": (Validators(5, ADDRESSES[:4]), *SECOND.validators)},
        {"schemas": MappingProxyType({})},
        {"schemas": MappingProxyType(dict.fromkeys(FIRST.schemas, bytes(32)))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_past_evidence_rests_on_never_changes(change: Any) -> None:
    after = replace(SECOND, **change)
    with pytest.raises(NetworkMismatch, match="must not change"):
        follow(FIRST, [_signed(FIRST, after, 0, 1, 2)])


def test_kinds_schemas_and_signers_may_come_besides() -> None:
    ledgers = tuple(sorted((*FIRST.ledgers, LedgerContract(b"\x01" * 20, b"\x02" * 32, "welfare")), key=_kind))
    schemas = MappingProxyType({**FIRST.schemas, "welfare.grant.v1": bytes(32)})
    after = replace(FIRST, ledgers=ledgers, schemas=schemas, signers=(*FIRST.signers, SIGNER.verifier_key))
    assert follow(FIRST, [_signed(FIRST, after, 0, 1)]) == after


def _kind(contract: LedgerContract) -> str:
    return contract.kind


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"after\n",
        FIRST.to_bytes(),
        FIRST.sign(SIGNERS[:3]),
        NOTES[0].to_bytes().replace(b"\nafter ", b"\nbefore "),
        b"\n" + NOTES[0].to_bytes(),
        NOTES[0].to_bytes() * (MAX_SUCCESSORS + 1),
    ],
    ids=range(8),
)
def test_other_files_are_no_successors(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        parse_all(data)


@given(st.data())
def test_no_changed_byte_is_followed_to_anything_else(data: st.DataObject) -> None:
    note = bytearray(NOTES[0].to_bytes())
    place = data.draw(st.integers(0, len(note) - 1))
    note[place] ^= data.draw(st.integers(1, 255))
    try:
        followed = follow(FIRST, parse_all(bytes(note)))
    except ChainsvcError:
        return
    assert followed == SECOND
