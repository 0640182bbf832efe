"""The schema files that the descriptor pins, byte for byte, and texts for each of their formats."""

from importlib import resources
from typing import Any

from chainsvc.schemas import all_schemas
from vector_parts.constants import OFFICE, OPERATOR, UNIT

FORMATS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "uscc": (
        (UNIT, OFFICE, OPERATOR),
        (UNIT[:-1] + "5", UNIT[:8] + "0" + UNIT[9:], UNIT[:-1], UNIT + "0", "I" + UNIT[1:], OFFICE.lower(), ""),
    ),
    "citizen-number": (
        ("440524188001010014", "11010519491231002X"),
        ("440524188001010015", "11010519491231002x", "110105194912310020", "110105194902300028", "44052418800101001"),
    ),
    "region-code": (("330106", "110000", "830000"), ("000000", "160000", "33010", "3301066", "33010a")),
    "certificate-number": (
        ("J330106-2026-000004", "L110101-2012-000001", "BJ330106-1950-000000", "BL330106-2026-999999"),
        ("X330106-2026-000004", "J330106-1949-000004", "J160106-2026-000004", "J330106-2026-4", "j330106-2026-000004"),
    ),
    "date": (
        ("2026-09-01", "2024-02-29", "0001-01-01", "9999-12-31"),
        ("2026-02-29", "2026-9-1", "2026-13-01", "0000-01-01", "20260901", "2026-09-01 ", "２０２６-09-01"),
    ),
    "date-time": (
        ("2026-09-16T09:30:00+08:00", "2026-09-16T01:30:00Z", "2026-09-16T01:30:00.123456789-23:59"),
        (
            "2026-09-16T09:30:00",
            "2026-09-16t09:30:00z",
            "2026-09-16 09:30:00Z",
            "2026-09-16T24:00:00Z",
            "2016-12-31T23:59:60Z",
            "2026-09-16T09:30:00.1234567890Z",
            "2026-09-16T09:30:00+24:00",
            "2026-09-31T09:30:00Z",
            "2026-09-16T09:30Z",
        ),
    ),
}
"""By format: texts that it takes, and texts that it does not."""


def files() -> dict[str, Any]:
    """Return ``schemas/*.json`` and ``formats.json``."""
    bodies = resources.files("chainsvc.schemas").joinpath("bodies")
    found: dict[str, Any] = {
        f"schemas/{name}.json": bodies.joinpath(f"{name}.json").read_bytes() for name in all_schemas()
    }
    rows = [{"format": name, "accepted": list(good), "refused": list(bad)} for name, (good, bad) in FORMATS.items()]
    found["formats.json"] = {"rule": "section 15: what the formats of the schema files take", "formats": rows}
    return found
