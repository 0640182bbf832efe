"""Days and months, in the ways that business systems write them."""

import datetime as dt
import re

from chainsvc_adapters.cells import CellRefused, digits
from chainsvc_adapters.feeds.sheet import Cell

FIRST_YEAR, LAST_YEAR = 1900, 2100
"""Years that a business date may have; others are typing errors."""

_DATES = (
    re.compile(r"(?P<year>[0-9]{4})(?P<mark>[-/.])(?P<month>[0-9]{1,2})(?P=mark)(?P<day>[0-9]{1,2})"),
    re.compile(r"(?P<year>[0-9]{4})年(?P<month>[0-9]{1,2})月(?P<day>[0-9]{1,2})日?"),
    re.compile(r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"),
)
_MONTHS = (
    re.compile(r"(?P<year>[0-9]{4})[-/.](?P<month>[0-9]{1,2})"),
    re.compile(r"(?P<year>[0-9]{4})年(?P<month>[0-9]{1,2})月份?"),
    re.compile(r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})"),
)
_TIME = re.compile(r"[T ]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?")


def date(cell: Cell) -> str:
    """Read a day, return it as YYYY-MM-DD; a time of day is left off.

    Understood: ISO, 2026/1/5, 2026.1.5, 2026年1月5日, 20260105 and a workbook's own dates.

    Raises:
        CellRefused: Empty, no such day, a bare serial number, or a year outside 1900 to 2100.
    """
    if isinstance(cell, dt.date):  # a datetime is one
        return _day(cell.year, cell.month, cell.day)
    written = digits(cell)
    written = _TIME.sub("", written) if ":" in written else written
    match = _matched(_DATES, written)
    if match is None:
        raise CellRefused("not a date (日期无法识别)", expected="a date like 2026-01-05", got=written[:40])
    return _day(int(match["year"]), int(match["month"]), int(match["day"]))


def _day(year: int, month: int, day: int) -> str:
    written = f"{year:04d}-{month:02d}-{day:02d}"
    if not FIRST_YEAR <= year <= LAST_YEAR:
        expected = f"a year from {FIRST_YEAR} to {LAST_YEAR}"
        raise CellRefused("the year can't be right (年份有误)", expected=expected, got=written)
    try:
        return dt.date(year, month, day).isoformat()
    except ValueError as error:
        expected = "a day that exists, like 2026-01-05"
        raise CellRefused("there is no such day (日期不存在)", expected=expected, got=written) from error


def month(cell: Cell) -> str:
    """Read a month, return it as YYYY-MM: 2026-09, 2026/9, 2026年9月, 202609 or a workbook's date.

    Raises:
        CellRefused: Empty, or no such month.
    """
    if isinstance(cell, dt.date):  # a datetime is one
        return _day(cell.year, cell.month, 1)[:7]
    written = digits(cell)
    match = _matched(_MONTHS, written)
    if match is None:
        raise CellRefused("not a month (月份无法识别)", expected="a month like 2026-09", got=written[:40])
    return _day(int(match["year"]), int(match["month"]), 1)[:7]


def _matched(patterns: tuple[re.Pattern[str], ...], written: str) -> re.Match[str] | None:
    return next((match for pattern in patterns if (match := pattern.fullmatch(written))), None)
