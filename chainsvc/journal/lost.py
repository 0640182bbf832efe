"""Lost entries: on chain, but not in this journal, since it was restored from a backup older than the chain.

::

    (nothing) -> behind      record: the chain reports a batch beyond the journal's last one. Its facts are kept as a
                             final batch without entries, so that no seq is given twice; its sums count at the door
    behind -> whole          place: entries that came back take their seq; the last one frees the ledger
    behind -> adopted        adopt: the operator gives the rest up. The ledger goes on; the entries stay lost
    adopted -> whole         place, also later

A ledger that is behind is held: nothing in it is sealed, and the door takes only what may be a lost entry itself, by
its commitment. A record that would get a new commitment waits, since nobody can tell yet whether it is on chain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, and_, func, select, update
from sqlalchemy.dialects.postgresql import insert

from chainsvc.batch import Member
from chainsvc.errors import Conflict, NetworkMismatch
from chainsvc.journal import batches as stored
from chainsvc.journal import sealing
from chainsvc.journal.batches import StoredBatch
from chainsvc.journal.chain_tables import batches, sealed
from chainsvc.journal.tables import chunks, entries, ledgers, totals


@dataclass(frozen=True, slots=True)
class Behind:
    """A ledger that is held.

    Attributes:
        ledger_id: 32 bytes.
        name: ``kind/uscc/book``.
        batches: Batches on chain, as far as they were read.
        whole: Of them, those whose entries are all here.
        entries: Entries that are lost.
    """

    ledger_id: bytes
    name: str
    batches: int
    whole: int
    entries: int

    def __str__(self) -> str:
        """Return it in words."""
        return f"ledger {self.name} is behind the chain: {self.batches} batches there, {self.whole} here"


class Placed(NamedTuple):
    """An entry of this journal and the seq that it has on chain."""

    seq: int
    member: Member


def record(conn: Connection, batch: StoredBatch) -> None:
    """Keep a batch that the chain has beyond the journal's last one, all its entries lost, and hold the ledger.

    Batches that were sealed here at its place or later, and never sent, are taken apart: their entries wait again.

    Raises:
        NetworkMismatch: It does not follow the journal's last batch: batches between are missing from the chain.
        sqlalchemy.exc.IntegrityError: One of those may be on chain.
    """
    while (tip := sealing.tip(conn, batch.ledger_id)).next_k > batch.k:
        _take_apart(conn, stored.get(conn, batch.ledger_id, tip.next_k - 1))
    if (tip.next_k, tip.next_seq) != (batch.k, batch.first):
        expected, got = f"batch {tip.next_k} at seq {tip.next_seq}", f"batch {batch.k} at seq {batch.first}"
        raise NetworkMismatch("the chain's batches do not follow the journal's", expected=expected, got=got)
    row = {column: getattr(batch, column) for column in ("ledger_id", "k", "first", "count", "root")}
    row |= {"credit": batch.credit, "debit": batch.debit, "sealed_at": batch.sealed_at, "lost": batch.count}
    conn.execute(insert(batches).values(**row, state="final", **stored.facts_of(batch.anchor)))
    sums = {"credit": totals.c.credit + batch.credit, "debit": totals.c.debit + batch.debit}
    conn.execute(update(totals).where(totals.c.ledger_id == batch.ledger_id).values(**sums, behind=True))


def place(conn: Connection, batch: StoredBatch, found: Sequence[Placed]) -> int:
    """Give entries that are accepted here the seq that they have on chain; return how many are lost still.

    Args:
        conn: A transaction.
        batch: With lost entries.
        found: What is proven to stand there. Their sums, counted at their acceptance, no longer count twice.

    Raises:
        Conflict: More entries than are lost.
    """
    if len(found) > batch.lost:
        raise Conflict("more entries than the batch lost", expected=batch.lost, got=len(found))
    rows = [
        {"ledger_id": batch.ledger_id, "seq": seq, "entry_id": member.entry_id, "k": batch.k} for seq, member in found
    ]
    conn.execute(insert(sealed).values(rows))
    lost = batch.lost - len(found)
    here = and_(batches.c.ledger_id == batch.ledger_id, batches.c.k == batch.k)
    conn.execute(update(batches).where(here).values(lost=lost))
    sealing.close_chunks(conn, batch.ledger_id, [member.entry_id for _, member in found])
    credit, debit = sum(one.member.credit for one in found), sum(one.member.debit for one in found)
    _count(conn, batch.ledger_id, -credit, -debit)
    _free(conn, batch.ledger_id)
    if not lost and batch.anchor is not None:
        stored.tell_final(conn, batch)
    return lost


def adopt(conn: Connection, ledger_id: bytes) -> tuple[StoredBatch, ...]:
    """Let the ledger go on without its lost entries; return the batches that have some."""
    conn.execute(update(totals).where(totals.c.ledger_id == ledger_id).values(behind=False))
    return of_ledger(conn, ledger_id)


def of_ledger(conn: Connection, ledger_id: bytes) -> tuple[StoredBatch, ...]:
    """Return the batches that have lost entries, in order."""
    query = select(batches.c.k).where(batches.c.ledger_id == ledger_id, batches.c.lost > 0).order_by(batches.c.k)
    return tuple(stored.get(conn, ledger_id, k) for k in conn.execute(query).scalars())


def is_lost(conn: Connection, ledger_id: bytes, seq: int) -> bool:
    """Whether the entry at that seq is one that the journal lost."""
    inside = (batches.c.first <= seq, batches.c.first + batches.c.count > seq)
    batch = conn.execute(select(batches.c.k).where(batches.c.ledger_id == ledger_id, batches.c.lost > 0, *inside))
    here = select(sealed.c.seq).where(sealed.c.ledger_id == ledger_id, sealed.c.seq == seq)
    return batch.first() is not None and conn.execute(here).first() is None


def behind(conn: Connection) -> tuple[Behind, ...]:
    """Return the ledgers that are held, by name."""
    lost = func.count().filter(batches.c.lost > 0)
    query = (
        select(ledgers.c.ledger_id, ledgers.c.name, func.count(), func.count() - lost, func.sum(batches.c.lost))
        .join(totals, totals.c.ledger_id == ledgers.c.ledger_id)
        .join(batches, batches.c.ledger_id == ledgers.c.ledger_id)
        .where(totals.c.behind)
        .group_by(ledgers.c.ledger_id, ledgers.c.name)
        .order_by(ledgers.c.name)
    )
    return tuple(
        Behind(ledger_id, name, there, here, int(entries))
        for ledger_id, name, there, here, entries in conn.execute(query)
    )


class Waiting(NamedTuple):
    """Accepted entries that are not final: how many, and how many of them are late by their receipts."""

    entries: int
    late: int


def waiting(conn: Connection, ledger_id: bytes, now: int) -> Waiting:
    """Return what of a ledger is promised and not kept yet; reads the whole ledger."""
    final = (
        select(sealed.c.seq)
        .join(batches, and_(batches.c.ledger_id == sealed.c.ledger_id, batches.c.k == sealed.c.k))
        .where(
            sealed.c.ledger_id == entries.c.ledger_id,
            sealed.c.entry_id == entries.c.entry_id,
            batches.c.state == "final",
        )
    )
    same_chunk = and_(chunks.c.ledger_id == entries.c.ledger_id, chunks.c.chunk_id == entries.c.chunk_id)
    counts = func.count(), func.count().filter(chunks.c.anchor_by < now)
    query = select(*counts).select_from(entries.join(chunks, same_chunk))
    return Waiting(*conn.execute(query.where(entries.c.ledger_id == ledger_id, ~final.exists())).one())


def _take_apart(conn: Connection, batch: StoredBatch) -> None:
    """Delete a batch; what of its sums is lost no longer counts."""
    credit, debit = _sums(conn, batch)
    sealing.take_apart(conn, batch.ledger_id, batch.k)
    if batch.lost:
        _count(conn, batch.ledger_id, credit - batch.credit, debit - batch.debit)


def _sums(conn: Connection, batch: StoredBatch) -> tuple[int, int]:
    """Return the sums of those of a batch's entries that are here."""
    same = and_(entries.c.ledger_id == sealed.c.ledger_id, entries.c.entry_id == sealed.c.entry_id)
    sums = [func.coalesce(func.sum(entries.c[name]), 0) for name in ("credit", "debit")]
    query = select(*sums).select_from(sealed.join(entries, same))
    credit, debit = conn.execute(query.where(sealed.c.ledger_id == batch.ledger_id, sealed.c.k == batch.k)).one()
    return int(credit), int(debit)


def _count(conn: Connection, ledger_id: bytes, credit: int, debit: int) -> None:
    sums = {"credit": totals.c.credit + credit, "debit": totals.c.debit + debit}
    conn.execute(update(totals).where(totals.c.ledger_id == ledger_id).values(sums))


def _free(conn: Connection, ledger_id: bytes) -> None:
    """Let a ledger go that has nothing lost any more."""
    left = select(batches.c.k).where(batches.c.ledger_id == ledger_id, batches.c.lost > 0).exists()
    conn.execute(update(totals).where(totals.c.ledger_id == ledger_id, ~left).values(behind=False))
