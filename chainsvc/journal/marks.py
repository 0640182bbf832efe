"""Marks: changes of standing, from the request to the status word on chain."""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, delete, exists, or_, select, true, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on, insert

from chainsvc.errors import Conflict, NotFound
from chainsvc.journal import outbox
from chainsvc.journal.chain_tables import batches, marks, sealed
from chainsvc.journal.tables import entries, ledgers

PENDING = ("requested", "submitted")
"""States of marks that the worker still has to do with."""

_WIDTH = 11  # columns before the word's


class MarkKey(NamedTuple):
    """Which mark."""

    ledger_id: bytes
    mark_id: int


@dataclass(frozen=True, slots=True)
class Word:
    """What the chain says about a change of standing; with it the status word is recomputed.

    Attributes:
        prev: Status word before it, 32 bytes; zeros for the first.
        word: The status word, 32 bytes.
        actor: Account that changed it, 20 bytes.
        block: Block number.
        block_hash: 32 bytes.
        time: The block's timestamp, in Unix seconds.
        log_index: Place of the event in its block: several changes of one entry may share a block.
    """

    prev: bytes
    word: bytes
    actor: bytes
    block: int
    block_hash: bytes
    time: int
    log_index: int


@dataclass(frozen=True, slots=True)
class Mark:
    """One change of standing.

    Attributes:
        ledger_id: Ledger of the target, 32 bytes.
        mark_id: The journal's number.
        entry_id: The target.
        status: New standing, 0 to 6.
        cause_ledger_id: Ledger of the cause, 32 bytes.
        cause_entry_id: The cause, where it is in this journal.
        cause_seq: Its seq; known at the latest when final.
        state: ``requested``, ``submitted``, ``final`` or ``refused``.
        reason: Why the contract would refuse it.
        requested_at: Unix seconds.
        tx_hash: The journal's transaction that carries it.
        word: What the chain says; None until final.
    """

    ledger_id: bytes
    mark_id: int
    entry_id: int
    status: int
    cause_ledger_id: bytes
    cause_entry_id: int | None
    cause_seq: int | None
    state: str
    reason: str | None
    requested_at: int
    tx_hash: bytes | None
    word: Word | None

    @property
    def key(self) -> MarkKey:
        """Which mark it is."""
        return MarkKey(self.ledger_id, self.mark_id)


@dataclass(frozen=True, slots=True)
class DueMark:
    """A requested mark whose target and cause both have a seq.

    Attributes:
        mark: The mark.
        seq: Seq of the target.
        k: Batch of the target.
        target_state: State of that batch: ``final``, or ``submitted`` or ``sealed`` and to be anchored first.
        cause_seq: Seq of the cause.
        cause_k: Batch of the cause.
        cause_state: State of that batch.
    """

    mark: Mark
    seq: int
    k: int
    target_state: str
    cause_seq: int
    cause_k: int
    cause_state: str


def request(
    conn: Connection,
    ledger_id: bytes,
    entry_id: int,
    status: int,
    *,
    cause_ledger_id: bytes,
    cause_entry_id: int,
    requested_at: int,
) -> Mark:
    """Ask for a change of standing; the same request again returns the first mark, unless that was refused.

    The target's row is locked until the transaction ends, so that two equal requests at once make one mark.

    Raises:
        NotFound: The ledger has no such entry.
    """
    _hold(conn, ledger_id, entry_id)
    asked = {
        "ledger_id": ledger_id,
        "entry_id": entry_id,
        "status": status,
        "cause_ledger_id": cause_ledger_id,
        "cause_entry_id": cause_entry_id,
    }
    same = [marks.c[name] == value for name, value in asked.items()]
    first = conn.execute(select(marks).where(*same, marks.c.state != "refused").order_by(marks.c.mark_id)).first()
    if first is None:
        row = asked | {"state": "requested", "requested_at": requested_at}
        first = conn.execute(insert(marks).values(row).returning(*marks.c)).one()
    return _mark(first)


