"""Reading and writing single members of answers."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from chainsvc.errors import MalformedInput
from chainsvc.heads import Status

T = TypeVar("T")

EntryState = Literal["accepted", "sealed", "submitted", "final"]
"""How far an entry has come; the last three are the states of its batch."""

BatchState = Literal["sealed", "submitted", "final"]
"""How far a batch has come; submitted means it may be on chain."""

MarkState = Literal["requested", "submitted", "final", "refused"]
"""How far a change of standing has come."""


def standing_named(label: Any) -> Status:
    """Return the standing of that word.

    Raises:
        MalformedInput: No standing is called so.
    """
    for status in Status:
        if status.label == label:
            return status
    known = ", ".join(status.label for status in Status)
    raise MalformedInput("no such standing", expected=known, got=str(label)[:40], where="/status")


def one_of(value: Any, allowed: tuple[str, ...], where: str) -> Any:
    """Return the word when it is one of those.

    Raises:
        MalformedInput: It is another.
    """
    if value not in allowed:
        raise MalformedInput("unknown state", expected=", ".join(allowed), got=str(value)[:40], where=where)
    return value


def truth(value: Any, where: str) -> bool:
    """Return the boolean.

    Raises:
        MalformedInput: Another type.
    """
    if type(value) is not bool:
        raise MalformedInput("not a boolean", expected="true or false", got=type(value).__name__, where=where)
    return value


def maybe(read: Callable[[Any, str], T], value: Any, where: str) -> T | None:
    """Return None for null, else what the reader makes of it."""
    return None if value is None else read(value, where)


def hex_or_none(value: bytes | None) -> str | None:
    """Return lowercase hex, None for None."""
    return None if value is None else value.hex()
