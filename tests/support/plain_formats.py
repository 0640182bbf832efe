"""Formats of schema files (section 15 of docs/evidence-format.md) once more; no line is shared with chainsvc."""

import re
from calendar import monthrange

CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def is_date(text: str) -> bool:
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text)
    if not match:
        return False
    year, month, day = map(int, match.groups())
    return year > 0 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]


def is_date_time(text: str) -> bool:
    clock, offset = r"([0-9]{2}):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?", r"Z|[+-]([0-9]{2}):[0-5][0-9]"
    match = re.fullmatch(f"(.{{10}})T{clock}(?:{offset})", text)
    return match is not None and is_date(match[1]) and match[2] < "24" and (match[3] or "00") < "24"


def is_uscc(text: str) -> bool:
    if not re.fullmatch(f"[{CHARACTERS}]{{18}}", text):
        return False
    organization = sum(int(text[8 + i], 36) * weight for i, weight in enumerate((3, 7, 9, 10, 5, 8, 4, 2)))
    whole = sum(CHARACTERS.index(text[i]) * pow(3, i, 31) for i in range(17))
    return "0123456789X"[-organization % 11] == text[16] and CHARACTERS[-whole % 31] == text[17]


def is_citizen_number(text: str) -> bool:
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9X]", text) or not is_date(f"{text[6:10]}-{text[10:12]}-{text[12:14]}"):
        return False
    total = 0
    for character in text:  # ISO 7064, MOD 11-2: the whole number leaves 1
        total = total * 2 + (10 if character == "X" else int(character))
    return total % 11 == 1


def is_region_code(text: str) -> bool:
    provinces = "11-15 21-23 31-37 41-46 50-54 61-65 71-71 81-83"
    if not re.fullmatch("[0-9]{6}", text):
        return False
    return any(first <= text[:2] <= last for first, last in (pair.split("-") for pair in provinces.split()))


def is_certificate_number(text: str) -> bool:
    match = re.fullmatch(r"B?[JL]([0-9]{6})-([0-9]{4})-[0-9]{6}", text)
    return match is not None and is_region_code(match[1]) and match[2] >= "1950"


FORMATS = {
    "uscc": is_uscc,
    "citizen-number": is_citizen_number,
    "region-code": is_region_code,
    "certificate-number": is_certificate_number,
    "date": is_date,
    "date-time": is_date_time,
}