def due(
    conn: Connection,
    contract: bytes,
    *,
    among: Select[tuple[bytes]] | None = None,
    without: Sequence[bytes] = (),
    but: Sequence[int] = (),
    limit: int = 64,
) -> tuple[DueMark, ...]:
    """Return requested marks on a contract's ledgers whose target and cause are sealed, in the order of request.

    An entry with a change that is under way, maybe with another account, waits for it.

    Args:
        conn: A connection.
        contract: Address, 20 bytes.
        among: Ledgers whose entries may be the cause; all by default. The contract asks in whose name a change is
            made, which is the cause's organization.
        without: Ledgers whose sealed batches don't go now: marks that rest on one of these are left out.
        but: Numbers of marks to leave out.
        limit: Most marks.
    """
    if not conn.execute(select(exists().where(marks.c.state == "requested"))).scalar_one():
        return ()  # the usual case, told without the joins
    target, cause = sealed.alias("target"), sealed.alias("cause")
    under_way = marks.alias()
    target_batch, cause_batch = batches.alias("target_batch"), batches.alias("cause_batch")
    query = (
        select(target.c.seq, target.c.k, target_batch.c.state, cause.c.seq, cause.c.k, cause_batch.c.state, *marks.c)
        .join(ledgers, ledgers.c.ledger_id == marks.c.ledger_id)
        .join(target, and_(target.c.ledger_id == marks.c.ledger_id, target.c.entry_id == marks.c.entry_id))
        .join(target_batch, and_(target_batch.c.ledger_id == target.c.ledger_id, target_batch.c.k == target.c.k))
        .join(cause, and_(cause.c.ledger_id == marks.c.cause_ledger_id, cause.c.entry_id == marks.c.cause_entry_id))
        .join(cause_batch, and_(cause_batch.c.ledger_id == cause.c.ledger_id, cause_batch.c.k == cause.c.k))
        .where(
            marks.c.state == "requested",
            ledgers.c.contract == contract,
            marks.c.mark_id.not_in(but),
            true() if among is None else marks.c.cause_ledger_id.in_(among),
            ~exists().where(
                under_way.c.ledger_id == marks.c.ledger_id,
                under_way.c.entry_id == marks.c.entry_id,
                under_way.c.state == "submitted",
            ),
            or_(target_batch.c.state != "sealed", marks.c.ledger_id.not_in(without)),
            or_(cause_batch.c.state != "sealed", marks.c.cause_ledger_id.not_in(without)),
        )
        .order_by(marks.c.mark_id)
        .limit(limit)
    )
    return tuple(DueMark(_mark(row[6:]), *row[:6]) for row in map(tuple, conn.execute(query)))


def get(conn: Connection, ledger_id: bytes, mark_id: int) -> Mark:
    """Return a mark.

    Raises:
        NotFound: The ledger has no such mark.
    """
    found = conn.execute(select(marks).where(_is(ledger_id, mark_id))).first()
    if found is None:
        raise NotFound("the ledger has no such change of standing", got=mark_id)
    return _mark(found)


def history(conn: Connection, ledger_id: bytes, entry_id: int) -> tuple[Mark, ...]:
    """Return an entry's final changes in the order of the chain: what evidence carries."""
    query = _of_entry(ledger_id, entry_id).where(marks.c.state == "final")
    return _all(conn, query.order_by(marks.c.block, marks.c.log_index))


def histories(conn: Connection, ledger_id: bytes, entry_ids: Sequence[int]) -> dict[int, list[Mark]]:
    """Return the :func:`history` of those of the entries that have one, by entry number."""
    here = (marks.c.ledger_id == ledger_id, marks.c.entry_id.in_(entry_ids), marks.c.state == "final")
    found: dict[int, list[Mark]] = {}
    for mark in _all(conn, select(marks).where(*here).order_by(marks.c.block, marks.c.log_index)):
        found.setdefault(mark.entry_id, []).append(mark)
    return found


def standings(conn: Connection, ledger_id: bytes, entry_ids: Sequence[int]) -> dict[int, int]:
    """Return the standing of those of the entries that have a final change, by entry number."""
    here = (marks.c.ledger_id == ledger_id, marks.c.entry_id.in_(entry_ids), marks.c.state == "final")
    last = (marks.c.entry_id, marks.c.block.desc(), marks.c.log_index.desc())
    query = select(marks.c.entry_id, marks.c.status).ext(distinct_on(marks.c.entry_id)).where(*here).order_by(*last)
    return {row.entry_id: row.status for row in conn.execute(query)}


def of_entry(conn: Connection, ledger_id: bytes, entry_id: int) -> tuple[Mark, ...]:
    """Return all changes asked for or seen on an entry, also pending and refused ones, in the order of request."""
    return _all(conn, _of_entry(ledger_id, entry_id).order_by(marks.c.mark_id))


