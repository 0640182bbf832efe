import datetime as dt
import math
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainsvc_adapters.amounts import MAX_FEN, amount
from chainsvc_adapters.cells import (
    CellRefused,
    account,
    choice,
    citizen_number,
    clean,
    count,
    is_damaged,
    may_be_damaged,
    optional,
    text,
)
from chainsvc_adapters.days import date, month
from chainsvc_adapters.feeds.sheet import Cell

FEN = st.integers(0, MAX_FEN)
DAYS = st.dates(dt.date(1900, 1, 1), dt.date(2100, 12, 31))
FULL_WIDTH = str.maketrans("0123456789.,", "０１２３４５６７８９．，")


def written(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


@given(FEN)
def test_amount_round_trips_as_text(fen: int) -> None:
    assert amount(written(fen)) == fen
    assert amount(f"{fen // 100:,}.{fen % 100:02d}") == fen
    assert amount(f"￥ {written(fen)} 元") == fen
    assert amount(written(fen).translate(FULL_WIDTH)) == fen


@given(st.integers(0, 10**15 - 1))
def test_amount_round_trips_as_a_workbook_number(fen: int) -> None:
    assert amount(float(Decimal(fen) / 100)) == fen


@given(st.lists(st.integers(0, 10**8), min_size=2, max_size=8))
def test_a_float_sum_of_a_workbook_is_read_as_shown(parts: list[int]) -> None:
    assert amount(math.fsum(fen / 100 for fen in parts)) == sum(parts)
    assert amount(sum(fen / 100 for fen in parts)) == sum(parts)


@pytest.mark.parametrize(
    ("cell", "fen"),
    [("0", 0), ("0.5", 50), ("1,234.5", 123450), (320.0, 32000), (0.1 + 0.2, 30), (1.1, 110), (7, 700), ("¥8元", 800)],
)
def test_amounts_as_systems_write_them(cell: Cell, fen: int) -> None:
    assert amount(cell) == fen


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "一百元",
        "壹佰元整",
        "-1",
        "(1.00)",
        "1.005",
        "1,23",
        "12,34.00",
        "1e5",
        "1.2.3",
        "100万元",
        "١٢",
        "90071992547409.92",
        -0.01,
        1.005,
        1e13,
        math.inf,
        math.nan,
        True,
        dt.date(2026, 1, 5),
    ],
)
def test_what_is_no_exact_amount_is_refused(cell: Cell) -> None:
    with pytest.raises(CellRefused):
        amount(cell)


@given(DAYS)
def test_each_way_to_write_a_day_gives_the_same(day: dt.date) -> None:
    ways: list[Cell] = [
        day,
        dt.datetime.combine(day, dt.time(13, 5)),
        day.isoformat(),
        f"{day.isoformat()} 13:05:59",
        f"{day.isoformat()}T00:00:00",
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}.{day.month:02d}.{day.day:02d}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day:%Y%m%d}",
        float(f"{day:%Y%m%d}"),
        day.isoformat().translate(FULL_WIDTH),
    ]
    assert {date(way) for way in ways} == {day.isoformat()}


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "2026-13-45",
        "2026-02-29",
        "26-1-5",
        "2026/1-5",
        "2026年1-5",
        46027.0,
        "0206-01-05",
        "2206-01-05",
        "今天",
        True,
    ],
)
def test_what_is_no_day_is_refused(cell: Cell) -> None:
    with pytest.raises(CellRefused):
        date(cell)


@given(st.integers(1900, 2100), st.integers(1, 12))
def test_each_way_to_write_a_month_gives_the_same(year: int, number: int) -> None:
    ways: list[Cell] = [
        f"{year}-{number:02d}",
        f"{year}/{number}",
        f"{year}年{number}月",
        f"{year}年{number}月份",
        f"{year}{number:02d}",
        float(f"{year}{number:02d}"),
        dt.date(year, number, 15),
    ]
    assert {month(way) for way in ways} == {f"{year}-{number:02d}"}


