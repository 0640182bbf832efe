"""RLP (Yellow Paper, appendix B), strictly: one encoding for each item, or a refusal.

Own code, since the ``rlp`` library recurses as deep as hostile bytes tell it to, which can end the process; it is the
oracle of the tests.
"""

from typing import TypeAlias

from chainsvc.errors import MalformedInput

Item: TypeAlias = "bytes | list[Item]"
"""A byte string, or a list of items."""

MAX_DEPTH = 16
"""Deepest nesting; headers and trie nodes need four levels."""

_SHORT = 56  # payloads below have their length in the first byte
_STRING, _LIST = 0x80, 0xC0
_U64_BYTES = 8


def decode(data: bytes, *, max_bytes: int, where: str) -> Item:
    """Return the one item that the bytes encode.

    Raises:
        MalformedInput: Larger than ``max_bytes``, not RLP, not canonical, or nested deeper than 16 lists.
    """
    if not 0 < len(data) <= max_bytes:
        raise MalformedInput(
            "RLP of the wrong size", expected=f"1 to {max_bytes} bytes", got=f"{len(data)} bytes", where=where
        )
    item, end = _item(data, 0, MAX_DEPTH, where)
    if end != len(data):
        raise _refused("bytes after the item", where)
    return item


def split(data: bytes, *, most: int, where: str) -> list[bytes]:
    """Return the encodings of items that stand one behind the other; each still has to be decoded.

    Raises:
        MalformedInput: None, more than ``most``, or one that is cut off.
    """
    found, at = list[bytes](), 0
    while at < len(data) or not found:
        if at == len(data) or len(found) == most:
            raise MalformedInput("another number of RLP items", expected=f"1 to {most}", where=where)
        end = at + 1 if data[at] < _STRING else _end(data, at, where)
        found.append(data[at:end])
        at = end
    return found


def _end(data: bytes, at: int, where: str) -> int:
    base = _STRING if data[at] < _LIST else _LIST
    return _payload(data, at, data[at] - base, where)[1]


def _item(data: bytes, at: int, depth: int, where: str) -> tuple[Item, int]:
    """Return the item that begins at ``at``, and where it ends."""
    first = data[at]
    if first < _STRING:
        return data[at : at + 1], at + 1
    base = _STRING if first < _LIST else _LIST
    begin, end = _payload(data, at, first - base, where)
    if base == _LIST:
        return _list(data, begin, end, depth, where), end
    text = data[begin:end]
    if len(text) == 1 and text[0] < _STRING:
        raise _refused("a byte that stands for itself has a length", where)
    return text, end


def _payload(data: bytes, at: int, code: int, where: str) -> tuple[int, int]:
    """Return where the payload of a string or list begins and ends; ``code`` is its first byte less its kind's base."""
    begin, length = at + 1, code
    if code >= _SHORT:
        begin += code - _SHORT + 1
        size = data[at + 1 : begin]
        length = int.from_bytes(size)
        if length < _SHORT or size[0] == 0:
            raise _refused("a length is not in its shortest form", where)
    if begin + length > len(data):
        raise _refused("an item is cut off", where)
    return begin, begin + length


def _list(data: bytes, at: int, end: int, depth: int, where: str) -> list[Item]:
    if depth == 0:
        raise _refused(f"nested deeper than {MAX_DEPTH} lists", where)
    items = []
    while at < end:
        item, at = _item(data, at, depth - 1, where)
        items.append(item)
    if at != end:
        raise _refused("an item is longer than its list", where)
    return items


def _refused(message: str, where: str) -> MalformedInput:
    return MalformedInput(f"not RLP: {message}", where=where)


def encode(item: Item) -> bytes:
    """Return the canonical encoding."""
    if isinstance(item, list):
        payload = b"".join(map(encode, item))
        return _prefix(len(payload), _LIST) + payload
    if len(item) == 1 and item[0] < _STRING:
        return item
    return _prefix(len(item), _STRING) + item


def _prefix(length: int, base: int) -> bytes:
    if length < _SHORT:
        return bytes([base + length])
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([base + _SHORT - 1 + len(size)]) + size


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
