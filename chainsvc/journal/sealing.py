"""Sealing: accepted entries get their seq and become a batch, in one transaction.

What waits is found by looking inside the open chunks for entries without a row in ``sealed``. Never by "numbers
above the last one": a transaction that commits late brings lower numbers than what is sealed already.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, union
from sqlalchemy.dialects.postgresql import insert

from chainsvc.batch import Member
from chainsvc.errors import Conflict
from chainsvc.journal.chain_tables import batches, marks, sealed
from chainsvc.journal.columns import CHUNK_SIZE
from chainsvc.journal.engine import rows_of
from chainsvc.journal.tables import chunks, ledgers, open_chunks

_SEALED = """
INSERT INTO sealed (ledger_id, seq, entry_id, k)
SELECT %b, %b + place - 1, entry_id, %b FROM unnest(%b::bigint[]) WITH ORDINALITY AS given (entry_id, place)
"""
# Both look at one chunk at a time, by the range of its numbers: as a join, PostgreSQL reads the whole of a long ledger.
# Only as many chunks are looked into as may be needed, one more for the first, which may be sealed in part.
_UNSEALED = """
WITH waiting AS (
    SELECT o.ledger_id, o.chunk_id, sum(c.n) OVER (ORDER BY o.chunk_id) - c.n AS before, (
        SELECT TRUE FROM sealed AS s
        WHERE s.ledger_id = o.ledger_id AND s.entry_id >= o.chunk_id << 12 AND s.entry_id < (o.chunk_id + 1) << 12
        LIMIT 1
    ) IS NULL AS whole
    FROM open_chunks AS o JOIN chunks AS c ON c.ledger_id = o.ledger_id AND c.chunk_id = o.chunk_id
    WHERE o.ledger_id = %b
)
SELECT inside.entry_id, inside.commitment, inside.credit, inside.debit
FROM waiting AS o CROSS JOIN LATERAL (
    SELECT e.entry_id, e.commitment, e.credit, e.debit FROM entries AS e
    WHERE e.ledger_id = o.ledger_id AND e.entry_id >= o.chunk_id << 12 AND e.entry_id < (o.chunk_id + 1) << 12
    AND (o.whole OR (
        SELECT TRUE FROM sealed AS s WHERE s.ledger_id = e.ledger_id AND s.entry_id = e.entry_id
    ) IS NULL)
    OFFSET 0
) AS inside
WHERE o.before < %s ORDER BY o.chunk_id, inside.entry_id LIMIT %s
"""
_CLOSE_CHUNKS = """
DELETE FROM open_chunks AS o
WHERE o.ledger_id = %b AND o.chunk_id = ANY (%b::bigint[]) AND NOT EXISTS (
    SELECT e.entry_id FROM entries AS e
    WHERE e.ledger_id = o.ledger_id AND e.entry_id >= o.chunk_id << 12 AND e.entry_id < (o.chunk_id + 1) << 12
    EXCEPT
    SELECT s.entry_id FROM sealed AS s
    WHERE s.ledger_id = o.ledger_id AND s.entry_id >= o.chunk_id << 12 AND s.entry_id < (o.chunk_id + 1) << 12
)
"""
_LOCK_SPACE = 0x5EA1
"""First key of the advisory locks that keep a ledger to one sealer."""


@dataclass(frozen=True, slots=True)
class Unsealed:
    """Entries that wait for a batch.

    Attributes:
        members: In the order of acceptance, at most as many as asked for.
        oldest_accepted_at: Unix seconds; None when nothing waits.
    """

    members: tuple[Member, ...]
    oldest_accepted_at: int | None


@dataclass(frozen=True, slots=True)
class Tip:
    """Where a ledger's next batch goes.

    Attributes:
        next_k: Its number.
        next_seq: Seq of its first entry.
    """

    next_k: int
    next_seq: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in one ledger.

    Attributes:
        ledger_id: 32 bytes.
        entries: Upper bound: a partly sealed chunk counts whole.
        oldest_accepted_at: Unix seconds.
    """

    ledger_id: bytes
    entries: int
    oldest_accepted_at: int


def backlog(conn: Connection) -> tuple[Backlog, ...]:
    """Return the ledgers that have something to seal, the longest waiting first."""
    oldest = func.min(chunks.c.accepted_at)
    query = (
        select(open_chunks.c.ledger_id, func.sum(chunks.c.n), oldest)
        .join(chunks, _same_chunk())
        .group_by(open_chunks.c.ledger_id)
        .order_by(oldest)
    )
    return tuple(Backlog(ledger_id, int(entries), since) for ledger_id, entries, since in conn.execute(query))


def active(conn: Connection) -> tuple[tuple[bytes, str], ...]:
    """Return the ledgers that a worker has to do with, each with its organization's code.

    They have entries to seal, batches that are not final, or causes of changes that are not final.
    """
    busy = union(
        select(open_chunks.c.ledger_id),
        select(batches.c.ledger_id).where(batches.c.state != "final"),
        select(marks.c.cause_ledger_id).where(marks.c.state.in_(("requested", "submitted"))),
    ).subquery()
    query = select(ledgers.c.ledger_id, ledgers.c.uscc).where(ledgers.c.ledger_id.in_(select(busy.c.ledger_id)))
    return tuple((row.ledger_id, row.uscc) for row in conn.execute(query))


