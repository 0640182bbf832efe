"""Sealing what waits in a queue: with AES-256-GCM where the holder has a key file, else not at all.

Two keys are derived from the file's 32 bytes: one seals records and outcomes, the other makes labels of references, so
that nothing in the queue's file tells whose records they are. Without a key file labels are keyed by a random value in
the queue itself, and the file's mode 0600 is all that protects it.
"""

import hmac
import os
from pathlib import Path
from typing import Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chainsvc.errors import ConfigurationRefused

KEY_BYTES = 32
_NONCE_BYTES = 12


class Vault(Protocol):
    """How one queue protects what it holds."""

    @property
    def mark(self) -> bytes:
        """What tells this vault from others and reveals nothing; kept in the queue."""
        ...

    def label(self, ledger: str, reference: str) -> bytes:
        """Return the keyed digest of a reference, 32 bytes."""
        ...

    def seal(self, data: bytes, label: bytes) -> bytes:
        """Return the data as it may be stored, bound to that label."""
        ...

    def unseal(self, sealed: bytes, label: bytes) -> bytes:
        """Return the data.

        Raises:
            ConfigurationRefused: It was changed.
        """
        ...


class OpenVault:
    """Seals nothing."""

    def __init__(self, mark: bytes | None) -> None:
        """Take the queue's own mark, or make one for a new queue."""
        self.mark = mark or b"open" + os.urandom(KEY_BYTES)

    def label(self, ledger: str, reference: str) -> bytes:
        """Return the digest, keyed by what stands in the queue."""
        return _label(self.mark, ledger, reference)

    def seal(self, data: bytes, label: bytes) -> bytes:
        """Return the data."""
        del label
        return data

    def unseal(self, sealed: bytes, label: bytes) -> bytes:
        """Return the data."""
        del label
        return sealed


class LockedVault:
    """Seals with a key that is not in the queue."""

    def __init__(self, key: bytes) -> None:
        """Derive both keys."""
        self.mark = b"lock" + hmac.digest(key, b"chainsvc/queue-check/1", "sha256")
        self._labels = hmac.digest(key, b"chainsvc/queue-labels/1", "sha256")
        self._cipher = AESGCM(hmac.digest(key, b"chainsvc/queue-seal/1", "sha256"))

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read the key: 64 hex digits.

        Raises:
            ConfigurationRefused: No such file, or something else is in it.
        """
        try:
            key = bytes.fromhex(path.read_text("ascii").strip())
        except (OSError, ValueError) as error:
            raise ConfigurationRefused(
                "cannot read the queue's key", expected="64 hex digits", where=str(path)
            ) from error
        if len(key) != KEY_BYTES:
            raise ConfigurationRefused(
                "the queue's key has the wrong length", expected="64 hex digits", where=str(path)
            )
        return cls(key)

    def label(self, ledger: str, reference: str) -> bytes:
        """Return the digest."""
        return _label(self._labels, ledger, reference)

    def seal(self, data: bytes, label: bytes) -> bytes:
        """Return nonce and cipher text; the nonce is random."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, label)

    def unseal(self, sealed: bytes, label: bytes) -> bytes:
        """Return the data.

        Raises:
            ConfigurationRefused: It was changed.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], label)
        except InvalidTag as error:
            raise ConfigurationRefused("what waits in the queue was changed", hint="Restore the file.") from error


def _label(key: bytes, ledger: str, reference: str) -> bytes:
    """A ledger's name has no line feed, so no two pairs are the same text; ill-formed Unicode is hashed as it is."""
    return hmac.digest(key, f"{ledger}\n{reference}".encode("utf-8", "surrogatepass"), "sha256")


def vault_of(key_file: Path | None, mark: bytes | None) -> Vault:
    """Return the vault for a queue.

    Args:
        key_file: The holder's key, None for none.
        mark: What the queue says of its vault, None for a new one.

    Raises:
        ConfigurationRefused: The queue was made with another key, with none, or with one.
    """
    vault: Vault = OpenVault(mark) if key_file is None else LockedVault.from_file(key_file)
    if mark is not None and (key_file is None) != mark.startswith(b"open"):
        expected = "a key file" if key_file is None else "no key file"
        raise ConfigurationRefused("the queue was made the other way", expected=expected)
    if mark is not None and vault.mark != mark:
        raise ConfigurationRefused("not the key that the queue was made with", where=str(key_file))
    return vault
