import enum
import json
import time
from datetime import UTC, date, datetime
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import SCALARS

from chainsvc import jcs
from chainsvc.errors import MalformedInput

ASCII_KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ASCII_KEYS, inner, max_size=4),
    max_leaves=20,
)
LIMITS: dict[str, int] = {"max_bytes": 10_000, "max_depth": 20}


class _Number(enum.IntEnum):
    ONE = 1


class _Text(str):
    __slots__ = ()


@given(VALUES)
def test_dumps_equals_the_reference_library(value: Any) -> None:
    assert jcs.dumps(value) == rfc8785.dumps(value)


@given(VALUES)
def test_loads_returns_what_dumps_was_given(value: Any) -> None:
    assert jcs.loads(jcs.dumps(value), max_bytes=100_000, max_depth=64) == value


@given(VALUES)
def test_loads_reads_any_whitespace_and_escapes(value: Any) -> None:
    assert jcs.loads(json.dumps(value, indent=3).encode(), max_bytes=100_000, max_depth=64) == value


def test_string_example_of_rfc_8785_section_3_2_2() -> None:
    source = rb'"\u20ac$\u000F\u000aA' + rb"'" + rb'\u0042\u0022\u005c\\\"\/"'
    assert jcs.dumps(jcs.loads(source, **LIMITS)) == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode()


def test_every_control_character_has_its_one_form() -> None:
    text = "".join(map(chr, range(0x20))) + "\x7f\u2028\u2029\U0001f3ee"
    assert jcs.dumps(text) == rfc8785.dumps(text)


def test_a_tuple_is_an_array() -> None:
    assert jcs.dumps({"a": (1, (2,))}) == b'{"a":[1,[2]]}'


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (1.0, ""),
        (float("nan"), ""),
        ({"a": [0, {"b": 0.5}]}, "/a/1/b"),
        ({"a": 2**53}, "/a"),
        ([-(2**53)], "/0"),
        ([[b"bytes"]], "/0/0"),
        ({"a": {1, 2}}, "/a"),
        ({"when": datetime(2026, 1, 1, tzinfo=UTC)}, "/when"),
        ({"day": date(2026, 1, 1)}, "/day"),
        ([_Number.ONE], "/0"),
        ([_Text("x")], "/0"),
        ({"a": {1: 2}}, "/a"),
        ({"a": {"名": 2}}, "/a"),
        ({_Text("x"): 1}, ""),
        ({"a": [1, "\ud800"]}, "/a/1"),
        ("\udfff", ""),
    ],
    ids=repr,
)
def test_dumps_refuses_with_the_place(value: Any, where: str) -> None:
    with pytest.raises(MalformedInput) as caught:
        jcs.dumps(value)
    assert caught.value.where == where


def test_dumps_refuses_a_structure_that_contains_itself() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(MalformedInput, match="nested too deeply"):
        jcs.dumps(loop)


@pytest.mark.parametrize("value", [jcs.MAX_INTEGER, -jcs.MAX_INTEGER, 0, True, None, "", [], {}])
def test_dumps_takes_the_limits_of_the_subset(value: Any) -> None:
    assert jcs.loads(jcs.dumps(value), **LIMITS) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "not JSON"),
        (b"nul", "not JSON"),
        (b"[1,]", "not JSON"),
        (b"[1] 2", "not JSON"),
        (b"NaN", "not JSON"),
        (b"Infinity", "not JSON"),
        (b"01", "not JSON"),
        (b"+1", "not JSON"),
        (b"'a'", "not JSON"),
        (b"\xef\xbb\xbf1", "not JSON"),
        (b'"\xff"', "not JSON"),
        (b'"\xc0\x80"', "not JSON"),
        (b'"\xed\xa0\x80"', "not JSON"),
        (rb'"\ud800"', "not JSON"),
        (rb'"\udc00\ud800"', "not JSON"),
        (b'"\x01"', "not JSON"),
        (b"1.0", "no such value"),
        (b"1e3", "no such value"),
        (b"-0.0", "no such value"),
        (b"-0", "negative zero"),
        (b"[[-0]]", "negative zero"),
        (b"9007199254740992", "too large"),
        (b"-9007199254740992", "too large"),
        (b"18446744073709551616", "no such value"),
        (b"1" * 400, "no"),
        (b'{"a":1,"a":1}', "duplicate member"),
        (rb'{"a":1,"\u0061":2}', "duplicate member"),
        (b'[{"b":{"a":1,"c":2,"a":3}}]', "duplicate member"),
        ('{"é":1}'.encode(), "not ASCII"),
    ],
)
def test_loads_refuses(text: bytes, message: str) -> None:
    with pytest.raises(MalformedInput, match=message):
        jcs.loads(text, **LIMITS)


@given(st.binary(max_size=60))
def test_loads_of_any_bytes_is_a_value_or_malformed(data: bytes) -> None:
    try:
        value = jcs.loads(data, **LIMITS)
    except MalformedInput:
        return
    assert jcs.loads(jcs.dumps(value), **LIMITS) == value


def test_size_limit_counts_bytes() -> None:
    text = '"€"'.encode()
    assert jcs.loads(text, max_bytes=5, max_depth=1) == "€"
    with pytest.raises(MalformedInput, match="too large"):
        jcs.loads(text, max_bytes=4, max_depth=1)


@pytest.mark.parametrize("text", [b"[[1]]", b'{"a":{"b":1}}', b'[{"]]]":"[[[\\"["}]'])
def test_depth_limit_counts_brackets_outside_strings(text: bytes) -> None:
    jcs.loads(text, max_bytes=99, max_depth=2)
    with pytest.raises(MalformedInput, match="nested too deeply"):
        jcs.loads(text, max_bytes=99, max_depth=1)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b'"' + b'\\"' * 500_000,
        b'"' * 1_000_000,
        b"\\" * 1_000_000,
        b'"' + b"a" * 1_000_000,
    ],
    ids=["brackets", "objects", "escaped quotes", "quotes", "backslashes", "unclosed"],
)
def test_hostile_text_of_a_megabyte_is_refused_within_two_seconds(data: bytes) -> None:
    started = time.monotonic()
    with pytest.raises(MalformedInput):
        jcs.loads(data, max_bytes=len(data), max_depth=12)
    assert time.monotonic() - started < 2
