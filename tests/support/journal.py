"""A journal with something in it: ledgers, accepted chunks, sealed and anchored batches, all through the real code."""

import os
from collections.abc import Sequence
from hashlib import sha256

from sqlalchemy import Connection

from chainsvc.batch import build_batch
from chainsvc.crypto.suites import SHA256
from chainsvc.heads import head
from chainsvc.journal import batches, chunks, ledgers, sealing, transactions
from chainsvc.journal.accepting import NewEntry, accept_chunk
from chainsvc.journal.batches import Anchor, StoredBatch
from chainsvc.journal.chunks import Chunk
from chainsvc.journal.ledgers import Ledger
from chainsvc.journal.transactions import Transaction
from chainsvc.receipt import ChunkTree

CONTRACT = b"\xc0" * 20
SENDER = b"\x5e" * 20
NOW = 1_790_000_000
ZERO = bytes(32)


def digest(*parts: object) -> bytes:
    """Return 32 bytes that are always the same for the same parts."""
    return sha256(repr(parts).encode()).digest()


def a_ledger(conn: Connection, book: str = "LUNCH-2026", kind: str = "charity") -> Ledger:
    """Register a ledger."""
    uscc = "53320600123456789X"
    name = f"{kind}/{uscc}/{book}"
    ledger = Ledger(digest("ledger", name), name, kind, uscc, book, 1, 0, CONTRACT, 7)
    ledgers.register(conn, ledger)
    return ledger


def entry(number: int, credit: int = 100, debit: int = 0) -> NewEntry:
    """Return an entry with a reference, a seed and a record, always the same for its number."""
    return NewEntry(
        commitment=digest("commitment", number),
        credit=credit,
        debit=debit,
        reference_index=digest("reference", number),
        sealed_seed=digest("seed", number) + bytes(16),
        sealed_record=b"sealed record %d" % number,
    )


def chunk_of(conn: Connection, ledger: Ledger, rows: Sequence[NewEntry], accepted_at: int = NOW) -> Chunk:
    """Return the chunk that covers the rows, with a number of its own; not stored yet."""
    (chunk_id,) = chunks.next_ids(conn)
    root = ChunkTree([row.commitment for row in rows]).root
    return Chunk(
        ledger.ledger_id,
        chunk_id,
        len(rows),
        root,
        bytes(60),
        accepted_at,
        accepted_at + 3600,
        1,
        b"p" * 32,
        b"s" * 64,
    )


def accept(
    conn: Connection, ledger: Ledger, numbers: Sequence[int], *, accepted_at: int = NOW, credit: int = 100
) -> tuple[int, ...]:
    """Accept entries of these numbers as one chunk, and reserve their sums."""
    rows = [entry(number, credit) for number in numbers]
    ledgers.reserve(conn, ledger.ledger_id, sum(row.credit for row in rows), sum(row.debit for row in rows))
    return accept_chunk(conn, chunk_of(conn, ledger, rows, accepted_at), rows)


def seal(conn: Connection, ledger: Ledger, limit: int = 4096) -> StoredBatch:
    """Seal what waits into one batch."""
    assert sealing.try_lock(conn, ledger.ledger_id)
    waiting = sealing.unsealed(conn, ledger.ledger_id, limit)
    at = sealing.tip(conn, ledger.ledger_id)
    batch = build_batch(SHA256, ledger.ledger_id, at.next_seq, waiting.members)
    sealing.seal(
        conn,
        ledger.ledger_id,
        at,
        [member.entry_id for member in batch.members],
        root=batch.root.hash,
        credit=batch.root.credit,
        debit=batch.root.debit,
        sealed_at=NOW + 1,
    )
    return batches.get(conn, ledger.ledger_id, at.next_k)


def a_transaction(nonce: int, fee: int = 0) -> Transaction:
    """Return a signed transaction."""
    raw = b"raw %d %d" % (nonce, fee)
    return Transaction(sha256(raw).digest(), SENDER, nonce, CONTRACT, raw, "signed", NOW + 2 + fee)


def submit(conn: Connection, batch: StoredBatch, nonce: int = 0) -> Transaction:
    """Save a transaction that carries the batch."""
    transaction = a_transaction(nonce)
    transactions.save(conn, transaction)
    batches.mark_submitted(conn, [batches.BatchKey(batch.ledger_id, batch.k)], transaction.hash)
    return transaction


def anchor_of(batch: StoredBatch, prev: bytes = ZERO, block: int = 10) -> Anchor:
    """Return what the chain would say about the batch."""
    time = NOW + block
    computed = head(
        prev,
        batch.ledger_id,
        batch.k,
        batch.first,
        batch.count,
        batch.root,
        batch.credit,
        batch.debit,
        SENDER,
        block,
        time,
    )
    return Anchor(prev, computed, SENDER, block, digest("block", block), time)


def noise(size: int) -> bytes:
    """Return random bytes where their value does not matter."""
    return os.urandom(size)
