"""Every header of the captured QBFT network is judged as the capture says."""

from typing import Any

import pytest
from support.captured_seals import QBFT, header, trusted

from chainsvc.errors import HeaderRefused
from chainsvc.proof.seals import Sealed, conflict_of, qbft


def _check(case: Any, data: bytes | None = None) -> Sealed:
    claimed = bytes.fromhex(case.get("claimed") or case["hash"])
    return qbft.check(data or header(case), trusted(case), claimed=claimed, fields=QBFT["fields"])


def _name(case: Any) -> str:
    return f"{case['name']} at {case['number']}" if "number" in case else str(case["name"])


@pytest.mark.parametrize("case", QBFT["valid"], ids=_name)
def test_genuine_header_is_sealed_by_the_captured_validators(case: Any) -> None:
    sealed = _check(case)
    assert sealed.found == tuple(sorted(map(bytes.fromhex, case["signers"])))
    assert (sealed.number, sealed.hash.hex()) == (case["number"], case["hash"])
    assert sealed.needed == qbft.quorum(len(trusted(case)))


@pytest.mark.parametrize("case", QBFT["invalid"], ids=_name)
def test_tampered_header_is_refused_by_the_captured_rule(case: Any) -> None:
    with pytest.raises(HeaderRefused) as caught:
        _check(case)
    assert caught.value.rule == case["expected"].replace("_", "-")


@pytest.mark.parametrize("case", QBFT["high_s"], ids=_name)
def test_seal_with_a_high_s_counts_as_engines_count_it(case: Any) -> None:
    sealed = _check(case)
    assert len(sealed.found) == sealed.needed == 3


@pytest.mark.parametrize(("validators", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (10, 7)])
def test_quorum_is_two_thirds_rounded_up(validators: int, needed: int) -> None:
    assert qbft.quorum(validators) == needed


def test_header_lists_the_validators_of_its_block() -> None:
    for case in QBFT["valid"]:
        assert qbft.validators_in(header(case)) == trusted(case)


@pytest.mark.parametrize("case", QBFT["conflicts"], ids=lambda case: str(case["number"]))
def test_two_sealed_headers_of_one_height_are_a_conflict_that_names_who_sealed_both(case: Any) -> None:
    a, b = (qbft.check(header(case[side]), trusted(case)) for side in "ab")
    conflict = conflict_of(a, b)
    assert conflict is not None
    assert conflict.number == case["number"]
    assert [block_hash.hex() for block_hash in conflict.hashes] == [case["a"]["hash"], case["b"]["hash"]]
    assert conflict.twice == tuple(sorted(map(bytes.fromhex, case["signed_both"])))


def test_one_block_under_other_seals_and_another_height_are_no_conflict() -> None:
    same = [_check(case) for case in QBFT["valid"] if case["number"] == 93]
    assert len(same) > 1
    assert all(conflict_of(same[0], other) is None for other in same[1:])
    assert conflict_of(same[0], _check(next(case for case in QBFT["valid"] if case["number"] == 95))) is None
