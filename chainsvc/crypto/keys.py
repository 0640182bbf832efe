"""Signing keys of organizations and of the service: Ed25519 (RFC 8032)."""

from functools import lru_cache
from pathlib import Path
from typing import Protocol, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from chainsvc.crypto.suites import sha256
from chainsvc.errors import ConfigurationRefused
from chainsvc.files import read_secret, write_secret

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


class Ed25519Private(Protocol):
    """What signs: a private key in memory, or one that never leaves its security module."""

    def public_key(self) -> Ed25519PublicKey:
        """Return the public half."""

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte signature (RFC 8032)."""


class SigningKey:
    """An Ed25519 private key; never printed, never logged."""

    alg = ED25519

    def __init__(self, private: Ed25519Private) -> None:
        """Keep the key, or who holds it, and its 32-byte public half."""
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

    @classmethod
    def from_keystore(cls, path: Path, password: Path) -> Self:
        """Decrypt a PEM file (PKCS#8, RFC 5958) with the password in another file.

        Raises:
            ConfigurationRefused: A file is missing, the password is wrong, or the key is no encrypted Ed25519 key.
        """
        pem, secret = read_secret(path).encode(), read_secret(password).removesuffix("\n").encode()
        try:
            private = load_pem_private_key(pem, secret)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigurationRefused(
                "the keystore can't be opened",
                expected="an encrypted PKCS#8 key in PEM form",
                where=str(path),
                hint="Is its password in the password file? Make one by: chainsvc key new keystore:…",
            ) from error
        if not isinstance(private, Ed25519PrivateKey):
            raise ConfigurationRefused("not an Ed25519 key", got=type(private).__name__, where=str(path))
        return cls(private)

    def to_file(self, path: Path) -> None:
        """Write the seed to a new file that only its owner may read (mode 0600).

        Raises:
            ConfigurationRefused: The key is in a security module, which never gives it out.
        """
        write_secret(path, self._exportable.private_bytes_raw().hex() + "\n")

    def to_keystore(self, path: Path, password: Path) -> None:
        """Write the key, encrypted with the password in another file, to a new PEM file of mode 0600.

        Raises:
            ConfigurationRefused: No such password file, or the key is in a security module.
        """
        secret = BestAvailableEncryption(read_secret(password).removesuffix("\n").encode())
        pem = self._exportable.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret)
        write_secret(path, pem.decode("ascii"))

    @property
    def _exportable(self) -> Ed25519PrivateKey:
        if not isinstance(self._private, Ed25519PrivateKey):
            raise ConfigurationRefused("the key never leaves its security module", got=self.key_id.hex())
        return self._private

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature over the message.

        Raises:
            SignerUnavailable: The key is in a security module, which does not sign at present.
        """
        return self._private.sign(message)
