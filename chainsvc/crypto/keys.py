"""Signing keys of organizations and of the service: Ed25519 (RFC 8032)."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from chainsvc.crypto.suites import sha256
from chainsvc.errors import ConfigurationRefused

ED25519 = 1
"""Algorithm number of Ed25519 in key ids, submissions and receipts; 2 is kept for SM2 (GB/T 32918)."""

_SEED_BYTES = _PUBLIC_BYTES = 32
_SIGNATURE_BYTES = 64
_SHORT = 512  # bytes of a message that is kept with its verdict; receipts and submissions have less


def key_id(alg: int, public: bytes) -> bytes:
    """Return ``S(alg u8 ‖ public key)``, 32 bytes: how Institutions names a key."""
    return sha256(bytes([alg]) + public)


def verify_signature(alg: int, public: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether the signature over the message is by that key; never raises on hostile bytes."""
    if alg != ED25519 or len(public) != _PUBLIC_BYTES or len(signature) != _SIGNATURE_BYTES:
        return False
    check = _is_signed if len(message) <= _SHORT else _is_signed.__wrapped__
    return check(public, message, signature)


@lru_cache(maxsize=4096)  # one signature covers a whole chunk: the next of its files asks for the same
def _is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class SigningKey:
    """An Ed25519 private key; never printed, never logged."""

    alg = ED25519

    def __init__(self, private: Ed25519PrivateKey) -> None:
        """Keep the key and its 32-byte public half."""
        self._private = private
        self.public: bytes = private.public_key().public_bytes_raw()
        self.key_id: bytes = key_id(self.alg, self.public)

    @classmethod
    def generate(cls) -> Self:
        """Make a new key from the operating system's randomness."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Take the 32-byte private seed of RFC 8032 section 5.1.5."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read the seed from a file of 64 hex digits.

        Raises:
            ConfigurationRefused: No such file, or something else is in it.
        """
        try:
            seed = bytes.fromhex(path.read_text("ascii").strip())
        except (OSError, ValueError) as error:
            raise ConfigurationRefused(
                "cannot read the signing key", expected="64 hex digits", where=str(path)
            ) from error
        if len(seed) != _SEED_BYTES:
            raise ConfigurationRefused(
                "the signing key has the wrong length",
                expected="64 hex digits",
                got=f"{len(seed)} bytes",
                where=str(path),
            )
        return cls.from_seed(seed)

    def to_file(self, path: Path) -> None:
        """Write the seed to a new file that only its owner may read (mode 0600)."""
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(self._private.private_bytes_raw().hex() + "\n")

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature over the message."""
        return self._private.sign(message)
