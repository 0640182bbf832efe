"""The commitment: 32 bytes that bind a record and reveal nothing about it.

::

    digest_i   = H(02 ‖ salt16 ‖ JCS(value))
    commitment = H(03 ‖ n u16 ‖ Σ over pairs in ascending byte order of path: (len u16 ‖ utf8(path) ‖ digest32))
"""

import os
import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, pairwise
from typing import Any

from chainsvc import jcs
from chainsvc.crypto.suites import Suite
from chainsvc.errors import MalformedInput

SEED_BYTES = 32
"""Length of a record's seed."""

SALT_BYTES = 16
"""Length of a value's salt: 128 bits against guessing the value."""

PAIR_TAG = b"\x02"
"""Domain tag of a value's digest."""

_COMMITMENT_TAG = b"\x03"
"""Domain tag of a commitment."""

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
    return suite.hash(PAIR_TAG + salt + jcs.dumps(value))


def pair_digests(suite: Suite, salts: Sequence[bytes], values: Sequence[Any]) -> list[bytes]:
    """Return the digest of each value under its salt, as :func:`pair_digest` does, with one call for all.

    Raises:
        MalformedInput: A value that canonical JSON has not.
        ValueError: Not one salt for each value.
    """
    digest = suite.hash
    return [digest(PAIR_TAG + salt + text) for salt, text in zip(salts, jcs.dumps_each(values), strict=True)]


def commit(suite: Suite, pairs: Sequence[tuple[str, Any]], salts: Sequence[bytes]) -> bytes:
    """Return the commitment to the pairs of :meth:`chainsvc.record.Record.flatten`.

    Raises:
        MalformedInput: Paths out of order, or a path that is a parent of another.
        ValueError: Not one salt for each pair.
    """
    digests = pair_digests(suite, salts, [value for _, value in pairs])
    return commit_paths(suite, tuple([path for path, _ in pairs]), digests)


def commit_digests(suite: Suite, pairs: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the commitment from paths and value digests alone, as a verifier of hidden values does.

    Raises:
        MalformedInput: No pair, too many, paths out of order, or a path that is a parent of another.
    """
    given = list(pairs)
    return commit_paths(suite, tuple([path for path, _ in given]), [digest for _, digest in given])


def commit_paths(suite: Suite, paths: tuple[str, ...], digests: Sequence[bytes]) -> bytes:
    """Return the commitment to digests, of which ``digests[i]`` is that of the value at ``paths[i]``.

    Raises:
        MalformedInput: As :func:`commit_digests`.
        ValueError: Not one digest for each path.
    """
    parts = chain.from_iterable(zip(_frames(paths), digests, strict=True))
    return suite.hash(b"".join(parts))


@lru_cache(maxsize=64)  # all records of a schema have the same paths; the largest hostile sets fill some 20 MB
def _frames(paths: tuple[str, ...]) -> tuple[bytes, ...]:
    """Return what stands before each digest: its path with the length, and tag and count before the first."""
    if not 0 < len(paths) <= _MAX_PAIRS:
        raise MalformedInput("a commitment has 1 to 65,535 pairs", got=len(paths), where="/pairs")
    for before, path in pairwise(paths):
        _check_order(before, path)
    encoded = [path.encode() for path in paths]
    frames = [len(path).to_bytes(2) + path for path in encoded]
    frames[0] = _COMMITMENT_TAG + len(paths).to_bytes(2) + frames[0]
    return tuple(frames)


def _check_order(before: str, path: str) -> None:
    if path <= before:
        raise MalformedInput("paths must ascend", expected=f"after {before}", got=path, where="/pairs")
    if path.startswith(before + "/"):
        raise MalformedInput("a path is the parent of another", got=f"{before} and {path}", where="/pairs")
