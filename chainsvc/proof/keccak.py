"""Keccak-256, the hash of the chain itself (not SHA3-256: the padding differs)."""

from Crypto.Hash import keccak


def keccak256(data: bytes) -> bytes:
    """Return the 32-byte Keccak-256 digest (Yellow Paper, appendix A: ``KEC``)."""
    digest: bytes = keccak.new(digest_bits=256, data=data).digest()
    return digest


EMPTY_CODE = keccak256(b"")
"""Code hash of an account without code."""
