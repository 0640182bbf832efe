"""The commitment: 32 bytes that bind a record and reveal nothing about it.

::

    digest_i   = H(02 ‖ salt16 ‖ JCS(value))
    commitment = H(03 ‖ n u16 ‖ Σ over pairs in ascending byte order of path: (len u16 ‖ utf8(path) ‖ digest32))
"""

import os
import struct
from collections.abc import Iterable, Sequence
from typing import Any

from chainsvc import jcs
from chainsvc.crypto.suites import Suite
from chainsvc.errors import MalformedInput

SEED_BYTES = 32
"""Length of a record's seed."""

SALT_BYTES = 16
"""Length of a value's salt: 128 bits against guessing the value."""

_PAIR_TAG = b"\x02"
_COMMITMENT_TAG = b"\x03"
_MAX_PAIRS = 0xFFFF


def new_seed() -> bytes:
    """Return 32 bytes from the operating system; one for each record, never used twice."""
    return os.urandom(SEED_BYTES)


def derive_salts(suite: Suite, seed: bytes, count: int) -> list[bytes]:
    """Cut one pseudorandom stream into salts, one for each pair in path order.

    This is the holder's own matter and no part of the format: a verifier sees salts only.
    """
    stream = suite.expand(seed, SALT_BYTES * count)
    return list(struct.unpack(f"{SALT_BYTES}s" * count, stream))  # four times as fast as slicing


def pair_digest(suite: Suite, salt: bytes, value: Any) -> bytes:
    """Return ``H(02 ‖ salt16 ‖ JCS(value))``, 32 bytes."""
    return suite.hash(_PAIR_TAG + salt + jcs.dumps(value))


def commit(suite: Suite, pairs: Sequence[tuple[str, Any]], salts: Sequence[bytes]) -> bytes:
    """Return the commitment to the pairs of :meth:`chainsvc.record.Record.flatten`.

    Raises:
        MalformedInput: Paths out of order, or a path that is a parent of another.
        ValueError: Not one salt for each pair.
    """
    digests = ((path, pair_digest(suite, salt, value)) for (path, value), salt in zip(pairs, salts, strict=True))
    return commit_digests(suite, digests)


def commit_digests(suite: Suite, pairs: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the commitment from paths and value digests alone, as a verifier of hidden values does.

    Raises:
        MalformedInput: No pair, too many, paths out of order, or a path that is a parent of another.
    """
    parts = []
    before: str | None = None
    for path, digest in pairs:
        _check_order(before, path)
        encoded = path.encode()
        parts += [len(encoded).to_bytes(2), encoded, digest]
        before = path
    count = len(parts) // 3
    if not 0 < count <= _MAX_PAIRS:
        raise MalformedInput("a commitment has 1 to 65,535 pairs", got=count, where="/pairs")
    return suite.hash(_COMMITMENT_TAG + count.to_bytes(2) + b"".join(parts))


def _check_order(before: str | None, path: str) -> None:
    if before is None:
        return
    if path <= before:
        raise MalformedInput("paths must ascend", expected=f"after {before}", got=path, where="/pairs")
    if path.startswith(before + "/"):
        raise MalformedInput("a path is the parent of another", got=f"{before} and {path}", where="/pairs")
