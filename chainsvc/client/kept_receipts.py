"""Receipts at rest: those of one chunk share its signature and ids, from which each one's path follows.

A receipt as JSON takes a kilobyte and more of hashes that its neighbours repeat; in a chunk it takes 32 bytes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

import orjson

from chainsvc import jcs
from chainsvc.client.answers import Accepted
from chainsvc.receipt import ChunkTree, Receipt

_ID_BYTES = 32


class KeptChunk(NamedTuple):
    """Receipts of a whole chunk.

    Attributes:
        promise: Canonical JSON of its first receipt, without the path.
        ids: All its commitments, one after the other.
        commitments: The same, apart.
    """

    promise: bytes
    ids: bytes
    commitments: list[bytes]


def whole_chunks(accepted: Iterable[Accepted]) -> tuple[list[KeptChunk], Iterator[tuple[bytes, bytes]]]:
    """Return the chunks that are there whole, and (commitment, canonical JSON) of every other receipt."""
    groups: dict[bytes, list[Accepted]] = {}
    for one in accepted:
        groups.setdefault(one.receipt.signature, []).append(one)
    chunks, others = [], []
    for group in groups.values():
        in_order = sorted(group, key=lambda one: one.receipt.index)
        if [one.receipt.index for one in in_order] == list(range(in_order[0].receipt.count)) and len(group) > 1:
            chunks.append(_kept(in_order))
        else:
            others += group
    return chunks, ((one.commitment, jcs.dumps(one.receipt.to_json())) for one in others)


def _kept(chunk: list[Accepted]) -> KeptChunk:
    commitments = [one.commitment for one in chunk]
    promise = replace(chunk[0].receipt, path=()).to_json()
    return KeptChunk(jcs.dumps(promise), b"".join(commitments), commitments)


def receipt_at(promise: bytes, ids: bytes, place: int) -> bytes:
    """Return canonical JSON of the receipt at a place of a chunk."""
    first = Receipt.from_json(orjson.loads(promise))
    tree = ChunkTree([ids[start : start + _ID_BYTES] for start in range(0, len(ids), _ID_BYTES)])
    return jcs.dumps(replace(first, index=place, path=tree.path(place)).to_json())