def try_lock(conn: Connection, ledger_id: bytes) -> bool:
    """Become the one sealer of the ledger until this transaction ends; False when another one is at work."""
    key = int.from_bytes(ledger_id[:4], signed=True)
    return bool(conn.execute(select(func.pg_try_advisory_xact_lock(_LOCK_SPACE, key))).scalar_one())


def unsealed(conn: Connection, ledger_id: bytes, limit: int) -> Unsealed:
    """Return up to ``limit`` entries that wait, in the order of their numbers."""
    oldest = select(func.min(chunks.c.accepted_at)).select_from(open_chunks.join(chunks, _same_chunk()))
    members = tuple(map(Member._make, rows_of(conn, _UNSEALED, (ledger_id, limit + CHUNK_SIZE, limit))))
    return Unsealed(members, conn.execute(oldest.where(open_chunks.c.ledger_id == ledger_id)).scalar_one())


def newest_waiting(conn: Connection, ledger_id: bytes) -> int | None:
    """Return the newest chunk with an entry that waits; None when none does."""
    return conn.execute(select(func.max(open_chunks.c.chunk_id)).where(open_chunks.c.ledger_id == ledger_id)).scalar()


def tip(conn: Connection, ledger_id: bytes) -> Tip:
    """Return where the ledger's next batch goes; its entries may still be on their way to the chain."""
    last = select(batches.c.k, batches.c.first + batches.c.count).where(batches.c.ledger_id == ledger_id)
    row = conn.execute(last.order_by(batches.c.k.desc()).limit(1)).first()
    return Tip(0, 0) if row is None else Tip(row[0] + 1, row[1])


def seal(
    conn: Connection,
    ledger_id: bytes,
    at: Tip,
    entry_ids: Sequence[int],
    *,
    root: bytes,
    credit: int,
    debit: int,
    sealed_at: int,
) -> None:
    """Store a batch: ``entry_ids[i]`` gets seq ``at.next_seq + i``.

    Args:
        conn: A transaction that holds :func:`try_lock`.
        ledger_id: 32 bytes.
        at: The ledger's :func:`tip`, read in this transaction.
        entry_ids: In leaf order.
        root: Root hash of the sum tree, 32 bytes.
        credit: Its sum, fen.
        debit: Its sum, fen.
        sealed_at: Unix seconds.

    Raises:
        Conflict: Another sealer was first; nothing is to be kept of this transaction.
    """
    if tip(conn, ledger_id) != at:
        raise _second_sealer(ledger_id)
    added = conn.execute(
        insert(batches)
        .values(
            ledger_id=ledger_id,
            k=at.next_k,
            first=at.next_seq,
            count=len(entry_ids),
            root=root,
            credit=credit,
            debit=debit,
            sealed_at=sealed_at,
            state="sealed",
        )
        .on_conflict_do_nothing()
        .returning(batches.c.k)
    )
    if added.first() is None:
        raise _second_sealer(ledger_id)
    conn.exec_driver_sql(_SEALED, (ledger_id, at.next_seq, at.next_k, list(entry_ids)))
    close_chunks(conn, ledger_id, entry_ids)


def unseal(conn: Connection, ledger_id: bytes, k: int) -> None:
    """Take the ledger's last batch apart; its entries wait again.

    Only for a batch in state ``sealed`` whose nonce is final with another transaction: the database refuses others.
    The transaction holds :func:`try_lock`.

    Raises:
        Conflict: It is not the ledger's last batch, or may be on chain.
    """
    last = conn.execute(select(func.max(batches.c.k)).where(batches.c.ledger_id == ledger_id)).scalar_one()
    here = and_(batches.c.ledger_id == ledger_id, batches.c.k == k)
    state = conn.execute(select(batches.c.state).where(here).with_for_update()).scalar_one_or_none()
    if k != last or state != "sealed":
        raise Conflict("only a ledger's last batch, not on chain, can be unsealed", expected=f"k {last}", got=f"k {k}")
    take_apart(conn, ledger_id, k)


def take_apart(conn: Connection, ledger_id: bytes, k: int) -> None:
    """Delete a batch; those of its entries that the journal has wait again. The database refuses what is on chain."""
    gone = conn.execute(
        delete(sealed).where(sealed.c.ledger_id == ledger_id, sealed.c.k == k).returning(sealed.c.entry_id)
    )
    reopened = [{"ledger_id": ledger_id, "chunk_id": chunk} for chunk in sorted({one >> 12 for one in gone.scalars()})]
    if reopened:
        conn.execute(insert(open_chunks).values(reopened).on_conflict_do_nothing())
    conn.execute(delete(batches).where(batches.c.ledger_id == ledger_id, batches.c.k == k))


def close_chunks(conn: Connection, ledger_id: bytes, entry_ids: Sequence[int]) -> None:
    """Say of the chunks of entries that just got a seq that nothing in them waits, where that is so."""
    conn.exec_driver_sql(_CLOSE_CHUNKS, (ledger_id, sorted({entry_id >> 12 for entry_id in entry_ids})))


def _same_chunk() -> ColumnElement[bool]:
    return and_(chunks.c.ledger_id == open_chunks.c.ledger_id, chunks.c.chunk_id == open_chunks.c.chunk_id)


def _second_sealer(ledger_id: bytes) -> Conflict:
    return Conflict("another worker sealed a batch of this ledger meanwhile", where=ledger_id.hex(), hint="Try again.")
