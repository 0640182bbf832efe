"""Hypothesis strategies for canonical values, records and evidence."""

from typing import Any

from hypothesis import strategies as st

from chainsvc.jcs import MAX_INTEGER
from chainsvc.record import MAX_DEPTH, Record

LEDGER = "charity/533206001234567884/LUNCH-2026"

KEYS = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True)

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-MAX_INTEGER, MAX_INTEGER), st.text(max_size=20))


def _arrays_of(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, min_size=1, max_size=3))


def depth_of(value: Any) -> int:
    """Count nested arrays and objects."""
    if not isinstance(value, dict | list):
        return 0
    return 1 + max(map(depth_of, value.values() if isinstance(value, dict) else value), default=0)


ARRAYS = st.lists(st.recursive(SCALARS, _arrays_of, max_leaves=6), max_size=3)
"""Arrays of scalars, arrays and objects: one value of a record each."""

BODIES = st.recursive(
    st.dictionaries(KEYS, st.one_of(SCALARS, ARRAYS), min_size=1, max_size=4),
    lambda inner: st.dictionaries(KEYS, st.one_of(SCALARS, ARRAYS, inner), min_size=1, max_size=4),
    max_leaves=6,
).filter(lambda body: depth_of(body) < MAX_DEPTH)
"""Bodies of records: non-empty objects within the limits."""

HEXES = st.binary(min_size=32, max_size=32).map(bytes.hex)

AMOUNTS = st.integers(0, MAX_INTEGER)

RECORDS = st.builds(
    Record,
    schema=st.just("charity.donation.v1"),
    ledger=st.just(LEDGER),
    reference=st.text(min_size=1, max_size=20),
    revision=st.integers(0, 9),
    previous=st.none() | HEXES,
    credit=AMOUNTS,
    debit=AMOUNTS,
    issued_at=st.just("2026-09-01T08:00:00+08:00"),
    body=BODIES,
)
