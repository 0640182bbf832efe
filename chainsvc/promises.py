"""Receipts and submissions of stored entries, rebuilt from their chunk: one signature serves the whole chunk."""

from collections.abc import Iterable

from sqlalchemy import Connection

from chainsvc.journal import chunks
from chainsvc.journal.chunks import Chunk
from chainsvc.journal.entries import Entry
from chainsvc.receipt import ChunkTree, Receipt, Submission

Seen = dict[tuple[bytes, int], tuple[Chunk, ChunkTree]]
"""Chunks with their trees, by ledger id and number."""


class Promises:
    """What was promised for entries, read inside one transaction; each chunk is read once."""

    def __init__(self, conn: Connection, seen: Seen | None = None) -> None:
        """Read through this connection what was not seen before; chunks never change."""
        self._conn = conn
        self._seen: Seen = {} if seen is None else seen

    def read(self, ledger_id: bytes, entry_ids: Iterable[int]) -> None:
        """Read the chunks of many entries with two queries, instead of two a chunk."""
        wanted = {number for entry in entry_ids if (ledger_id, number := chunks.chunk_of(entry)) not in self._seen}
        for chunk_id, (chunk, commitments) in chunks.get_many(self._conn, ledger_id, sorted(wanted)).items():
            self._seen[ledger_id, chunk_id] = chunk, ChunkTree(commitments)

    def is_private(self, entry: Entry) -> bool:
        """Whether the service was given the commitment only: such a chunk has no key, erased or not."""
        return self._chunk(entry)[0].wrapped_key is None

    def receipt(self, entry: Entry) -> Receipt:
        """Return the receipt that was given when the entry was accepted."""
        chunk, tree = self._chunk(entry)
        index = chunks.index_of(entry.entry_id)
        return chunk.receipt(index, tree.path(index))

    def submission(self, entry: Entry) -> Submission | None:
        """Return the issuer's submission; None in an unsigned ledger."""
        chunk, tree = self._chunk(entry)
        if chunk.submission_alg is None or chunk.submission_pubkey is None or chunk.submission_signature is None:
            return None
        index = chunks.index_of(entry.entry_id)
        signature = chunk.submission_signature
        return Submission(chunk.submission_alg, index, chunk.n, tree.path(index), chunk.submission_pubkey, signature)

    def _chunk(self, entry: Entry) -> tuple[Chunk, ChunkTree]:
        key = (entry.ledger_id, chunks.chunk_of(entry.entry_id))
        if key not in self._seen:
            self._seen[key] = chunks.get(self._conn, *key), ChunkTree(chunks.commitments_of(self._conn, *key))
        return self._seen[key]
