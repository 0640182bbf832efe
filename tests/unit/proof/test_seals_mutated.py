"""No change of a sealed header is taken: whatever is changed, it is refused with a rule, and with nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.captured_seals import CLIQUE, QBFT, RULES, header, replayed, trusted
from support.paper_seals import ADDRESSES, clique_header, qbft_header

from chainsvc.errors import HeaderRefused
from chainsvc.proof import rlp
from chainsvc.proof.header import Header
from chainsvc.proof.seals import qbft
from chainsvc.proof.seals.clique import Rules
from chainsvc.proof.seals.following import check_run, threshold

CHAIN = replayed(CLIQUE["chain"], RULES)
PAPER = Rules(1, None)


def _sealers_of(number: int) -> tuple[bytes, ...]:
    return CHAIN[min(number, len(CHAIN)) - 1].sealers


def _flipped(data: bytes, at: int, bits: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]


@given(st.sampled_from(QBFT["valid"]), st.integers(0), st.integers(1, 255))
def test_changed_byte_of_a_qbft_header_is_refused(case: Any, at: int, bits: int) -> None:
    with pytest.raises(HeaderRefused):
        qbft.check(_flipped(header(case), at, bits), trusted(case))


@given(st.sampled_from(QBFT["valid"]), st.integers(0, 14), st.binary(max_size=40))
def test_replaced_field_of_a_qbft_header_is_refused(case: Any, place: int, value: bytes) -> None:
    fields = rlp.decode(header(case), max_bytes=4096, where="")
    assert isinstance(fields, list)
    changed = [*fields[:place], value, *fields[place + 1 :]]
    if changed != fields:
        with pytest.raises(HeaderRefused):
            qbft.check(rlp.encode(changed), trusted(case))


@given(st.integers(1, 50), st.integers(0, 11), st.integers(0), st.integers(1, 255))
def test_changed_byte_of_a_clique_header_is_refused(first: int, which: int, at: int, bits: int) -> None:
    run = [header(block) for block in CLIQUE["chain"][first : first + 12]]
    check_run(run, _sealers_of, RULES)
    run[which] = _flipped(run[which], at, bits)
    with pytest.raises(HeaderRefused):
        check_run(run, _sealers_of, RULES)


@given(st.binary(max_size=700))
def test_any_bytes_are_refused_as_no_header(data: bytes) -> None:
    with pytest.raises(HeaderRefused) as caught:
        qbft.check(data, ADDRESSES[:4])
    assert caught.value.rule == "malformed-header"
    with pytest.raises(HeaderRefused, match="malformed-header"):
        check_run([data], lambda _: ADDRESSES[:4], PAPER)


@given(st.integers(1, 12), st.integers(0, 2**32 - 1), st.data())
def test_qbft_header_is_taken_from_the_quorum_on(size: int, round_: int, data: st.DataObject) -> None:
    validators = ADDRESSES[:size]
    sealed_by = data.draw(st.lists(st.sampled_from(validators), unique=True, min_size=1))
    made = qbft_header(7, bytes(32), 1000, bytes(32), validators=validators, sealed_by=sealed_by, round_=round_)
    if 3 * len(sealed_by) >= 2 * size:
        assert qbft.check(made, validators).found == tuple(sorted(sealed_by))
        return
    with pytest.raises(HeaderRefused, match="below-quorum"):
        qbft.check(made, validators)


def test_header_with_fields_of_later_forks_is_sealed_too() -> None:
    later = [b"\x07", bytes(32)]
    made = qbft_header(7, bytes(32), 1000, bytes(32), validators=ADDRESSES[:4], sealed_by=ADDRESSES[1:4], later=later)
    assert qbft.check(made, ADDRESSES[:4]).found == ADDRESSES[1:4]
    with pytest.raises(HeaderRefused, match="malformed-header"):
        qbft.check(made, ADDRESSES[:4], fields=15)


@given(st.integers(1, 9), st.randoms(use_true_random=False), st.integers(0, 14))
def test_clique_block_is_final_from_the_threshold_on(size: int, random: Any, after: int) -> None:
    sealers = ADDRESSES[:size]
    run, sealed_by = _drawn_run(sealers, random, after)
    found = set(sealed_by[1:])
    if len(found) < threshold(size):
        with pytest.raises(HeaderRefused, match="below-quorum"):
            check_run(run, lambda _: sealers, PAPER)
        return
    sealed = check_run(run, lambda _: sealers, PAPER)
    assert {*sealed.found} <= found
    assert len(sealed.found) == sealed.needed == threshold(size)


def _drawn_run(sealers: tuple[bytes, ...], random: Any, after: int) -> tuple[list[bytes], list[bytes]]:
    """Seal a run of blocks, each by one who may; nobody twice among any window."""
    run, sealed_by, parent = list[bytes](), list[bytes](), bytes(32)
    for number in range(100, 101 + after):
        resting = sealed_by[-(len(sealers) // 2) :] if len(sealers) > 1 else []
        sealer = random.choice([who for who in sealers if who not in resting])
        made = clique_header(number, parent, 1000 + number, bytes(32), sealer=sealer, sealers=sealers)
        run.append(made)
        sealed_by.append(sealer)
        parent = _hash(made)
    return run, sealed_by


def _hash(data: bytes) -> bytes:
    return Header.parse(data).hash


def test_stranger_after_a_block_is_refused_by_name() -> None:
    sealers = ADDRESSES[:4]
    first = clique_header(100, bytes(32), 1000, bytes(32), sealer=sealers[0], sealers=sealers)
    second = clique_header(101, _hash(first), 1001, bytes(32), sealer=ADDRESSES[9], sealers=sealers)
    with pytest.raises(HeaderRefused, match="unauthorized-signer") as caught:
        check_run([first, second], lambda _: sealers, PAPER)
    assert caught.value.got == ADDRESSES[9].hex()
