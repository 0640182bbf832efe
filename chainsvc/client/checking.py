"""Checking what the service promises: a chunk's signature is verified once, however many records it covers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from chainsvc.client.answers import LedgerFacts
from chainsvc.crypto.keys import verify_signature
from chainsvc.errors import SignatureRefused
from chainsvc.reading import unhex, whole
from chainsvc.receipt import MAX_CHUNK, ChunkTree, Receipt, fold_chunk, receipt_message

_REMEMBERED = 256
"""Signatures that are known to be right, so that the records of their chunks ask no more."""


@dataclass(frozen=True, slots=True)
class ChunkPromise:
    """What the service signs for one chunk, as the bulk routes tell it.

    Attributes:
        alg: Signature algorithm.
        pubkey: The service's public key.
        signature: Over the chunk's receipt message.
        count: Commitments of the chunk.
        accepted_at: Unix seconds.
        anchor_by: Unix seconds.
    """

    alg: int
    pubkey: bytes
    signature: bytes
    count: int
    accepted_at: int
    anchor_by: int

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read the member ``receipt`` of a chunk's line; a root there is not read, since only our own counts.

        Raises:
            MalformedInput: A member of another type.
        """
        return cls(
            whole(value["alg"], "/receipt/alg", 255),
            unhex(value["pubkey"], "/receipt/pubkey"),
            unhex(value["signature"], "/receipt/signature"),
            whole(value["n"], "/receipt/n", MAX_CHUNK),
            whole(value["acceptedAt"], "/receipt/acceptedAt"),
            whole(value["anchorBy"], "/receipt/anchorBy"),
        )

    def receipts(self, tree: ChunkTree) -> list[Receipt]:
        """Return each commitment's receipt, in the order of the chunk."""
        alg, count, pubkey, signature = self.alg, self.count, self.pubkey, self.signature
        times = self.accepted_at, self.anchor_by
        return [Receipt(alg, index, count, tree.path(index), pubkey, signature, *times) for index in range(count)]


class Checking:
    """Which receipts count; may be used by several threads."""

    def __init__(self, keys: Collection[bytes] | None) -> None:
        """Count receipts by these public keys; None takes any that verifies."""
        self._keys = keys
        self._verified: set[tuple[int, bytes, bytes, bytes]] = set()

    def one(self, facts: LedgerFacts, commitment: bytes, receipt: Receipt) -> None:
        """Check a record's receipt.

        Raises:
            SignatureRefused: By an unknown key, or not for this ledger and commitment.
        """
        root = fold_chunk(commitment, receipt.index, receipt.count, receipt.path)
        message = receipt_message(facts.ledger_id, receipt.count, root, receipt.accepted_at, receipt.anchor_by)
        self._check(receipt.alg, receipt.pubkey, message, receipt.signature)

    def chunk(self, facts: LedgerFacts, commitments: Sequence[bytes], promise: ChunkPromise) -> list[Receipt]:
        """Check a chunk's promise and return each commitment's receipt, derived from the commitments alone.

        Raises:
            SignatureRefused: By an unknown key, or not for this ledger and these commitments.
        """
        tree = ChunkTree(commitments)
        message = receipt_message(facts.ledger_id, len(commitments), tree.root, promise.accepted_at, promise.anchor_by)
        self._check(promise.alg, promise.pubkey, message, promise.signature)
        return promise.receipts(tree)

    def _check(self, alg: int, pubkey: bytes, message: bytes, signature: bytes) -> None:
        if self._keys is not None and pubkey not in self._keys:
            raise SignatureRefused("the receipt is signed by an unknown key", got=pubkey.hex())
        signed = (alg, pubkey, message, signature)
        if signed in self._verified:
            return
        if not verify_signature(alg, pubkey, message, signature):
            raise SignatureRefused("the receipt does not verify for this ledger and commitment", got=signature.hex())
        if len(self._verified) >= _REMEMBERED:
            self._verified = set()
        self._verified.add(signed)
