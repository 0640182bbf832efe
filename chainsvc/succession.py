"""Successor descriptors: how a network's validators, signers and schemas change under a descriptor that stays pinned.

A successor is a signed note of two lines::

    <the new descriptor, canonical JSON>
    after <SHA-256 of the descriptor before it, hex>

    — <signer> <base64(key ID ‖ signature)>

More than half of the signers that the descriptor before pins must have signed it. A verifier pins the first one, by
file or SHA-256, and follows; successors may come from anybody. What past evidence rests on never changes: the chain,
the contracts, the pinned schemas, and the epochs of validators so far.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from chainsvc.errors import MalformedInput, NetworkMismatch, SignatureRefused
from chainsvc.network import Network
from chainsvc.note import NoteSignature, SignedNote, Signer, VerifierKey, sign_note

MAX_SUCCESSORS = 256
"""Most successors that are followed from one descriptor."""

MAX_BYTES = 16_777_216
"""Largest file of successors in bytes."""

_AFTER = re.compile(r"after ([0-9a-f]{64})")
_NOTES = re.compile(r"^(?=\{)", re.MULTILINE)  # of all lines of a note only the descriptor begins so
_FIXED = ("network_id", "chain_id", "genesis", "name", "institutions", "slots", "engine", "time")


@dataclass(frozen=True, slots=True)
class Successor:
    """One successor as it was read; nothing is trusted before :meth:`check`.

    Attributes:
        network: The new descriptor.
        after: SHA-256 of the descriptor before it, 32 bytes.
        signatures: Signature lines, unverified; empty before :meth:`sign`.
    """

    network: Network
    after: bytes
    signatures: tuple[NoteSignature, ...] = ()

    @property
    def text(self) -> str:
        """The two lines that are signed."""
        return f"{self.network.to_bytes().decode()}\nafter {self.after.hex()}\n"

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read one successor; its signatures are not checked yet.

        Raises:
            MalformedInput: Not a signed note, or not these two lines.
        """
        note = SignedNote.parse(data)
        line, _, rest = note.text.partition("\n")
        match = _AFTER.fullmatch(rest.removesuffix("\n"))
        if match is None:
            expected = "two lines: a descriptor, and after <SHA-256 of the one before>"
            raise MalformedInput("not a successor descriptor", expected=expected, got=repr(rest[:100]))
        return cls(Network.parse(line.encode()), bytes.fromhex(match[1]), note.signatures)

    def to_bytes(self) -> bytes:
        """Return the note's bytes, signatures included."""
        return SignedNote(self.text, self.signatures).to_bytes()

    def sign(self, signers: Sequence[Signer]) -> Self:
        """Return the successor with the signatures of all signers added."""
        return replace(self, signatures=self.signatures + sign_note(self.text, signers).signatures)

    def signed_by(self, before: Network) -> tuple[VerifierKey, ...]:
        """Return who of the signers of the descriptor before it has signed so far; at least one.

        Raises:
            NetworkMismatch: It follows another descriptor, or changes what never changes.
            SignatureRefused: A signature is wrong, or none of them signed.
        """
        if self.after != before.sha256:
            expected, got = before.sha256.hex(), self.after.hex()
            raise NetworkMismatch("the successor follows another descriptor", expected=expected, got=got)
        check_kept(before, self.network)
        return SignedNote(self.text, self.signatures).verify(before.signers)

    def check(self, before: Network) -> tuple[VerifierKey, ...]:
        """Check it against the descriptor before it, and return who of its signers signed.

        Raises:
            NetworkMismatch: It follows another descriptor, or changes what never changes.
            SignatureRefused: A signature is wrong, or no more than half of the signers signed.
        """
        signed = self.signed_by(before)
        if 2 * len(signed) <= len(before.signers):
            expected = f"more than half of {len(before.signers)}"
            raise SignatureRefused("too few signers signed the successor", expected=expected, got=len(signed))
        return signed


def parse_all(data: bytes) -> tuple[Successor, ...]:
    """Read successors that stand one behind the other in one file.

    Raises:
        MalformedInput: Too large, too many, or one that is none.
    """
    if len(data) > MAX_BYTES:
        raise MalformedInput("too large", expected=f"at most {MAX_BYTES} bytes", got=f"{len(data)} bytes")
    try:
        begin, *notes = _NOTES.split(data.decode())
    except UnicodeDecodeError as error:
        raise MalformedInput("the successors are not UTF-8") from error
    if begin or not 0 < len(notes) <= MAX_SUCCESSORS:
        raise MalformedInput("not successor descriptors", expected=f"1 to {MAX_SUCCESSORS} signed notes")
    return tuple(Successor.parse(note.encode()) for note in notes)


def follow(pinned: Network, successors: Sequence[Successor]) -> Network:
    """Return the newest descriptor that follows from a pinned one.

    A whole history may be given: what lies before the pinned one is passed over.

    Args:
        pinned: The verifier's own.
        successors: In order; none returns the pinned one.

    Raises:
        NetworkMismatch: One follows another descriptor than the one before it, or changes what never changes.
        SignatureRefused: One is not signed by more than half of the signers before it.
    """
    names = [one.network.sha256 for one in successors]
    network = pinned
    for successor in successors[names.index(pinned.sha256) + 1 if pinned.sha256 in names else 0 :]:
        successor.check(network)
        network = successor.network
    return network


def check_kept(before: Network, after: Network) -> None:
    """Let pass what a successor may change.

    Raises:
        NetworkMismatch: It is another network, or something of what was pinned so far is not there any more.
    """
    for name in _FIXED:
        if getattr(before, name) != getattr(after, name):
            _refuse(name, getattr(before, name), getattr(after, name))
    if after.validators[: len(before.validators)] != before.validators:
        _refuse("validators so far", len(before.validators), len(after.validators))
    if not {*before.ledgers} <= {*after.ledgers}:
        _refuse("contracts of ledgers", len(before.ledgers), len(after.ledgers))
    if not before.schemas.items() <= after.schemas.items():
        _refuse("schemas", len(before.schemas), len(after.schemas))


def _refuse(what: str, before: object, after: object) -> None:
    message = f"a successor must not change the network's {what.replace('_', ' ')}"
    raise NetworkMismatch(message, expected=_shown(before), got=_shown(after))


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)[:200]
