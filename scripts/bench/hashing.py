"""The same hashes alone: what a computation hashes is noted once, and then hashed without the computation."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from Crypto.Hash import keccak

from chainsvc.crypto.suites import Suite

Hash = Callable[[bytes], bytes]
"""Bytes to digest."""


def noting(suite: Suite) -> tuple[Suite, list[bytes]]:
    """Return the same suite with a list into which goes whatever it hashes."""
    noted: list[bytes] = []

    def note(data: bytes) -> bytes:
        noted.append(data)
        return suite.hash(data)

    return Suite(suite.id, suite.name, note, suite.expand), noted


@contextmanager
def noting_all() -> Iterator[tuple[list[bytes], list[bytes]]]:
    """Give two lists into which goes whatever is hashed by SHA-256 and by Keccak-256 in the block."""
    sha256, new_keccak = hashlib.sha256, keccak.new
    of_sha256: list[bytes] = []
    of_keccak: list[bytes] = []

    def note_sha256(data: bytes = b"", **options: bool) -> Any:
        of_sha256.append(data)
        return sha256(data, **options)

    def note_keccak(*, data: bytes, digest_bits: int) -> Any:
        of_keccak.append(data)
        return new_keccak(data=data, digest_bits=digest_bits)

    with patch.object(hashlib, "sha256", note_sha256), patch.object(keccak, "new", note_keccak):
        yield of_sha256, of_keccak


def hash_all(digest: Hash, noted: Sequence[bytes]) -> None:
    """Hash everything that was noted."""
    for data in noted:
        digest(data)
