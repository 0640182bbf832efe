"""A key slot of Institutions, judged at one time."""

import pytest

from chainsvc.verify.keys import RECEIPT, SUBMISSION, RegisteredKey, judge
from chainsvc.verify.verdict import Outcome

USCC = "91350100M000100Y43"


def _slot(*, purpose: int = SUBMISSION, since: int = 100, until: int = 0, compromised: int = 0) -> bytes:
    times = b"".join(time.to_bytes(4) for time in (since, until, compromised))
    return USCC.encode() + bytes([1, purpose]) + times


def test_slot_is_unpacked_from_high_to_low() -> None:
    word = USCC.encode() + bytes.fromhex("0102" + "00000064" + "000000c8" + "00000096")
    assert RegisteredKey.unpack(word) == RegisteredKey(USCC, 1, 2, 100, 200, 150)
    assert RegisteredKey.unpack(bytes(32)) is None


@pytest.mark.parametrize(
    ("slot", "time", "outcome"),
    [
        (_slot(), 100, Outcome.PASSED),
        (_slot(), 99, Outcome.FAILED),
        (_slot(until=200), 199, Outcome.PASSED),
        (_slot(until=200), 200, Outcome.FAILED),
        (_slot(compromised=150), 149, Outcome.PASSED),
        (_slot(compromised=150), 150, Outcome.NOT_CHECKED),
        (_slot(until=140, compromised=150), 150, Outcome.FAILED),
        (bytes(32), 150, Outcome.FAILED),
        (_slot(purpose=RECEIPT), 150, Outcome.FAILED),
        (b"\xff" * 32, 150, Outcome.FAILED),
    ],
)
def test_a_key_counts_from_its_start_until_before_its_end(slot: bytes, time: int, outcome: Outcome) -> None:
    finding = judge(slot, alg=1, purpose=SUBMISSION, time=time, uscc=USCC)
    assert finding.outcome is outcome
    if outcome is not Outcome.PASSED:
        assert finding.reason
        assert finding.expected is not None
        assert finding.got is not None


@pytest.mark.parametrize(("time", "outcome"), [(96, Outcome.PASSED), (94, Outcome.FAILED)])
def test_another_clock_gets_some_slack(time: int, outcome: Outcome) -> None:
    assert judge(_slot(), alg=1, purpose=SUBMISSION, time=time, slack=5).outcome is outcome


@pytest.mark.parametrize(("time", "outcome"), [(144, Outcome.PASSED), (145, Outcome.NOT_CHECKED)])
def test_a_key_must_be_sound_in_all_of_the_slack(time: int, outcome: Outcome) -> None:
    assert judge(_slot(compromised=150), alg=1, purpose=SUBMISSION, time=time, slack=5).outcome is outcome


def test_another_organizations_key_names_both() -> None:
    finding = judge(_slot(), alg=1, purpose=SUBMISSION, time=150, uscc="91350211M000100Y43")
    assert (finding.expected, finding.got) == ("91350211M000100Y43", USCC)


def test_another_algorithm_fails() -> None:
    assert judge(_slot(), alg=2, purpose=SUBMISSION, time=150, uscc=USCC).outcome is Outcome.FAILED
