import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainsvc.schemas.formats import (
    FORMATS,
    certificate_number_fault,
    citizen_number_fault,
    date_fault,
    date_time_fault,
    region_code_fault,
    uscc_fault,
)

# The example printed in GB 32100-2015 annex A, and that of GB 11643-1999.
USCC = "91350100M000100Y43"
CITIZEN = "11010519491231002X"
USCC_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@pytest.mark.parametrize("text", [USCC, "533206001803406341", "11320602114798049U"])
def test_true_credit_codes_pass(text: str) -> None:
    assert uscc_fault(text) is None


@given(st.integers(0, 17), st.sampled_from(USCC_CHARACTERS))
def test_one_wrong_character_of_a_credit_code_is_found(place: int, character: str) -> None:
    wrong = USCC[:place] + character + USCC[place + 1 :]
    assert (uscc_fault(wrong) is None) == (wrong == USCC)


@given(st.integers(0, 16))
def test_two_neighbours_swapped_in_a_credit_code_are_found(place: int) -> None:
    wrong = USCC[:place] + USCC[place + 1] + USCC[place] + USCC[place + 2 :]
    assert (uscc_fault(wrong) is None) == (wrong == USCC)


def test_inner_organization_code_is_checked_even_if_the_outer_check_fits() -> None:
    wrong = "91350100M000100X4"
    outer = [wrong + c for c in USCC_CHARACTERS]
    faults = {uscc_fault(text) for text in outer}
    assert len(faults) == 1
    assert "17th" in str(faults.pop())


@pytest.mark.parametrize("text", ["", USCC[:-1], USCC + "0", USCC.lower(), "I" * 18, "９" * 18])
def test_another_form_is_no_credit_code(text: str) -> None:
    assert "18 characters" in str(uscc_fault(text))


@given(st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_wrong_digit_of_a_citizen_number_is_found(place: int, digit: str) -> None:
    wrong = CITIZEN[:place] + digit + CITIZEN[place + 1 :]
    assert (citizen_number_fault(wrong) is None) == (wrong == CITIZEN)


def test_each_fault_of_a_citizen_number_is_named() -> None:
    assert citizen_number_fault(CITIZEN) is None
    assert "capital X" in str(citizen_number_fault(CITIZEN.lower()))
    assert "birth date" in str(citizen_number_fault("110105194902300021"))
    assert "check character" in str(citizen_number_fault("110105194912310021"))


def with_check(body: str) -> str:
    """Check character by the definition: sum of a_i * 2^(i-1) from the right is 1 mod 11."""
    for check in "0123456789X":
        values = [int(c) if c != "X" else 10 for c in body + check]
        if sum(value * 2**power for power, value in enumerate(reversed(values))) % 11 == 1:
            return body + check
    raise AssertionError(body)


@given(st.dates(dt.date(1900, 1, 1), dt.date(2026, 1, 1)), st.integers(0, 999))
def test_citizen_numbers_made_by_the_definition_pass(born: dt.date, sequence: int) -> None:
    assert citizen_number_fault(with_check(f"320602{born:%Y%m%d}{sequence:03d}")) is None


@pytest.mark.parametrize(
    "text", ["J110101-2010-000001", "L320602-2026-123456", "BJ440106-1999-000009", "BL110105-2026-000001"]
)
def test_certificate_numbers_pass(text: str) -> None:
    assert certificate_number_fault(text) is None


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("K110101-2010-000001", "like J110101"),
        ("J110101-2010-00001", "like J110101"),
        ("J990101-2010-000001", "region"),
        ("J110101-1890-000001", "year"),
        ("J110101-2010-000001\n", "like J110101"),
    ],
)
def test_wrong_certificate_numbers_are_refused(text: str, part: str) -> None:
    assert part in str(certificate_number_fault(text))


def test_region_codes_have_an_existing_province() -> None:
    assert region_code_fault("320602") is None
    for wrong in ("990000", "32060", "3206020", "32060a", "160000"):
        assert region_code_fault(wrong)


@given(st.dates())
def test_each_day_passes_in_iso_form(day: dt.date) -> None:
    assert date_fault(day.isoformat()) is None


@pytest.mark.parametrize(
    "text", ["2026-02-29", "2026-1-5", "20260105", "2026-13-01", "", "２０２６-01-05", "2026-W01-1"]
)
def test_wrong_days_are_refused(text: str) -> None:
    assert date_fault(text)


@given(st.datetimes(), st.integers(-14 * 60, 14 * 60))
def test_times_with_an_offset_pass(when: dt.datetime, offset: int) -> None:
    zone = dt.timezone(dt.timedelta(minutes=offset))
    assert date_time_fault(when.replace(tzinfo=zone).isoformat()) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-05T00:00:00",
        "2026-01-05 00:00:00+08:00",
        "2026-01-05T00:00:60Z",
        "2026-02-30T00:00:00Z",
        "2026-01-05T24:00:00Z",
        "2026-01-05T00:00:00+0800",
        "2026-01-05t00:00:00z",
        "2026-01-05T00:00:00+24:00",
    ],
)
def test_times_without_offset_or_wrong_are_refused(text: str) -> None:
    assert date_time_fault(text)


@given(st.text(min_size=8), st.sampled_from(sorted(FORMATS)))
def test_no_text_breaks_a_format_and_no_fault_repeats_it(text: str, name: str) -> None:
    assert text not in (FORMATS[name](text) or "")
