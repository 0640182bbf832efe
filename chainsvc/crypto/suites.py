"""Hash suites: one table row each, so that SHA-256 and SM3 share every line of code above."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cryptography.hazmat.primitives import hashes

from chainsvc.errors import MalformedInput


def sha256(data: bytes) -> bytes:
    """Return the 32-byte SHA-256 digest (FIPS 180-4), written ``S`` in the evidence format."""
    return hashlib.sha256(data).digest()


def sm3(data: bytes) -> bytes:
    """Return the 32-byte SM3 digest (GB/T 32905-2016)."""
    context = hashes.Hash(hashes.SM3())  # hashlib's sm3 depends on how Python's OpenSSL was built
    context.update(data)
    return context.finalize()


def _expand_sha256(seed: bytes, length: int) -> bytes:
    return hashlib.shake_256(b"chainsvc-salts/1\n" + seed).digest(length)


def _expand_sm3(seed: bytes, length: int) -> bytes:
    """Stretch by a counter, as GB/T 32918.4 does with SM3: there is no XOF in that family."""
    blocks = -(-length // 32)
    return b"".join(sm3(b"chainsvc-salts/1\n" + seed + i.to_bytes(4)) for i in range(1, blocks + 1))[:length]


@dataclass(frozen=True, slots=True)
class Suite:
    """One hash suite.

    Attributes:
        id: Number in ledger ids and evidence, one byte.
        name: Name in settings and messages.
        hash: ``H`` of the evidence format, bytes to 32 bytes.
        expand: Seed and length in bytes to that many pseudorandom bytes; holder's side only.
    """

    id: int
    name: str
    hash: Callable[[bytes], bytes]
    expand: Callable[[bytes, int], bytes]


SHA256 = Suite(1, "sha256", sha256, _expand_sha256)
SM3 = Suite(2, "sm3", sm3, _expand_sm3)
SUITES: Mapping[int, Suite] = MappingProxyType({suite.id: suite for suite in (SHA256, SM3)})


def suite_of(number: int) -> Suite:
    """Return the suite of that number.

    Raises:
        MalformedInput: No suite has it.
    """
    suite = SUITES.get(number)
    if suite is None:
        known = ", ".join(f"{s.id} ({s.name})" for s in SUITES.values())
        raise MalformedInput("unknown hash suite", expected=known, got=number, where="/suite")
    return suite


def suite_named(name: str) -> Suite:
    """Return the suite of that name.

    Raises:
        MalformedInput: No suite has it.
    """
    for suite in SUITES.values():
        if suite.name == name:
            return suite
    known = ", ".join(suite.name for suite in SUITES.values())
    raise MalformedInput("unknown hash suite", expected=known, got=name[:40], where="/suite")
