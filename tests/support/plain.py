"""The formats once more, written from docs/evidence-format.md with hashlib and json alone.

It shares no line with chainsvc, so that a mistake has to be made twice before the vectors agree with it.
Nothing is checked here: it says what right input hashes to.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

NAMES = {1: "sha256", 2: "sm3"}


def s(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def h(suite: int, data: bytes) -> bytes:
    return hashlib.new(NAMES[suite], data).digest()


def u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


def derived(label: str, length: int = 32) -> bytes:
    return s(b"chainsvc-vector/" + label.encode())[:length]


def jcs(value: Any) -> bytes:
    """RFC 8785 for the subset: ASCII keys and integers only, so Python's order and numbers are right."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def ledger_id(network: str, contract: str, suite: int, flags: int, name: str) -> bytes:
    return s(b"\x06" + bytes.fromhex(network) + bytes.fromhex(contract) + bytes([suite, flags]) + name.encode())


def pair_digest(suite: int, pair: Sequence[Any]) -> bytes:
    if len(pair) == 2:
        return bytes.fromhex(pair[1])
    return h(suite, b"\x02" + bytes.fromhex(pair[1]) + jcs(pair[2]))


def commitment(suite: int, pairs: Sequence[Sequence[Any]]) -> bytes:
    joined = b"".join(len(p[0]).to_bytes(2, "big") + p[0].encode() + pair_digest(suite, p) for p in pairs)
    return h(suite, b"\x03" + len(pairs).to_bytes(2, "big") + joined)


def leaf(suite: int, ledger: bytes, seq: int, commitment_: bytes, credit: int, debit: int) -> list[Any]:
    preimage = b"\x00" + ledger + u64(seq) + commitment_ + u64(credit) + u64(debit)
    return [h(suite, preimage).hex(), credit, debit]


def join(suite: int, left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
    sides = b"".join(bytes.fromhex(n[0]) + u64(n[1]) + u64(n[2]) for n in (left, right))
    return [h(suite, b"\x01" + sides).hex(), left[1] + right[1], left[2] + right[2]]


def split(count: int) -> int:
    """Largest power of two below count (RFC 9162 section 2.1.1)."""
    return 1 << ((count - 1).bit_length() - 1)


def climb(suite: int, node: Sequence[Any], index: int, count: int, path: list[Any]) -> Sequence[Any]:
    """Fold from the top down: the last sibling is the other half of the whole tree."""
    if count == 1:
        return node
    *lower, sibling = path
    half = split(count)
    if index < half:
        return join(suite, climb(suite, node, index, half, lower), sibling)
    return join(suite, sibling, climb(suite, node, index - half, count - half, lower))


def tree(suite: int, nodes: Sequence[Sequence[Any]]) -> Sequence[Any]:
    if len(nodes) == 1:
        return nodes[0]
    half = split(len(nodes))
    return join(suite, tree(suite, nodes[:half]), tree(suite, nodes[half:]))


def head(ledger: bytes, batch: dict[str, Any], root: Sequence[Any]) -> bytes:
    numbers = u64(batch["index"]) + u64(batch["first"]) + batch["count"].to_bytes(4, "big")
    sums = bytes.fromhex(root[0]) + u64(root[1]) + u64(root[2])
    moment = bytes.fromhex(batch["actor"]) + u64(batch["block"]) + u64(batch["time"])
    return s(b"\x04" + bytes.fromhex(batch["prev"]) + ledger + numbers + sums + moment)


def word(ledger: bytes, seq: int, changes: Sequence[Sequence[Any]]) -> bytes:
    value = bytes(32)
    for status, cause, cause_seq, actor, block, time in changes:
        cause_part = bytes([status]) + bytes.fromhex(cause) + u64(cause_seq)
        moment = bytes.fromhex(actor) + u64(block) + u64(time)
        value = s(b"\x05" + value + ledger + u64(seq) + cause_part + moment)[:31] + bytes([status])
    return value


def chunk(commitments: list[bytes]) -> bytes:
    if len(commitments) == 1:
        return s(b"\x10" + commitments[0])
    half = split(len(commitments))
    return s(b"\x11" + chunk(commitments[:half]) + chunk(commitments[half:]))


def climb_chunk(commitment_: bytes, index: int, count: int, path: list[str]) -> bytes:
    if count == 1:
        return s(b"\x10" + commitment_)
    *lower, sibling = path
    half = split(count)
    if index < half:
        return s(b"\x11" + climb_chunk(commitment_, index, half, lower) + bytes.fromhex(sibling))
    return s(b"\x11" + bytes.fromhex(sibling) + climb_chunk(commitment_, index - half, count - half, lower))


def sides(index: int, count: int) -> list[str]:
    """Tell the siblings of a leaf, from leaf to root (section 7)."""
    last, found = count - 1, []
    while last > 0:
        if index % 2 or index < last:
            found.append("left" if index % 2 else "right")
        index, last = index // 2, last // 2
    return found
