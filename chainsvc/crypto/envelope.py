"""Envelope encryption of records and seeds at rest.

::

    key-encryption key (32 bytes, a file or the environment; never in the database)
    ├── wraps the index key     random, once per journal; keys the index of references
    ├── wraps an endpoint's key random, one per endpoint and change of it; signs its webhooks
    └── wraps a chunk key       random, one per chunk attempt, never used again on a retry
        └── seals a seed        nonce = index in the chunk
            └── record key      HMAC-SHA-256(seed, place): seals the record

Everything is AES-256-GCM. The associated data names ledger, chunk and index, so that a cipher text can't be moved
to another row. A record's key follows from its seed and its place: deleting the sealed seed (48 bytes) erases the
record, and the same seed handed in twice never meets the same key and nonce.
"""

import base64
import binascii
import hmac
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from chainsvc.errors import ConfigurationRefused, KeyMismatch, Unavailable

KEY_BYTES = 32
SEED_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
WRAPPED_KEY_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES
SEALED_SEED_BYTES = SEED_BYTES + TAG_BYTES

_WRAP_LABEL = b"chainsvc/wrap/1"
_CHECK_LABEL = b"chainsvc/check/1"
_INDEX_KEY_LABEL = b"chainsvc/index-key/1"
_CHUNK_KEY_LABEL = b"chainsvc/chunk-key/1"
_WEBHOOK_KEY_LABEL = b"chainsvc/webhook-key/1"
_SEED_LABEL = b"chainsvc/seed/1"
_RECORD_LABEL = b"chainsvc/record/1"


class KeyEncryptionKey:
    """The one secret that everything stored encrypted depends on."""

    __slots__ = ("_wrap", "check_value")

    def __init__(self, key: bytes) -> None:
        """Derive the wrapping key and the check value from 32 random bytes.

        Raises:
            ConfigurationRefused: Not 32 bytes.
        """
        if len(key) != KEY_BYTES:
            raise _bad_key(f"{len(key)} bytes")
        self._wrap = AESGCM(_derive(key, _WRAP_LABEL))
        self.check_value = _derive(key, _CHECK_LABEL)
        """32 bytes that tell this key from any other and reveal nothing about it; kept in the journal."""

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read 64 hex digits or base64 (either alphabet) of 32 bytes, as they stand in an environment variable.

        Raises:
            ConfigurationRefused: Neither; the text itself is never shown.
        """
        return cls(_decode("".join(text.split())))

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read a file of 32 raw bytes, or of their hex or base64 text.

        Raises:
            ConfigurationRefused: The file can't be read or holds no such key.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ConfigurationRefused(
                "the key-encryption key cannot be read", got=error.strerror, where=str(path)
            ) from error
        return cls(data) if len(data) == KEY_BYTES else cls.from_text(data.decode("latin-1"))

    def wrap(self, context: bytes, key: bytes) -> bytes:
        """Encrypt a 32-byte key for one context: nonce12 ‖ cipher text32 ‖ tag16."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._wrap.encrypt(nonce, key, context)

    def unwrap(self, context: bytes, wrapped: bytes) -> bytes:
        """Decrypt what ``wrap`` gave for the same context.

        Raises:
            KeyMismatch: Wrapped by another key-encryption key, for another context, or damaged.
        """
        try:
            return self._wrap.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as error:
            raise _mismatch("a stored key does not open with this key-encryption key") from error


