"""Batches on their way to the chain: ``sealed -> submitted (may be on chain) -> final``."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Integer, Select, and_, exists, func, literal, select, true, tuple_, union, update

from chainsvc.batch import Member
from chainsvc.errors import Conflict, NotFound
from chainsvc.journal import outbox
from chainsvc.journal.chain_tables import batches, marks, sealed
from chainsvc.journal.columns import CHUNK_BITS
from chainsvc.journal.entries import probe
from chainsvc.journal.tables import chunks, entries, ledgers

PENDING = ("sealed", "submitted")
"""States of batches that the worker still has to do with."""

_WIDTH = 10  # columns before the anchor's


class BatchKey(NamedTuple):
    """Which batch."""

    ledger_id: bytes
    k: int


@dataclass(frozen=True, slots=True)
class Anchor:
    """What the chain says about a batch; with it the head is recomputed.

    Attributes:
        prev: Head before it, 32 bytes.
        head: Its head, 32 bytes.
        actor: Account that anchored it, 20 bytes.
        block: Block number.
        block_hash: 32 bytes; compared again later, since a devnet may go back.
        time: The block's timestamp, in Unix seconds.
    """

    prev: bytes
    head: bytes
    actor: bytes
    block: int
    block_hash: bytes
    time: int


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """One batch of the journal.

    Attributes:
        ledger_id: 32 bytes.
        k: Its number in the ledger, 0, 1, …
        first: Seq of its first entry.
        count: Entries, 1 to 4,096.
        root: Root hash, 32 bytes.
        credit: Fen.
        debit: Fen.
        sealed_at: Unix seconds.
        state: ``sealed``, ``submitted`` or ``final``.
        tx_hash: The journal's transaction that carries it; None while sealed.
        anchor: What the chain says; None until final.
        lost: Entries that are on chain and not in this journal.
    """

    ledger_id: bytes
    k: int
    first: int
    count: int
    root: bytes
    credit: int
    debit: int
    sealed_at: int
    state: str
    tx_hash: bytes | None
    anchor: Anchor | None
    lost: int = 0


def get(conn: Connection, ledger_id: bytes, k: int) -> StoredBatch:
    """Return a batch.

    Raises:
        NotFound: The ledger has no such batch.
    """
    found = conn.execute(select(batches).where(_is(ledger_id, k))).first()
    if found is None:
        raise NotFound("the ledger has no such batch", got=k)
    return _stored(found)


def latest_final(conn: Connection, ledger_id: bytes) -> StoredBatch | None:
    """Return the ledger's last final batch."""
    query = select(batches).where(batches.c.ledger_id == ledger_id, batches.c.state == "final")
    row = conn.execute(query.order_by(batches.c.k.desc()).limit(1)).first()
    return None if row is None else _stored(row)


class Anchored(NamedTuple):
    """What of a ledger is final on chain: numbers and sums in fen."""

    batches: int
    entries: int
    credit: int
    debit: int


def anchored(conn: Connection, ledger_id: bytes) -> Anchored:
    """Return what of a ledger is final on chain."""
    sums = [func.coalesce(func.sum(batches.c[name]), 0) for name in ("count", "credit", "debit")]
    query = select(func.count(), *sums).where(batches.c.ledger_id == ledger_id, batches.c.state == "final")
    return Anchored(*map(int, conn.execute(query).one()))


def page(conn: Connection, ledger_id: bytes, *, after_k: int = -1, limit: int = 100) -> tuple[StoredBatch, ...]:
    """Return a ledger's batches in order, from the one after ``after_k``."""
    query = select(batches).where(batches.c.ledger_id == ledger_id, batches.c.k > after_k)
    return _all(conn, query.order_by(batches.c.k).limit(limit))


def pending(
    conn: Connection, *, contract: bytes | None = None, states: Sequence[str] = PENDING, limit: int = 1000
) -> tuple[StoredBatch, ...]:
    """Return batches that are not final, by ledger and in order; of one contract where named."""
    query = select(batches).where(batches.c.state != "final", batches.c.state.in_(states))
    if contract is not None:
        query = query.join(ledgers, ledgers.c.ledger_id == batches.c.ledger_id).where(ledgers.c.contract == contract)
    return _all(conn, query.order_by(batches.c.ledger_id, batches.c.k).limit(limit))


def of_transaction(conn: Connection, tx_hash: bytes) -> tuple[StoredBatch, ...]:
    """Return the batches that a transaction carries."""
    return _all(conn, select(batches).where(batches.c.tx_hash == tx_hash).order_by(batches.c.ledger_id, batches.c.k))