@pytest.mark.parametrize("cell", ["", "2026-13", "2026-00", "20269", "2026-09-01", "九月", 46027.0])
def test_what_is_no_month_is_refused(cell: Cell) -> None:
    with pytest.raises(CellRefused):
        month(cell)


@given(st.text())
def test_clean_gives_nfc_and_notes_exactly_what_changed(written_text: str) -> None:
    cell, note = clean(written_text)
    assert isinstance(cell, str)
    assert unicodedata.is_normalized("NFC", cell)
    assert clean(cell)[1] is None
    if unicodedata.is_normalized("NFC", written_text):
        assert note is None


def test_a_changed_character_is_noted_by_its_code_point() -> None:
    assert clean("柳\uf9d0") == ("柳類", "NFC: U+F9D0 became U+985E")
    assert clean("e\u0301") == ("é", "NFC: U+0065 U+0301 became U+00E9")


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ('="001"', "001"),
        ("'=1+1", "=1+1"),
        ("'320602194604267346", "320602194604267346"),
        ("'90后", "'90后"),
        ("\t11010519491231002X\t", "11010519491231002X"),
        ("\u3000张三\u3000", "张三"),
        (5.0, 5.0),
    ],
)
def test_marks_that_force_text_are_taken_off(cell: Cell, meant: Cell) -> None:
    assert clean(cell) == (meant, None)


def test_text_takes_a_whole_number_as_its_digits() -> None:
    assert text("JZ1") == "JZ1"
    assert text(32062600000017.0) == "32062600000017"
    for wrong in ("", 1.5, 1e15, math.nan, math.inf, True, dt.date(2026, 1, 5)):
        with pytest.raises(CellRefused):
            text(wrong)


def test_count_takes_whole_numbers() -> None:
    assert [count("127"), count(127.0), count("１２７人")] == [127, 127, 127]
    for wrong in ("", "约100", 1.5, "-1", True, "12345678901"):
        with pytest.raises(CellRefused):
            count(wrong)


def test_choice_names_the_options() -> None:
    read = choice({"是": True, "否": False})
    assert read("是") is True
    with pytest.raises(CellRefused, match="one of 是、否"):
        read("也许")


def test_optional_gives_none_for_an_empty_cell_only() -> None:
    assert optional(text)("") is None
    assert optional(amount)(0.0) == 0


def test_citizen_number_is_read_with_small_x_and_full_width() -> None:
    assert citizen_number("11010519491231002x") == "11010519491231002X"
    assert citizen_number("１１０１０５１９４９１２３１００２Ｘ") == "11010519491231002X"


@pytest.mark.parametrize("cell", [3.20602194604267e17, "3.20602E+17", "320602194604267000"])
def test_citizen_number_cut_by_a_spreadsheet_is_refused(cell: Cell) -> None:
    assert is_damaged(cell)
    with pytest.raises(CellRefused, match="15 digits"):
        citizen_number(cell)


def test_true_citizen_number_that_ends_in_000_is_read() -> None:
    genuine = "110105199601019000"  # check character 0 by GB 11643
    assert not is_damaged(genuine)
    assert may_be_damaged(genuine)
    assert citizen_number(genuine) == genuine


def test_account_cut_by_a_spreadsheet_is_refused() -> None:
    assert account("6228 4850 2174 5185") == "6228485021745185"
    for wrong in (6.22848580502174e18, "6.22849E+18", "6228485805021740000"):
        with pytest.raises(CellRefused, match="15 digits"):
            account(wrong)


def test_account_that_ends_in_0000_is_read_when_its_check_digit_fits() -> None:
    assert account("6228485805021770000") == "6228485805021770000"


@pytest.mark.parametrize(
    ("cell", "part"), [("110105194912310021", "check"), ("110105194902300021", "birth"), ("张三", "17")]
)
def test_wrong_citizen_number_is_refused_without_repeating_it(cell: str, part: str) -> None:
    with pytest.raises(CellRefused, match=part) as caught:
        citizen_number(cell)
    assert cell not in str(caught.value)