class ChunkCipher:
    """Seals the seeds and records of one chunk; built from its chunk key, also in another process.

    Args:
        ledger_id: 32 bytes.
        chunk_id: The chunk's number in the journal.
        key: The chunk key, 32 bytes.
    """

    __slots__ = ("_aead", "_place", "key")

    def __init__(self, ledger_id: bytes, chunk_id: int, key: bytes) -> None:
        """Bind the key to the chunk."""
        self.key = key
        self._aead = AESGCM(key)
        self._place = ledger_id + chunk_id.to_bytes(8)

    def seal_seed(self, index: int, seed: bytes) -> bytes:
        """Encrypt the 32-byte seed at ``index``: 48 bytes. Once per index and key: the index is the nonce."""
        nonce = index.to_bytes(NONCE_BYTES)
        return self._aead.encrypt(nonce, seed, _SEED_LABEL + self._place + nonce)

    def open_seed(self, index: int, sealed_seed: bytes) -> bytes:
        """Return the seed.

        Raises:
            KeyMismatch: Of another chunk or index, or damaged.
        """
        nonce = index.to_bytes(NONCE_BYTES)
        try:
            return self._aead.decrypt(nonce, sealed_seed, _SEED_LABEL + self._place + nonce)
        except (InvalidTag, ValueError) as error:
            raise _mismatch("a stored seed does not open with its chunk key") from error

    def seal_record(self, index: int, seed: bytes, plaintext: bytes) -> bytes:
        """Encrypt the record at ``index`` under the key that follows from its seed; 16 bytes longer."""
        nonce = index.to_bytes(NONCE_BYTES)
        place = _RECORD_LABEL + self._place + nonce
        return AESGCM(hmac.digest(seed, place, "sha256")).encrypt(nonce, plaintext, place)

    def open_record(self, index: int, seed: bytes, sealed_record: bytes) -> bytes:
        """Return the record's bytes.

        Raises:
            KeyMismatch: Of another seed, chunk or index, or damaged.
        """
        nonce = index.to_bytes(NONCE_BYTES)
        place = _RECORD_LABEL + self._place + nonce
        try:
            return AESGCM(hmac.digest(seed, place, "sha256")).decrypt(nonce, sealed_record, place)
        except (InvalidTag, ValueError) as error:
            raise _mismatch("a stored record does not open with its seed") from error


class ReferenceIndex:
    """Turns business references into what they are found by; may be handed to another process of the service.

    Args:
        key: The journal's index key, 32 bytes.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        """Index under this key."""
        self._key = key

    def of(self, ledger_id: bytes, reference: str) -> bytes:
        """Return the 32 bytes under which a business reference is found; meaningless without the index key."""
        return hmac.digest(self._key, ledger_id + reference.encode(), "sha256")


class Envelope:
    """What the journal encrypts with, opened once at start; thread-safe.

    While a key-encryption key is being replaced, keys wrapped with the old and with the new one stand side by side:
    both are opened, and :meth:`turn` says with which one to wrap.

    Args:
        kek: The key-encryption key that counts.
        wrapped_index_key: As the journal's ``network`` row keeps it.
        others: Reads what other key-encryption keys there are; asked when something does not open.

    Raises:
        KeyMismatch: The journal was written with another key-encryption key.
    """

    __slots__ = ("_index_key", "_kek", "_known", "_others", "references", "wrapped_index_key")

    def __init__(
        self,
        kek: KeyEncryptionKey,
        wrapped_index_key: bytes,
        others: Callable[[], Iterable[KeyEncryptionKey]] = tuple,
    ) -> None:
        """Unwrap the index key, which proves the key-encryption key."""
        self._kek = kek
        self._others = others
        self._known = {kek.check_value: kek}
        self._index_key = kek.unwrap(_INDEX_KEY_LABEL, wrapped_index_key)
        self.wrapped_index_key = wrapped_index_key
        self.references = ReferenceIndex(self._index_key)

    @classmethod
    def create(cls, kek: KeyEncryptionKey) -> Self:
        """Return the envelope of a new journal, with a new random index key."""
        return cls(kek, kek.wrap(_INDEX_KEY_LABEL, os.urandom(KEY_BYTES)))

    def new_chunk_key(self, ledger_id: bytes, chunk_id: int) -> tuple[ChunkCipher, bytes]:
        """Return a cipher with a new random key, and that key wrapped (60 bytes)."""
        key = os.urandom(KEY_BYTES)
        return ChunkCipher(ledger_id, chunk_id, key), self._kek.wrap(_chunk_context(ledger_id, chunk_id), key)

    def unwrap(self, ledger_id: bytes, chunk_id: int, wrapped: bytes) -> ChunkCipher:
        """Return the cipher of a stored chunk.

        Raises:
            KeyMismatch: Another key-encryption key, another chunk's key, or damaged.
        """
        return ChunkCipher(ledger_id, chunk_id, self._open(_chunk_context(ledger_id, chunk_id), wrapped))

    def wrap_webhook_key(self, endpoint_id: str, key: bytes) -> bytes:
        """Return an endpoint's 32-byte signing key, wrapped (60 bytes)."""
        return self._kek.wrap(_WEBHOOK_KEY_LABEL + endpoint_id.encode(), key)

    def unwrap_webhook_key(self, endpoint_id: str, wrapped: bytes) -> bytes:
        """Return an endpoint's signing key.

        Raises:
            KeyMismatch: Another key-encryption key, another endpoint's key, or damaged.
        """
        return self._open(_WEBHOOK_KEY_LABEL + endpoint_id.encode(), wrapped)

    def turn(self, check: bytes) -> None:
        """Wrap with the key-encryption key of this check value from now on.

        Raises:
            Unavailable: This process does not have it.
        """
        if check == self._kek.check_value:
            return
        found = self._known.get(check) or next((kek for kek in self._learned() if kek.check_value == check), None)
        if found is None:
            raise Unavailable(
                "the journal's key-encryption key was replaced by one that this process does not have",
                expected=f"the key of check value {check[:4].hex()}…",
                where="CHAINSVC_KEK_NEXT_FILE",
                hint="Put the new key there; nothing has to be started anew.",
            )
        self._kek = found

    def _open(self, context: bytes, wrapped: bytes) -> bytes:
        for kek in self._candidates():
            try:
                return kek.unwrap(context, wrapped)
            except KeyMismatch:
                continue
        return self._kek.unwrap(context, wrapped)  # tells

    def _candidates(self) -> Iterator[KeyEncryptionKey]:
        """Yield the one that counts, then those that were seen, then those that only now are there."""
        tried = self._kek
        yield tried
        yield from [kek for kek in self._known.values() if kek is not tried]
        yield from self._learned()

    def _learned(self) -> list[KeyEncryptionKey]:
        """Read the other keys, and return those that are new here."""
        new = [kek for kek in self._others() if kek.check_value not in self._known]
        self._known = self._known | {kek.check_value: kek for kek in new}
        return new

    def reference_index(self, ledger_id: bytes, reference: str) -> bytes:
        """Return the 32 bytes under which a business reference is found; meaningless without the index key."""
        return self.references.of(ledger_id, reference)

    def check_value(self) -> bytes:
        """Return the 32 bytes by which a journal knows its key-encryption key."""
        return self._kek.check_value

    def verify_check(self, value: bytes) -> None:
        """Compare with the journal's check value.

        Raises:
            KeyMismatch: The journal was written with another key-encryption key.
        """
        verify_check(self._kek, value)

    def rewrapped(self, new: KeyEncryptionKey) -> "Envelope":
        """Return this envelope under a new key-encryption key; the index key, and so every index, stays."""
        return Envelope(new, new.wrap(_INDEX_KEY_LABEL, self._index_key))