def final_from_block(conn: Connection, block: int, *, contract: bytes | None = None) -> tuple[StoredBatch, ...]:
    """Return final batches at or above a block, to look at again when the chain went back."""
    query = select(batches).where(batches.c.state == "final", batches.c.block >= block)
    if contract is not None:
        query = query.join(ledgers, ledgers.c.ledger_id == batches.c.ledger_id).where(ledgers.c.contract == contract)
    return _all(conn, query.order_by(batches.c.block, batches.c.ledger_id, batches.c.k))


def newest_final(conn: Connection, *, limit: int, offset: int) -> tuple[StoredBatch, ...]:
    """Return final batches, the newest first."""
    query = select(batches).where(batches.c.block.is_not(None))
    ordered = query.order_by(batches.c.block.desc(), batches.c.ledger_id, batches.c.k.desc())
    return _all(conn, ordered.limit(limit).offset(offset))


def next_to_send(
    conn: Connection, contract: bytes, *, among: Select[tuple[bytes]], without: Sequence[bytes], limit: int
) -> tuple[StoredBatch, ...]:
    """Return sealed batches of a contract by ledger and in order; each ledger's first before any ledger's second.

    A ledger with a batch that is under way, maybe with another account, waits for it.

    Args:
        conn: A connection.
        contract: Address, 20 bytes.
        among: Ledgers to look at.
        without: Ledgers to leave out.
        limit: Most batches.
    """
    under_way = batches.alias()
    turn = func.row_number().over(partition_by=batches.c.ledger_id, order_by=batches.c.k).label("turn")
    waiting = (
        select(batches, turn)
        .join(ledgers, ledgers.c.ledger_id == batches.c.ledger_id)
        .where(
            batches.c.state == "sealed",
            ledgers.c.contract == contract,
            batches.c.ledger_id.in_(among),
            batches.c.ledger_id.not_in(without),
            ~exists().where(under_way.c.ledger_id == batches.c.ledger_id, under_way.c.state == "submitted"),
        )
        .subquery()
    )
    chosen = select(*[waiting.c[column.name] for column in batches.c]).order_by(waiting.c.turn, waiting.c.ledger_id)
    return tuple(sorted(_all(conn, chosen.limit(limit)), key=lambda batch: (batch.ledger_id, batch.k)))


def contracts_to_call(conn: Connection) -> frozenset[bytes]:
    """Return the contracts that a sealed batch or a requested change of standing may be ready for, by address."""
    waiting = union(
        select(batches.c.ledger_id).where(batches.c.state == "sealed"),
        select(marks.c.ledger_id).where(marks.c.state == "requested"),
    ).subquery()
    query = select(ledgers.c.contract).where(ledgers.c.ledger_id.in_(select(waiting.c.ledger_id))).distinct()
    return frozenset(conn.execute(query).scalars())


class Waiting(NamedTuple):
    """What is sealed and not final: entries, and when the first batch's first entry was accepted (Unix seconds)."""

    entries: int
    since: int | None


def waiting(conn: Connection) -> Waiting:
    """Return what is sealed and not final, over all ledgers."""
    open_ones = batches.c.state != "final"
    count = conn.execute(select(func.coalesce(func.sum(batches.c.count), 0)).where(open_ones)).scalar_one()
    oldest = select(batches.c.ledger_id, batches.c.k).where(open_ones).order_by(batches.c.sealed_at).limit(1)
    first = conn.execute(oldest).first()
    return Waiting(int(count), None if first is None else oldest_acceptance(conn, first.ledger_id, first.k))


def members(conn: Connection, ledger_id: bytes, k: int) -> tuple[Member, ...]:
    """Return a batch's entries in leaf order; without those that are lost."""
    return tuple(member for _, member in placed_members(conn, ledger_id, k))


def placed_members(conn: Connection, ledger_id: bytes, k: int) -> tuple[tuple[int, Member], ...]:
    """Return the same with their seqs; it reads these entries alone, however long the ledger is."""
    batch = get(conn, ledger_id, k)
    bounds = sealed.c.seq.between(batch.first, batch.first + batch.count - 1)
    places = select(sealed).where(sealed.c.ledger_id == ledger_id, bounds).subquery()
    entry = probe(entries, places, "entry_id", "commitment", "credit", "debit")
    query = select(places.c.seq, *entry.c).select_from(places.join(entry, true())).order_by(places.c.seq)
    return tuple((row[0], Member(*row[1:])) for row in map(tuple, conn.execute(query)))


def oldest_acceptance(conn: Connection, ledger_id: bytes, k: int) -> int:
    """Return when the first of a batch's entries was accepted, in Unix seconds; of lost ones that is not known."""
    batch = get(conn, ledger_id, k)
    inside = sealed.c.seq.between(batch.first, batch.first + batch.count - 1)
    chunk_id = sealed.c.entry_id.bitwise_rshift(literal(CHUNK_BITS, Integer))
    chunk_ids = select(chunk_id).where(sealed.c.ledger_id == ledger_id, inside)
    theirs = and_(chunks.c.ledger_id == ledger_id, chunks.c.chunk_id.in_(chunk_ids.distinct()))
    found = conn.execute(select(func.min(chunks.c.accepted_at)).where(theirs)).scalar_one()
    return batch.sealed_at if found is None else int(found)