def of_ledger(conn: Connection, ledger_id: bytes) -> tuple[Mark, ...]:
    """Return a ledger's final changes in the order of the chain."""
    query = select(marks).where(marks.c.ledger_id == ledger_id, marks.c.state == "final")
    return _all(conn, query.order_by(marks.c.block, marks.c.log_index))


def changes(conn: Connection, ledger_id: bytes, before_seq: int) -> Iterator[tuple[int, Mark]]:
    """Yield the final changes of entries below ``before_seq``, with the entry's seq, in the order of the chain.

    A cursor of the server holds what is still to come, so that memory does not grow with the changes.
    """
    same = and_(sealed.c.ledger_id == marks.c.ledger_id, sealed.c.entry_id == marks.c.entry_id)
    query = select(sealed.c.seq, *marks.c).join(sealed, same)
    here = (marks.c.ledger_id == ledger_id, marks.c.state == "final", sealed.c.seq < before_seq)
    ordered = query.where(*here).order_by(marks.c.block, marks.c.log_index)
    for row in conn.execute(ordered, execution_options={"yield_per": _CURSOR_ROWS}):
        yield row[0], _mark(tuple(row)[1:])


_CURSOR_ROWS = 1000


def of_transaction(conn: Connection, tx_hash: bytes) -> tuple[Mark, ...]:
    """Return the marks that a transaction carries, in the order of request."""
    return _all(conn, select(marks).where(marks.c.tx_hash == tx_hash).order_by(marks.c.mark_id))


def pending(conn: Connection, *, states: Sequence[str] = PENDING, limit: int = 1000) -> tuple[Mark, ...]:
    """Return marks that are neither final nor refused, in the order of request."""
    query = select(marks).where(marks.c.state.in_(PENDING), marks.c.state.in_(states))
    return _all(conn, query.order_by(marks.c.mark_id).limit(limit))


def final_from_block(conn: Connection, block: int) -> tuple[Mark, ...]:
    """Return final marks at or above a block, to look at again when the chain went back."""
    query = select(marks).where(marks.c.state == "final", marks.c.block >= block)
    return _all(conn, query.order_by(marks.c.block, marks.c.log_index))


def newest_final(conn: Connection, *, limit: int, offset: int) -> tuple[Mark, ...]:
    """Return final marks, the newest first."""
    query = select(marks).where(marks.c.block.is_not(None))
    return _all(conn, query.order_by(marks.c.block.desc(), marks.c.log_index.desc()).limit(limit).offset(offset))


def mark_submitted(conn: Connection, keys: Sequence[MarkKey], tx_hash: bytes) -> None:
    """Say that a saved transaction carries these marks, so that they may be on chain from now on.

    Raises:
        Conflict: One of them is not ``requested``.
    """
    where = and_(tuple_(marks.c.ledger_id, marks.c.mark_id).in_(keys), marks.c.state == "requested")
    changed = conn.execute(update(marks).where(where).values(state="submitted", tx_hash=tx_hash))
    if changed.rowcount != len(keys):
        raise Conflict("some marks are not waiting to be sent", expected=len(keys), got=changed.rowcount)


def mark_final(conn: Connection, ledger_id: bytes, mark_id: int, cause_seq: int, word: Word) -> None:
    """Keep what a final block says about a mark; repeating it is harmless.

    Raises:
        Conflict: It is final already with other facts, or refused.
        NotFound: The ledger has no such mark.
    """
    where = and_(_is(ledger_id, mark_id), marks.c.state.in_(PENDING))
    change = update(marks).where(where).values(state="final", cause_seq=cause_seq, **_facts(word))
    row = conn.execute(change.returning(*marks.c)).first()
    if row is not None:
        _tell_final(conn, _mark(row))
    elif get(conn, ledger_id, mark_id).word != word:
        raise Conflict("the mark is final with other facts", expected=word.word.hex(), where=f"mark {mark_id}")


def mark_refused(conn: Connection, ledger_id: bytes, mark_id: int, reason: str) -> None:
    """Give a requested mark up, because the contract would revert; never blocks its batch."""
    where = and_(_is(ledger_id, mark_id), marks.c.state == "requested")
    change = update(marks).where(where).values(state="refused", reason=reason)
    row = conn.execute(change.returning(marks.c.entry_id, marks.c.status)).first()
    if row is not None:
        outbox.standing_refused(conn, ledger_id, row.entry_id, row.status, reason)