def verify_check(kek: KeyEncryptionKey, value: bytes) -> None:
    """Compare a key-encryption key with a journal's check value before anything is decrypted.

    Raises:
        KeyMismatch: The journal was written with another one; the message names both by their first 8 hex digits.
    """
    if not hmac.compare_digest(kek.check_value, value):
        raise _mismatch(
            "this is not the key-encryption key that the journal was written with",
            expected=f"the key of check value {value[:4].hex()}…",
            got=f"{kek.check_value[:4].hex()}…",
        )


def rewrap(old: KeyEncryptionKey, new: KeyEncryptionKey, ledger_id: bytes, chunk_id: int, wrapped: bytes) -> bytes:
    """Return a chunk key wrapped anew; seeds and records stay as they are.

    Raises:
        KeyMismatch: ``old`` did not wrap it.
    """
    context = _chunk_context(ledger_id, chunk_id)
    return new.wrap(context, old.unwrap(context, wrapped))


def _chunk_context(ledger_id: bytes, chunk_id: int) -> bytes:
    return _CHUNK_KEY_LABEL + ledger_id + chunk_id.to_bytes(8)


def _derive(key: bytes, label: bytes) -> bytes:
    """Expand without HKDF's extract step: the key is uniformly random already (RFC 5869 section 3.3)."""
    return HKDFExpand(SHA256(), KEY_BYTES, label).derive(key)


def _decode(text: str) -> bytes:
    try:
        if len(text) == 2 * KEY_BYTES:
            return bytes.fromhex(text)
        return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error) as error:
        raise _bad_key("neither hex nor base64") from error


def _bad_key(got: str) -> ConfigurationRefused:
    return ConfigurationRefused(
        "the key-encryption key has the wrong form",
        expected="32 bytes, as they are, as 64 hex digits or as base64",
        got=got,
        where="CHAINSVC_KEK_FILE",
        hint="Make one with `openssl rand -hex 32`, and keep it apart from the database.",
    )


def _mismatch(message: str, *, expected: str | None = None, got: str | None = None) -> KeyMismatch:
    return KeyMismatch(
        message,
        expected=expected,
        got=got,
        where="CHAINSVC_KEK_FILE",
        hint="Start with the key this journal was written with, or restore database and key from the same day.",
    )
