"""Canonical JSON (RFC 8785), the strict subset that records and evidence use.

Values are null, booleans, integers within ±(2^53-1), strings without lone surrogates, arrays and
objects. Floats are refused in both directions: money is integer fen, and RFC 8785 section 3.2.2.3
(number serialization) is then plain decimal.
"""

import json
import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import orjson

from chainsvc.errors import MalformedInput

MAX_INTEGER = 2**53 - 1
"""Largest magnitude that every JSON reader keeps exactly (RFC 7493 section 2.2)."""

MAX_DEPTH = 64
"""Deepest nesting of anything that is serialized here; each format sets its own, lower limit for reading."""


def dumps(value: Any, *, max_depth: int = MAX_DEPTH) -> bytes:
    """Return the canonical bytes of the value, which may nest that deep.

    Raises:
        MalformedInput: It holds something that the subset has not, with its JSON Pointer.
    """
    if type(value) is not str:
        check(value, max_depth=max_depth)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        place = _lone_surrogate(value, "")
        raise MalformedInput("a string holds a lone surrogate", expected="valid Unicode", where=place) from error


def dumps_each(values: Sequence[Any]) -> list[bytes]:
    """Return the canonical bytes of each value, as :func:`dumps` does, with one call for all.

    Raises:
        MalformedInput: As :func:`dumps`, with the place inside its value.
    """
    for value in values:
        if value is not None and type(value) is not str:
            check(value)
    try:
        return [orjson.dumps(value, None, orjson.OPT_SORT_KEYS) for value in values]
    except orjson.JSONEncodeError:
        return [dumps(value) for value in values]  # says where


def _lone_surrogate(value: Any, pointer: str) -> str | None:
    """Find the place of a string that has no UTF-8 form, if there is one; keys are ASCII already."""
    if isinstance(value, str):
        return pointer if any("\ud800" <= character <= "\udfff" for character in value) else None
    members: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        members = [*value.items()]
    elif isinstance(value, list | tuple):
        members = [*enumerate(value)]
    places = (_lone_surrogate(member, f"{pointer}/{key}") for key, member in members)
    return next((place for place in places if place is not None), None)


def check(value: Any, *, max_depth: int = MAX_DEPTH, pointer: str = "") -> None:
    """Refuse whatever the subset has not.

    orjson writes integers beyond 2^53-1, dates and enums without a word, so each type is compared
    exactly before it writes anything.

    Raises:
        MalformedInput: With the JSON Pointer of the wrong place.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise MalformedInput("the integer is too large", expected="within ±(2^53-1)", got=value, where=pointer)
        return
    if kind is not dict and kind is not list and kind is not tuple:
        raise MalformedInput(
            "no such value in a record",
            expected="null, boolean, integer, string, array or object",
            got=kind.__name__,
            where=pointer,
        )
    if max_depth == 0:
        raise MalformedInput("nested too deeply", where=pointer)
    members = value.items() if kind is dict else enumerate(value)
    for key, member in members:
        if kind is dict:
            _check_key(key, pointer)
        if type(member) is not str:  # most members are: no call and no pointer for them
            check(member, max_depth=max_depth - 1, pointer=f"{pointer}/{key}")


def _check_key(key: Any, pointer: str) -> None:
    """ASCII keys only: byte order is then the UTF-16 order of RFC 8785 section 3.2.3."""
    if type(key) is not str or not key.isascii():
        raise MalformedInput("a member name is not ASCII", expected="[a-z][a-z0-9_]*", got=repr(key), where=pointer)


def loads(data: bytes, *, max_bytes: int, max_depth: int) -> Any:
    """Parse JSON within limits that are checked before parsing.

    Args:
        data: UTF-8 text.
        max_bytes: Largest size in bytes.
        max_depth: Deepest nesting of arrays and objects; 1 is a flat one.

    Raises:
        MalformedInput: Too large, too deep, not UTF-8, not JSON, a duplicate member, a float, an
            integer beyond 2^53-1 or a lone surrogate.
    """
    if len(data) > max_bytes:
        raise MalformedInput("too large", expected=f"at most {max_bytes} bytes", got=f"{len(data)} bytes")
    if (depth := depth_of(data)) > max_depth:
        raise MalformedInput("nested too deeply", expected=f"at most {max_depth} levels", got=depth)
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise MalformedInput(f"not JSON in UTF-8: {error.msg}", where=place) from error
    if dumps(value, max_depth=max_depth) != data:
        _refuse_ambiguous(data)
    return value


_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # possessive: never quadratic on an unclosed string
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(set(range(256)) - set(_STEPS))


def depth_of(data: bytes) -> int:
    """Count the deepest nesting of brackets outside strings, without recursion."""
    brackets = _STRING.sub(b"", data).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets), initial=0))


def _refuse_ambiguous(data: bytes) -> None:
    """Read text that is not canonical once more: orjson keeps the last duplicate and reads ``-0`` as 0."""
    json.loads(data, object_pairs_hook=_unique, parse_int=_integer)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise MalformedInput("duplicate member", got=repr(twice), hint="Each member name may stand once in an object.")
    return members


def _integer(text: str) -> int:
    if text == "-0":
        raise MalformedInput("negative zero", expected="0", got=text)
    return int(text)