def observe(
    conn: Connection,
    ledger_id: bytes,
    entry_id: int,
    status: int,
    *,
    cause_ledger_id: bytes,
    cause_seq: int,
    word: Word,
    seen_at: int,
) -> Mark:
    """Keep a change that another service made, as its event tells it; the same word again returns the first mark.

    Raises:
        NotFound: The ledger has no such entry.
    """
    _hold(conn, ledger_id, entry_id)
    known = conn.execute(_of_entry(ledger_id, entry_id).where(marks.c.word == word.word)).first()
    if known is None:
        row = {
            "ledger_id": ledger_id,
            "entry_id": entry_id,
            "status": status,
            "cause_ledger_id": cause_ledger_id,
            "cause_seq": cause_seq,
            "state": "final",
            "requested_at": seen_at,
        }
        known = conn.execute(insert(marks).values(row | _facts(word)).returning(*marks.c)).one()
        _tell_final(conn, _mark(known))
    return _mark(known)


def forget_transaction(conn: Connection, tx_hash: bytes) -> None:
    """Say of final marks that another transaction than this one carries them."""
    conn.execute(update(marks).where(marks.c.tx_hash == tx_hash, marks.c.state == "final").values(tx_hash=None))


def back_to_requested(conn: Connection, tx_hash: bytes) -> tuple[MarkKey, ...]:
    """Take submitted marks off a transaction that is final without them (reverted, or its nonce was used)."""
    where = and_(marks.c.tx_hash == tx_hash, marks.c.state == "submitted")
    changed = update(marks).where(where).values(state="requested", tx_hash=None)
    return tuple(MarkKey(*row) for row in conn.execute(changed.returning(marks.c.ledger_id, marks.c.mark_id)))


def back_to_submitted(conn: Connection, ledger_id: bytes, mark_id: int) -> None:
    """Take back "final", because its block vanished.

    One that no transaction of the journal carries goes back to ``requested``; one that another service made is
    deleted, to be seen again by its event.
    """
    none = dict.fromkeys(Word.__dataclass_fields__)
    here = and_(_is(ledger_id, mark_id), marks.c.state == "final")
    for lost in _all(conn, select(marks).where(here)):
        outbox.standing_reopened(conn, ledger_id, lost.entry_id, lost.status)
    conn.execute(delete(marks).where(here, marks.c.cause_entry_id.is_(None)))
    conn.execute(update(marks).where(here, marks.c.tx_hash.is_not(None)).values(state="submitted", **none))
    conn.execute(update(marks).where(here, marks.c.tx_hash.is_(None)).values(state="requested", **none))


def _tell_final(conn: Connection, mark: Mark) -> None:
    assert mark.word is not None  # it is final
    change = {
        "cause_ledger": mark.cause_ledger_id.hex(),
        "cause_seq": mark.cause_seq,
        "word": mark.word.word.hex(),
        "block": mark.word.block,
        "block_hash": mark.word.block_hash.hex(),
        "time": mark.word.time,
    }
    outbox.standing_final(conn, mark.ledger_id, mark.entry_id, mark.status, change)


def _hold(conn: Connection, ledger_id: bytes, entry_id: int) -> None:
    here = and_(entries.c.ledger_id == ledger_id, entries.c.entry_id == entry_id)
    if conn.execute(select(entries.c.entry_id).where(here).with_for_update()).first() is None:
        raise NotFound("the ledger has no such entry", got=entry_id)


def _is(ledger_id: bytes, mark_id: int) -> Any:
    return and_(marks.c.ledger_id == ledger_id, marks.c.mark_id == mark_id)


def _of_entry(ledger_id: bytes, entry_id: int) -> Select[Any]:
    return select(marks).where(marks.c.ledger_id == ledger_id, marks.c.entry_id == entry_id)


def _facts(word: Word) -> dict[str, Any]:
    return dict(zip(Word.__dataclass_fields__, astuple(word), strict=True))


def _all(conn: Connection, query: Select[Any]) -> tuple[Mark, ...]:
    return tuple(_mark(row) for row in conn.execute(query))


def _mark(row: Any) -> Mark:
    mark, facts = list(row[:_WIDTH]), row[_WIDTH:]
    mark.append(None if facts[0] is None else Word(*facts))
    return Mark(*mark)
