"""Formats of civil-affairs identifiers, with their check digits.

Each ``…_fault`` takes a text and returns None, or the reason why it is refused, which never repeats
the text (it may be personal). ``FORMATS`` gives the same functions by their JSON Schema name.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import mul

_USCC_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(3**i % 31 for i in range(17))
_USCC = re.compile(rf"[{_USCC_CHARACTERS}]{{18}}")
_ORGANIZATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)

_CITIZEN = re.compile(r"[1-9][0-9]{16}[0-9X]")
_CITIZEN_WEIGHTS = tuple(2 ** (17 - i) % 11 for i in range(17))
_CITIZEN_CHECKS = "10X98765432"

_PROVINCES = frozenset(
    f"{area}{province}"
    for area, provinces in {
        1: "12345",
        2: "123",
        3: "1234567",
        4: "123456",
        5: "01234",
        6: "12345",
        7: "1",
        8: "123",
    }.items()
    for province in provinces
)
"""First two digits of GB/T 2260: six areas, Taiwan 71, Hong Kong 81, Macao 82, and 83 of residence permits."""
_REGION = re.compile(r"[0-9]{6}")
_CERTIFICATE = re.compile(r"(?:J|L|BJ|BL)(?P<region>[0-9]{6})-(?P<year>[0-9]{4})-[0-9]{6}")
_FIRST_CERTIFICATE_YEAR = 1950
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)


@lru_cache(maxsize=4096)
def uscc_fault(text: str) -> str | None:
    """Check a unified social credit code: GB 32100-2015, and GB 11714 for characters 9 to 17."""
    if not _USCC.fullmatch(text):
        return "18 characters of 0-9 and A-Z without I, O, S, V, Z are expected (应为18位统一社会信用代码)"
    if not _organization_check(text[8:17]):
        return "the check character of the organization code, the 17th, does not match (第17位组织机构代码校验码不符)"
    total = sum(map(mul, map(_USCC_CHARACTERS.index, text[:17]), _USCC_WEIGHTS))
    if _USCC_CHARACTERS[-total % 31] != text[17]:
        return "the check character, the 18th, does not match (第18位校验码不符)"
    return None


def _organization_check(code: str) -> bool:
    """GB 11714: A to Z count as 10 to 35; check = 11 - sum mod 11, written X for 10 and 0 for 11."""
    total = sum(int(character, 36) * weight for character, weight in zip(code, _ORGANIZATION_WEIGHTS, strict=False))
    return "0X987654321"[total % 11] == code[8]


def citizen_number_fault(text: str) -> str | None:
    """Check a citizen number: GB 11643-1999, check character by ISO 7064 mod 11-2."""
    if not _CITIZEN.fullmatch(text):
        return "17 digits and a digit or capital X are expected (应为18位公民身份号码)"
    if date_fault(f"{text[6:10]}-{text[10:12]}-{text[12:14]}"):
        return "the birth date in it does not exist (其中的出生日期不存在)"
    # Each byte is its digit plus 48, so the sum is over by 48 times the sum of the weights.
    total = sum(map(mul, text[:17].encode(), _CITIZEN_WEIGHTS)) - 48 * sum(_CITIZEN_WEIGHTS)
    if _CITIZEN_CHECKS[total % 11] != text[17]:
        return "the check character does not match the other 17 (校验码与前17位不符)"
    return None


def region_code_fault(text: str) -> str | None:
    """Check the form of a county-level region code: GB/T 2260, six digits under an existing province."""
    if not _REGION.fullmatch(text) or text[:2] not in _PROVINCES:
        return "a region code of six digits is expected (应为6位行政区划代码)"
    return None


def certificate_number_fault(text: str) -> str | None:
    """Check a marriage certificate number: J, L, BJ or BL, region code, year and serial of six digits."""
    match = _CERTIFICATE.fullmatch(text)
    if match is None:
        return "a number like J110101-2010-000001 is expected (证字号格式不符)"
    if int(match["year"]) < _FIRST_CERTIFICATE_YEAR:
        return "the year in it lies before the first marriage law (其中的年份早于1950年)"
    return region_code_fault(match["region"]) and "the region code in it does not exist (其中的行政区划代码不存在)"


@lru_cache(maxsize=4096)
def date_fault(text: str) -> str | None:
    """Check a day: ISO 8601, YYYY-MM-DD, one that exists."""
    if not _DATE.fullmatch(text):
        return "a date YYYY-MM-DD is expected (日期格式应为YYYY-MM-DD)"
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return "there is no such day (日期不存在)"
    return None


@lru_cache(maxsize=4096)
def date_time_fault(text: str) -> str | None:
    """Check a time: RFC 3339 with an offset, capital T and Z, no leap second."""
    if not _DATE_TIME.fullmatch(text):
        return "a time like 2026-01-05T00:00:00+08:00 is expected (时间须带时区)"
    try:
        dt.datetime.fromisoformat(text[:19])
    except ValueError:
        return "there is no such time (时间不存在)"
    return None


FORMATS: Mapping[str, Callable[[str], str | None]] = {
    "uscc": uscc_fault,
    "citizen-number": citizen_number_fault,
    "region-code": region_code_fault,
    "certificate-number": certificate_number_fault,
    "date": date_fault,
    "date-time": date_time_fault,
}
"""Fault function of each format, by the name that schemas use."""
