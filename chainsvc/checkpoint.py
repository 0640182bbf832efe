"""A checkpoint: a small signed note that names a block, the trust root of offline verification.

::

    chainsvc/<networkId, hex>
    <block number, decimal>
    <block hash, base64>

    — <signer> <base64(key ID ‖ signature)>

One checkpoint serves everything anchored before its block, since a head's slot is provable at any later block.
It is a file of its own: evidence never carries the block that is to be trusted.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from chainsvc.errors import MalformedInput
from chainsvc.note import NoteSignature, SignedNote, Signer, VerifierKey, sign_note

MAX_BYTES = 65_536
"""Largest checkpoint file in bytes."""

_TEXT = re.compile(r"chainsvc/([0-9a-f]{64})\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One block of one network, and who says so.

    Attributes:
        network_id: 32 bytes.
        block: Block number.
        block_hash: 32 bytes.
        signatures: Signature lines, unverified; empty before :meth:`sign`.
    """

    network_id: bytes
    block: int
    block_hash: bytes
    signatures: tuple[NoteSignature, ...] = ()

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"chainsvc/{self.network_id.hex()}\n{self.block}\n{base64.b64encode(self.block_hash).decode()}\n"

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a checkpoint file; its signatures are not checked yet.

        Raises:
            MalformedInput: Not a signed note, or not these three lines in their one form.
        """
        if len(data) > MAX_BYTES:
            raise MalformedInput(
                "too large for a checkpoint", expected=f"at most {MAX_BYTES} bytes", got=f"{len(data)} bytes"
            )
        note = SignedNote.parse(data)
        match = _TEXT.fullmatch(note.text)
        if match is None:
            raise MalformedInput(
                "not a checkpoint",
                expected="three lines: chainsvc/<network id>, block number, base64 block hash",
                got=repr(note.text[:160]),
            )
        network_id, block, block_hash = match.groups()
        found = cls(bytes.fromhex(network_id), int(block), base64.b64decode(block_hash), note.signatures)
        if found.text != note.text:
            raise MalformedInput("not canonical base64", expected=found.text.split("\n")[2], got=block_hash)
        return found

    def to_bytes(self) -> bytes:
        """Return the file's bytes, signatures included."""
        return SignedNote(self.text, self.signatures).to_bytes()

    def sign(self, signers: Sequence[Signer]) -> Self:
        """Return the checkpoint with the signatures of all signers added."""
        return replace(self, signatures=self.signatures + sign_note(self.text, signers).signatures)

    def verify(self, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
        """Return the known keys that signed; at least one.

        Args:
            keys: Usually ``Network.signers``.

        Raises:
            SignatureRefused: No known key signed it, or a known key's signature is wrong.
        """
        return SignedNote(self.text, self.signatures).verify(keys)
