"""RLP (Yellow Paper, appendix B), strictly: one encoding for each item, or a refusal."""

from typing import TypeAlias

from rlp.codec import decode as rlp_decode
from rlp.codec import encode_raw
from rlp.exceptions import RLPException

from chainsvc.errors import MalformedInput

Item: TypeAlias = "bytes | list[Item]"
"""A byte string, or a list of items."""

_U64_BYTES = 8


def decode(data: bytes, *, max_bytes: int, where: str) -> Item:
    """Return the one item that the bytes encode.

    The library refuses trailing bytes and long forms of short items; encoding the result again and
    comparing leaves no second encoding of the same item, whatever its version lets pass.

    Raises:
        MalformedInput: Larger than ``max_bytes``, not RLP, not canonical, or nested beyond reason.
    """
    if not 0 < len(data) <= max_bytes:
        raise MalformedInput(
            "RLP of the wrong size", expected=f"1 to {max_bytes} bytes", got=f"{len(data)} bytes", where=where
        )
    try:
        item: Item = rlp_decode(data, strict=True)
        again = encode(item)
    except (RLPException, RecursionError) as error:  # the library recurses, and a list costs one byte a level
        raise MalformedInput(f"not RLP: {type(error).__name__}", where=where) from error
    if again != data:
        raise MalformedInput("not canonical RLP", where=where)
    return item


def encode(item: Item) -> bytes:
    """Return the canonical encoding."""
    encoded: bytes = encode_raw(item)
    return encoded


def strings(item: Item, where: str) -> list[bytes]:
    """Return the members of a list that holds byte strings only.

    Raises:
        MalformedInput: A byte string, or a list in it.
    """
    if isinstance(item, bytes):
        raise MalformedInput("not an RLP list", expected="a list of byte strings", where=where)
    members = [member for member in item if isinstance(member, bytes)]
    if len(members) != len(item):
        raise MalformedInput("an RLP list within a list", expected="a list of byte strings", where=where)
    return members


def unsigned(item: bytes, where: str, *, max_bytes: int = _U64_BYTES) -> int:
    """Return a big-endian integer without leading zeros; 0 is the empty string.

    Raises:
        MalformedInput: A leading zero byte, or longer than ``max_bytes``.
    """
    if len(item) > max_bytes or item[:1] == b"\0":
        raise MalformedInput(
            "not an RLP integer",
            expected=f"at most {max_bytes} bytes, no leading zero",
            got=item.hex()[:80],
            where=where,
        )
    return int.from_bytes(item)
