"""Reading members of parsed JSON: each refuses what is not exactly right, and says where."""

import struct
from collections.abc import Sequence
from typing import Any

from chainsvc.errors import MalformedInput
from chainsvc.jcs import MAX_INTEGER


def members_of(value: Any, members: frozenset[str], where: str = "") -> dict[str, Any]:
    """Return the object when it has exactly these members.

    Raises:
        MalformedInput: Not an object, a missing or an unknown member.
    """
    if type(value) is not dict or value.keys() != members:
        got = ", ".join(sorted(value)) if type(value) is dict else type(value).__name__
        raise MalformedInput("wrong members", expected=", ".join(sorted(members)), got=got[:200], where=where)
    return value


def array_of(value: Any, where: str, length: int | None = None) -> list[Any]:
    """Return the array, of that length if one is asked for.

    Raises:
        MalformedInput: Another type or length.
    """
    if type(value) is not list or (length is not None and len(value) != length):
        expected = "array" if length is None else f"array of {length}"
        raise MalformedInput("not such an array", expected=expected, got=type(value).__name__, where=where)
    return value


def whole(value: Any, where: str, most: int = MAX_INTEGER) -> int:
    """Return the integer when it is 0 to ``most``.

    Raises:
        MalformedInput: Another type or out of range.
    """
    if type(value) is not int or not 0 <= value <= most:
        raise MalformedInput("not such a number", expected=f"integer 0 to {most}", got=str(value)[:40], where=where)
    return value


def text(value: Any, where: str) -> str:
    """Return the string.

    Raises:
        MalformedInput: Another type.
    """
    if type(value) is not str:
        raise MalformedInput("not a string", expected="string", got=type(value).__name__, where=where)
    return value


def unhex(value: Any, where: str, length: int | None = None) -> bytes:
    """Return the bytes of lowercase hex without prefix.

    Raises:
        MalformedInput: Another type, form or length (in bytes).
    """
    try:
        data = bytes.fromhex(value) if type(value) is str else None
    except ValueError:
        data = None
    # fromhex takes capitals and spaces too: only what reads back the same is ours
    if data is None or data.hex() != value or length not in (None, len(data)):
        expected = "lowercase hex" if length is None else f"{2 * length} lowercase hex digits"
        raise MalformedInput("not hex", expected=expected, got=str(value)[:80], where=where)
    return data


def unhex_each(values: Sequence[Any], where: str, length: int) -> tuple[bytes, ...]:
    """Return the bytes of each string, as :func:`unhex` does, with one call for all.

    Raises:
        MalformedInput: As :func:`unhex`.
    """
    if set(map(type, values)) == {str} and set(map(len, values)) == {2 * length}:
        joined = "".join(values)
        try:
            data = bytes.fromhex(joined)
        except ValueError:
            data = b""
        if data.hex() == joined:
            return struct.unpack(f"{length}s" * len(values), data)
    return tuple([unhex(value, where, length) for value in values])
