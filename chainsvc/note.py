"""C2SP signed notes (c2sp.org/signed-note): text that one or more keys have signed.

A note is text that ends in a newline, an empty line, and signature lines
``— <key name> base64(key ID ‖ signature)``. A verifier key (``vkey``) is ``<name>+<hex key ID>+base64(0x01 ‖ key)``.
Only signature type 0x01, Ed25519 over the text, is read and written here; lines of other types are kept, and ignored
like those of any unknown key.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from chainsvc.crypto.keys import ED25519, SigningKey, verify_signature
from chainsvc.crypto.suites import sha256
from chainsvc.errors import MalformedInput, SignatureRefused

MAX_BYTES = 1_048_576
"""Largest note in bytes ("Verifiers SHOULD apply a maximum limit", section Format)."""

MAX_SIGNATURES = 64
"""Most signature lines; verifiers "MUST accept at least up to 16 signatures" (section Format)."""

_ED25519_TYPE = b"\x01"  # section Signature types
_ID_BYTES, _PUBLIC_BYTES = 4, 32
_EM_DASH = "\u2014 "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_VKEY_PARTS = 3


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name; its text form is a ``vkey``.

    Attributes:
        name: Key name, e.g. ``chain.example.org/operator``.
        public: Ed25519 public key, 32 bytes.
    """

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """``SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)[:4]`` (section Ed25519 signatures)."""
        return sha256(self.name.encode() + b"\n" + _ED25519_TYPE + self.public)[:_ID_BYTES]

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Read a ``vkey``.

        Raises:
            MalformedInput: Another form, another signature type, or a key ID that is not the key's.
        """
        parts = vkey.split("+", _VKEY_PARTS - 1)  # names hold no plus, base64 may
        if len(parts) != _VKEY_PARTS:
            raise MalformedInput("not a verifier key", expected="name+hash+base64", got=vkey[:120])
        name, key_id, encoded = parts
        key = _unbase64(encoded, "verifier key")
        if key[:1] != _ED25519_TYPE or len(key) != 1 + _PUBLIC_BYTES:
            raise MalformedInput("not an Ed25519 verifier key", expected="base64(0x01 ‖ 32 bytes)", got=encoded[:80])
        found = cls(_checked_name(name), key[1:])
        if found.key_id.hex() != key_id:
            raise MalformedInput("the key ID is not that of the key", expected=found.key_id.hex(), got=key_id[:80])
        return found

    def __str__(self) -> str:
        """Return the ``vkey``."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519_TYPE + self.public).decode()}"


@dataclass(frozen=True, slots=True)
class Signer:
    """A named signing key.

    Attributes:
        name: Key name, without spaces and plus signs.
        key: The private key.
    """

    name: str
    key: SigningKey

    @property
    def verifier_key(self) -> VerifierKey:
        """The public half, for descriptors."""
        return VerifierKey(_checked_name(self.name), self.key.public)


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line.

    Attributes:
        name: Key name.
        key_id: First four bytes.
        signature: The rest.
    """

    name: str
    key_id: bytes
    signature: bytes

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read ``— <key name> base64(32-bit key ID ‖ signature)`` (section Signatures).

        Raises:
            MalformedInput: Another form.
        """
        parts = line.removeprefix(_EM_DASH).split(" ")
        if not line.startswith(_EM_DASH) or len(parts) != 2:  # noqa: PLR2004 - name and base64
            raise MalformedInput("not a signature line", expected="— name base64", got=line[:120])
        data = _unbase64(parts[1], "signature line")
        if len(data) <= _ID_BYTES:
            raise MalformedInput("the signature line is too short", expected="4+n bytes", got=f"{len(data)} bytes")
        return cls(_checked_name(parts[0]), data[:_ID_BYTES], data[_ID_BYTES:])

    def __str__(self) -> str:
        """Return the line without its newline."""
        return f"{_EM_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A note as it was read; nothing is trusted before :meth:`verify`.

    Attributes:
        text: Includes its final newline.
        signatures: The lines below the empty line.
    """

    text: str
    signatures: tuple[NoteSignature, ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a note.

        Raises:
            MalformedInput: Too large, not UTF-8, a control character, no or too many signatures,
                or a line that is no signature.
        """
        if len(data) > MAX_BYTES:
            raise MalformedInput(
                "the note is too large", expected=f"at most {MAX_BYTES} bytes", got=f"{len(data)} bytes"
            )
        try:
            whole = data.decode()  # "MUST be valid UTF-8" (section Format)
        except UnicodeDecodeError as error:
            raise MalformedInput("the note is not UTF-8") from error
        if _CONTROL.search(whole):  # "MUST NOT contain any ASCII control characters other than newline"
            raise MalformedInput("a control character in the note")
        text, gap, lines = whole.rpartition("\n\n")  # "separated by the last empty line in the note"
        if not gap or not lines.endswith("\n"):
            raise MalformedInput("not a signed note", expected="text, an empty line, lines '— name base64'")
        signatures = lines[:-1].split("\n")
        if len(signatures) > MAX_SIGNATURES:
            raise MalformedInput("too many signatures", expected=f"at most {MAX_SIGNATURES}", got=len(signatures))
        return cls(text + "\n", tuple(NoteSignature.parse(line) for line in signatures))

    def to_bytes(self) -> bytes:
        """Return the note's bytes."""
        return "".join([self.text, "\n", *(f"{signature}\n" for signature in self.signatures)]).encode()

    def verify(self, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
        """Return the known keys that signed the text; at least one.

        Raises:
            SignatureRefused: No known key signed, or a known key's signature does not verify: then "clients
                SHOULD reject the whole note" (section Signatures).
        """
        known = {(key.name, key.key_id): key for key in keys}
        signed = []
        for line in self.signatures:
            key = known.get((line.name, line.key_id))  # both must match; others MUST be ignored
            if key is None:
                continue
            if not verify_signature(ED25519, key.public, self.text.encode(), line.signature):
                raise SignatureRefused("a signature on the note does not verify", where=line.name)
            signed.append(key)
        if not signed:
            raise SignatureRefused(
                "no known key signed the note",
                expected=" or ".join(name for name, _ in known) or "a signer in the network descriptor",
                got=", ".join(line.name for line in self.signatures)[:200],
            )
        return tuple(dict.fromkeys(signed))


def sign_note(text: str, signers: Sequence[Signer]) -> SignedNote:
    """Sign the text, which must end in a newline, with every signer.

    Raises:
        MalformedInput: The text or a name can't stand in a note.
    """
    if not text.endswith("\n") or _CONTROL.search(text) or not signers:
        raise MalformedInput("this can't become a note", expected="text that ends in a newline, and a signer")
    signatures = tuple(
        NoteSignature(_checked_name(s.name), s.verifier_key.key_id, s.key.sign(text.encode())) for s in signers
    )
    return SignedNote(text, signatures)


def _checked_name(name: str) -> str:
    """Key names "MUST be non-empty and MUST NOT contain any Unicode spaces or plus" (section Format)."""
    if not name or "+" in name or any(character.isspace() for character in name):
        raise MalformedInput("not a key name", expected="no spaces, no plus", got=name[:80])
    return name


def _unbase64(encoded: str, where: str) -> bytes:
    """Decode RFC 4648 section 4, of which one encoding each is taken."""
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedInput("not base64", got=encoded[:80], where=where) from error
    if base64.b64encode(data).decode() != encoded:
        raise MalformedInput("not canonical base64", got=encoded[:80], where=where)
    return data
