"""Ledgers, and the running sums of everything accepted in them."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from chainsvc.errors import Conflict, NotFound, PolicyRefused
from chainsvc.journal import outbox
from chainsvc.journal.columns import MAX_SUM
from chainsvc.journal.tables import ledgers, totals

SIGNED_FLAG = 1


@dataclass(frozen=True, slots=True)
class Ledger:
    """One ledger as the chain opened it.

    Attributes:
        ledger_id: 32 bytes, computed from the rest.
        name: ``kind/uscc/book``.
        kind: First part of the name.
        uscc: The organization's unified social credit code.
        book: Last part of the name.
        suite: 1 = SHA-256, 2 = SM3.
        flags: Bit 0 = signed.
        contract: Address, 20 bytes.
        opened_block: Block of its ``LedgerOpened`` event.
        closed: It takes no more entries.
    """

    ledger_id: bytes
    name: str
    kind: str
    uscc: str
    book: str
    suite: int
    flags: int
    contract: bytes
    opened_block: int
    closed: bool = False

    @property
    def signed(self) -> bool:
        """Whether the organization's own key has to sign each submission."""
        return bool(self.flags & SIGNED_FLAG)


class Sums(NamedTuple):
    """Sums in fen over all accepted entries, anchored or not, and what limits them.

    Entries that are on chain and lost here count too.

    Attributes:
        credit: Fen.
        debit: Fen.
        budget: What the net debit may not pass, as last read from the chain; None where none was.
        behind: Whether the chain has entries that the journal lost: the ledger is held.
    """

    credit: int
    debit: int
    budget: int | None = None
    behind: bool = False


def register(conn: Connection, ledger: Ledger) -> bool:
    """Add a ledger that the chain has opened; True when it was new.

    Raises:
        Conflict: The name belongs to another ledger id.
    """
    row = {name: getattr(ledger, name) for name in ledgers.c.keys()}  # noqa: SIM118 (a column collection, no dict)
    added = conn.execute(insert(ledgers).values(row).on_conflict_do_nothing().returning(ledgers.c.name)).first()
    if added is None:
        _check_same(conn, ledger)
        return False
    conn.execute(insert(totals).values(ledger_id=ledger.ledger_id, credit=0, debit=0))
    outbox.ledger_opened(conn, ledger.ledger_id, ledger.opened_block)
    return True


def by_id(conn: Connection, ledger_id: bytes) -> Ledger:
    """Return a ledger.

    Raises:
        NotFound: The journal has no such ledger.
    """
    return _found(conn.execute(select(ledgers).where(ledgers.c.ledger_id == ledger_id)).first(), ledger_id.hex())


def by_name(conn: Connection, name: str) -> Ledger:
    """Return the ledger called ``kind/uscc/book``.

    Raises:
        NotFound: The journal has no such ledger.
    """
    return _found(conn.execute(select(ledgers).where(ledgers.c.name == name)).first(), name)


def listing(conn: Connection, *, kind: str | None = None, uscc: str | None = None) -> tuple[Ledger, ...]:
    """Return all ledgers, of one kind or organization where named, ascending by name."""
    query = select(ledgers).order_by(ledgers.c.name)
    if kind is not None:
        query = query.where(ledgers.c.kind == kind)
    if uscc is not None:
        query = query.where(ledgers.c.uscc == uscc)
    return tuple(Ledger(*row) for row in conn.execute(query))


def page(conn: Connection, *, after: str | None, limit: int) -> tuple[Ledger, ...]:
    """Return at most so many ledgers, ascending by name in the order of code points, from the one after ``after``."""
    name = ledgers.c.name.collate("C")
    query = select(ledgers).order_by(name).limit(limit)
    return tuple(Ledger(*row) for row in conn.execute(query if after is None else query.where(name > after)))


def set_closed(conn: Connection, ledger_id: bytes) -> None:
    """Take no more entries; once this is committed no acceptance is under way.

    Raises:
        NotFound: The journal has no such ledger.
    """
    open_one = (ledgers.c.ledger_id == ledger_id, ledgers.c.closed.is_(False))
    if conn.execute(update(ledgers).where(*open_one).values(closed=True)).rowcount:
        outbox.ledger_closed(conn, ledger_id)
    else:
        by_id(conn, ledger_id)


def sums_of(conn: Connection, ledger_id: bytes) -> Sums:
    """Return the sums of all accepted entries.

    Raises:
        NotFound: The journal has no such ledger.
    """
    return _sums(conn.execute(_select_sums(ledger_id)).first(), ledger_id)


def hold_sums(conn: Connection, ledger_id: bytes) -> Sums:
    """Return the sums and keep others from changing them until this transaction ends.

    Raises:
        NotFound: The journal has no such ledger.
    """
    return _sums(conn.execute(_select_sums(ledger_id).with_for_update()).first(), ledger_id)


def reserve(conn: Connection, ledger_id: bytes, credit: int, debit: int) -> Sums:
    """Add what is being accepted and return the new sums; the row stays locked until the transaction ends.

    Raises:
        NotFound: The journal has no such ledger.
        PolicyRefused: A sum would pass 2^53-1 fen; nothing was changed.
    """
    fits = (totals.c.credit <= MAX_SUM - credit) & (totals.c.debit <= MAX_SUM - debit)
    row = conn.execute(_add(ledger_id, credit, debit).where(fits)).first()
    if row is None:
        sums_of(conn, ledger_id)
        raise PolicyRefused("the ledger's sum would pass its limit", expected=f"at most {MAX_SUM} fen")
    return Sums(*row)


def release(conn: Connection, ledger_id: bytes, credit: int, debit: int) -> Sums:
    """Take back a part of what this transaction reserved.

    Raises:
        NotFound: The journal has no such ledger.
    """
    return _sums(conn.execute(_add(ledger_id, -credit, -debit)).first(), ledger_id)


def set_budget(conn: Connection, ledger_id: bytes, budget: int) -> None:
    """Keep what the chain allows as net debit, in fen, for the door to apply while no node answers."""
    conn.execute(update(totals).where(totals.c.ledger_id == ledger_id).values(budget=budget))


def _add(ledger_id: bytes, credit: int, debit: int) -> Any:
    change = update(totals).where(totals.c.ledger_id == ledger_id)
    change = change.values(credit=totals.c.credit + credit, debit=totals.c.debit + debit)
    return change.returning(totals.c.credit, totals.c.debit, totals.c.budget, totals.c.behind)


def _select_sums(ledger_id: bytes) -> Any:
    return select(totals.c.credit, totals.c.debit, totals.c.budget, totals.c.behind).where(
        totals.c.ledger_id == ledger_id
    )


def _sums(row: Any, ledger_id: bytes) -> Sums:
    if row is None:
        raise _missing(ledger_id.hex())
    return Sums(*row)


def _check_same(conn: Connection, ledger: Ledger) -> None:
    """Tell a repeated registration from a name taken by another ledger."""
    known = by_name(conn, ledger.name)
    if known.ledger_id != ledger.ledger_id:
        raise Conflict(
            "another ledger has this name",
            expected=known.ledger_id.hex(),
            got=ledger.ledger_id.hex(),
            where=ledger.name,
            hint="The journal may belong to another deployment; compare the network ids.",
        )


def _found(row: Any, wanted: str) -> Ledger:
    if row is None:
        raise _missing(wanted)
    return Ledger(*row)


def _missing(wanted: str) -> NotFound:
    return NotFound("the journal has no such ledger", got=wanted, hint="`chainsvc ledger list` shows those it has.")
