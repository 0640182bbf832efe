r"""Submissions and receipts: one signature a chunk of commitments, in both directions.

::

    chunkLeaf = S(10 ‖ commitment)    chunkNode = S(11 ‖ L ‖ R)    RFC 9162 shape, tags in hex
    "chainsvc-submission/1\n" ledgerId "\n" n "\n" chunkRoot "\n"                               by the issuer
    "chainsvc-receipt/1\n" ledgerId "\n" n "\n" chunkRoot "\n" acceptedAt "\n" anchorBy "\n"   by the service

A receipt names no reference, so it may be published: a receipt whose entry is not on chain after
``anchorBy`` is the finding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from chainsvc.crypto.keys import SigningKey, verify_signature
from chainsvc.crypto.suites import sha256
from chainsvc.errors import MalformedInput
from chainsvc.reading import array_of, members_of, unhex, unhex_each, whole

MAX_CHUNK = 4096
"""Most commitments of one chunk."""

_LEAF_TAG = b"\x10"
_NODE_TAG = b"\x11"


class ChunkTree:
    """The tree over one chunk's commitments; the same shape as a batch, without sums."""

    def __init__(self, commitments: Sequence[bytes]) -> None:
        """Build the tree.

        Raises:
            MalformedInput: Not 1 to 4,096 commitments.
        """
        if not 1 <= len(commitments) <= MAX_CHUNK:
            raise MalformedInput("a chunk has 1 to 4,096 commitments", got=len(commitments))
        self._levels = [[sha256(_LEAF_TAG + commitment) for commitment in commitments]]
        while len(self._levels[-1]) > 1:
            self._levels.append(_level_above(self._levels[-1]))

    @property
    def root(self) -> bytes:
        """The chunk root, 32 bytes."""
        return self._levels[-1][0]

    def path(self, index: int) -> tuple[bytes, ...]:
        """Return the siblings from leaf to root."""
        siblings = []
        for level in self._levels[:-1]:
            if (index ^ 1) < len(level):
                siblings.append(level[index ^ 1])
            index >>= 1
        return tuple(siblings)


