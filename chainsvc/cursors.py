"""Opaque cursors: where the next page of a list begins."""

import base64
import binascii

from chainsvc.errors import MalformedInput

_LONGEST = 256


def encode(noun: str, position: int | str) -> str:
    """Return the cursor of a position in the list of that noun."""
    return base64.urlsafe_b64encode(f"{noun}:{position}".encode()).decode().rstrip("=")


def decode(noun: str, cursor: str | None) -> str | None:
    """Return the position that a cursor of that list names, None for none.

    Raises:
        MalformedInput: Not a cursor of that list.
    """
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        name, _, position = base64.b64decode(padded.encode("ascii"), b"-_", validate=True).decode().partition(":")
    except (binascii.Error, UnicodeError, ValueError):
        name, position = "", ""
    fits = name == noun and position and position.isprintable()  # PostgreSQL has no text with a NUL in it
    if not fits or len(cursor) > _LONGEST or encode(noun, position) != cursor:
        hint = "Take it unchanged from the page before, or leave it out for the first page."
        raise MalformedInput("not a cursor of this list", got=cursor[:80], where="after", hint=hint)
    return position


def decode_number(noun: str, cursor: str | None) -> int | None:
    """Return the numbered position that a cursor names, None for none.

    Raises:
        MalformedInput: Not a cursor of that list.
    """
    position = decode(noun, cursor)
    if position is None:
        return None
    number = int(position) if position.isascii() and position.isdigit() else -1
    if not 0 <= number < 2**63 or str(number) != position:
        raise MalformedInput("not a cursor of this list", got=str(cursor)[:80], where="after")
    return number