def mark_submitted(conn: Connection, keys: Sequence[BatchKey], tx_hash: bytes) -> None:
    """Say that a saved transaction carries these batches, so that they may be on chain from now on.

    Raises:
        Conflict: One of them is not ``sealed``.
    """
    where = and_(tuple_(batches.c.ledger_id, batches.c.k).in_(keys), batches.c.state == "sealed")
    changed = conn.execute(update(batches).where(where).values(state="submitted", tx_hash=tx_hash))
    if changed.rowcount != len(keys):
        raise Conflict("some batches are not waiting to be sent", expected=len(keys), got=changed.rowcount)


def mark_final(conn: Connection, ledger_id: bytes, k: int, anchor: Anchor) -> None:
    """Keep what a final block says about a batch; repeating it is harmless.

    A ``sealed`` batch may become final too: after a restore the chain knows more than the journal.

    Raises:
        Conflict: It is final already with other facts.
        NotFound: The ledger has no such batch.
    """
    where = and_(_is(ledger_id, k), batches.c.state.in_(PENDING))
    changed = update(batches).where(where).values(state="final", **facts_of(anchor)).returning(*batches.c)
    row = conn.execute(changed).first()
    if row is not None:
        outbox.batch_final(conn, ledger_id, _told(_stored(row), anchor))
    elif get(conn, ledger_id, k).anchor != anchor:
        raise Conflict("the batch is final with other facts", expected=anchor.head.hex(), where=f"k {k}")


def tell_final(conn: Connection, batch: StoredBatch) -> None:
    """Tell webhooks of a final batch again, since its entries were not here when it became final."""
    assert batch.anchor is not None  # it is final
    outbox.batch_final(conn, batch.ledger_id, _told(batch, batch.anchor))


def back_to_submitted(conn: Connection, ledger_id: bytes, k: int) -> None:
    """Take back "final", because its block vanished: the same bytes will be sent again.

    A batch that no transaction of the journal carries goes back to ``sealed``.
    """
    none = dict.fromkeys(Anchor.__dataclass_fields__)
    here = and_(_is(ledger_id, k), batches.c.state == "final")
    for lost in _all(conn, select(batches).where(here)):
        assert lost.anchor is not None  # it is final
        outbox.batch_reopened(conn, ledger_id, _told(lost, lost.anchor))
    conn.execute(update(batches).where(here, batches.c.tx_hash.is_not(None)).values(state="submitted", **none))
    conn.execute(update(batches).where(here, batches.c.tx_hash.is_(None)).values(state="sealed", **none))


def forget_transaction(conn: Connection, tx_hash: bytes) -> None:
    """Say of final batches that another transaction than this one carries them."""
    conn.execute(update(batches).where(batches.c.tx_hash == tx_hash, batches.c.state == "final").values(tx_hash=None))


def back_to_sealed(conn: Connection, tx_hash: bytes) -> tuple[BatchKey, ...]:
    """Take submitted batches off a transaction that is final without them (reverted, or its nonce was used)."""
    where = and_(batches.c.tx_hash == tx_hash, batches.c.state == "submitted")
    changed = update(batches).where(where).values(state="sealed", tx_hash=None)
    return tuple(BatchKey(*row) for row in conn.execute(changed.returning(batches.c.ledger_id, batches.c.k)))


def _told(batch: StoredBatch, anchor: Anchor) -> dict[str, Any]:
    """Return what webhooks tell of a batch; amounts are left to the API, which knows who asks."""
    return {
        "batch": batch.k,
        "first": batch.first,
        "count": batch.count,
        "root": batch.root.hex(),
        "head": anchor.head.hex(),
        "block": anchor.block,
        "block_hash": anchor.block_hash.hex(),
        "time": anchor.time,
        "transaction": None if batch.tx_hash is None else batch.tx_hash.hex(),
    }


def _is(ledger_id: bytes, k: int) -> Any:
    return and_(batches.c.ledger_id == ledger_id, batches.c.k == k)


def facts_of(anchor: Anchor | None) -> dict[str, Any]:
    """Return an anchor as the columns of its batch."""
    assert anchor is not None  # of a final batch
    return dict(zip(Anchor.__dataclass_fields__, astuple(anchor), strict=True))


def _all(conn: Connection, query: Select[Any]) -> tuple[StoredBatch, ...]:
    return tuple(_stored(row) for row in conn.execute(query))


def _stored(row: Any) -> StoredBatch:
    batch, facts, lost = list(row[:_WIDTH]), row[_WIDTH:-1], row[-1]
    batch += [None if facts[0] is None else Anchor(*facts), lost]
    return StoredBatch(*batch)