def _level_above(level: Sequence[bytes]) -> list[bytes]:
    above = [sha256(_NODE_TAG + level[i] + level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return [*above, level[-1]] if len(level) % 2 else above


def fold_chunk(commitment: bytes, index: int, count: int, path: Sequence[bytes]) -> bytes:
    """Climb from a commitment to the chunk root, 32 bytes.

    Raises:
        MalformedInput: Wrong length of the path, or no such position.
    """
    if not 1 <= count <= MAX_CHUNK or not 0 <= index < count:
        raise MalformedInput("no such position in a chunk", expected="0 ≤ index < n ≤ 4096", got=f"{index} of {count}")
    node, last, used = sha256(_LEAF_TAG + commitment), count - 1, 0
    while last > 0:
        if index % 2 or index < last:
            if used == len(path):
                break
            sibling = path[used]
            used += 1
            node = sha256(_NODE_TAG + (sibling + node if index % 2 else node + sibling))
        index >>= 1
        last >>= 1
    if last > 0 or used != len(path):
        raise MalformedInput("the chunk path has the wrong length", got=len(path))
    return node


def submission_message(ledger_id: bytes, count: int, root: bytes) -> bytes:
    """Return what the issuer signs when it hands a chunk over."""
    return f"chainsvc-submission/1\n{ledger_id.hex()}\n{count}\n{root.hex()}\n".encode()


def receipt_message(ledger_id: bytes, count: int, root: bytes, accepted_at: int, anchor_by: int) -> bytes:
    """Return what the service signs when it accepts a chunk; times in Unix seconds."""
    head = f"chainsvc-receipt/1\n{ledger_id.hex()}\n{count}\n{root.hex()}\n"
    return f"{head}{accepted_at}\n{anchor_by}\n".encode()


@dataclass(frozen=True, slots=True)
class Submission:
    """One commitment's part of a signed submission.

    Attributes:
        alg: Signature algorithm, 1 = Ed25519.
        index: Position in the chunk.
        count: Commitments of the chunk (``n``).
        path: Siblings from the commitment to the chunk root.
        pubkey: Public key, raw bytes.
        signature: Over :func:`submission_message`.
    """

    alg: int
    index: int
    count: int
    path: tuple[bytes, ...]
    pubkey: bytes
    signature: bytes

    def verifies(self, ledger_id: bytes, commitment: bytes) -> bool:
        """Tell whether the signature covers this commitment for this ledger."""
        root = fold_chunk(commitment, self.index, self.count, self.path)
        return verify_signature(self.alg, self.pubkey, submission_message(ledger_id, self.count, root), self.signature)

    def to_json(self) -> dict[str, Any]:
        """Return the evidence member."""
        return {
            "alg": self.alg,
            "index": self.index,
            "n": self.count,
            "path": [node.hex() for node in self.path],
            "pubkey": self.pubkey.hex(),
            "signature": self.signature.hex(),
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read the evidence member.

        Raises:
            MalformedInput: Other members or other types.
        """
        return cls(*_signed_part(value, _PART))


@dataclass(frozen=True, slots=True)
class Receipt:
    """The service's signed promise for one commitment.

    Attributes:
        alg: Signature algorithm, 1 = Ed25519.
        index: Position in the chunk.
        count: Commitments of the chunk (``n``).
        path: Siblings from the commitment to the chunk root.
        pubkey: The service's public key, raw bytes.
        signature: Over :func:`receipt_message`.
        accepted_at: Unix seconds.
        anchor_by: Latest time of the batch's block, Unix seconds.
    """

    alg: int
    index: int
    count: int
    path: tuple[bytes, ...]
    pubkey: bytes
    signature: bytes
    accepted_at: int
    anchor_by: int

    def verifies(self, ledger_id: bytes, commitment: bytes) -> bool:
        """Tell whether the signature covers this commitment, ledger and both times."""
        root = fold_chunk(commitment, self.index, self.count, self.path)
        message = receipt_message(ledger_id, self.count, root, self.accepted_at, self.anchor_by)
        return verify_signature(self.alg, self.pubkey, message, self.signature)

    def to_json(self) -> dict[str, Any]:
        """Return the evidence member, which is also the file a business system keeps."""
        part = Submission(self.alg, self.index, self.count, self.path, self.pubkey, self.signature).to_json()
        return {**part, "acceptedAt": self.accepted_at, "anchorBy": self.anchor_by}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read the evidence member.

        Raises:
            MalformedInput: Other members or other types.
        """
        part = _signed_part(value, _PART | _TIMES)
        return cls(*part, whole(value["acceptedAt"], "acceptedAt"), whole(value["anchorBy"], "anchorBy"))


def sign_submission(key: SigningKey, ledger_id: bytes, commitments: Sequence[bytes]) -> Submission:
    """Sign a chunk as its issuer; the result carries the path of its first commitment."""
    tree = ChunkTree(commitments)
    signature = key.sign(submission_message(ledger_id, len(commitments), tree.root))
    return Submission(key.alg, 0, len(commitments), tree.path(0), key.public, signature)


def sign_receipts(
    key: SigningKey, ledger_id: bytes, commitments: Sequence[bytes], accepted_at: int, anchor_by: int
) -> list[Receipt]:
    """Sign a chunk once and return each commitment's receipt, in the order given."""
    tree = ChunkTree(commitments)
    count = len(commitments)
    signature = key.sign(receipt_message(ledger_id, count, tree.root, accepted_at, anchor_by))
    return [
        Receipt(key.alg, i, count, tree.path(i), key.public, signature, accepted_at, anchor_by) for i in range(count)
    ]


_PART = frozenset({"alg", "index", "n", "path", "pubkey", "signature"})
_TIMES = frozenset({"acceptedAt", "anchorBy"})


def _signed_part(value: Any, members: frozenset[str]) -> tuple[int, int, int, tuple[bytes, ...], bytes, bytes]:
    value = members_of(value, members)
    return (
        whole(value["alg"], "alg", 255),
        whole(value["index"], "index", MAX_CHUNK),
        whole(value["n"], "n", MAX_CHUNK),
        unhex_each(array_of(value["path"], "path"), "path", 32),
        unhex(value["pubkey"], "pubkey"),
        unhex(value["signature"], "signature"),
    )
