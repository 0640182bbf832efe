"""Leases: which of several workers does what, for how long; by the database's clock alone.

A lease has a name, a holder and a token that grows with every holder. All that a holder makes durable begins with
:func:`fence` in the same transaction: the row is locked against a new holder until the commit, so that a worker which
was paused, or whose clock is wrong, writes nothing after another one took over. The fence also lets the server cut
the transaction off when its process falls silent in the middle, which would keep the row locked for good.

Row locks: a step takes ``FOR KEY SHARE``, which a renewal (``FOR NO KEY UPDATE``) passes and a new holder
(``FOR UPDATE``) does not. A new holder skips locked rows: it comes again.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from chainsvc.errors import LeaseLost
from chainsvc.journal.chain_tables import leases, ledger_leases

WATCH = "watch"
"""Name of the lease on what is done once for all accounts: following the contracts, and what vanished."""

_ACCOUNT = "account:"
_STEP_S = 60  # longest statement of a step
_SHORTEST_CUT_S = 10.0  # a busy machine makes pauses of seconds


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as its holder knows it; whether it still holds, only the database can say.

    Attributes:
        name: What is held.
        holder: By whom, for people.
        token: Which holding of it this is; grows with every new one.
        length_s: Seconds that it lasts when it is not renewed.
    """

    name: str
    holder: str
    token: int
    length_s: float


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that somebody holds at present.

    Attributes:
        name: What is held.
        holder: By whom.
        trouble: What its holder last said is wrong, in words; None when all goes.
    """

    name: str
    holder: str
    trouble: str | None


def of_account(address: bytes) -> str:
    """Return the name of the lease on a sending account (20 bytes): its holder alone signs with it."""
    return f"{_ACCOUNT}{address.hex()}"


def acquire(conn: Connection, name: str, holder: str, length_s: float) -> Lease | None:
    """Take a lease that nobody holds; None when somebody does."""
    free = {"name": name, "holder": holder, "token": 0, "expires_at": text("'epoch'")}
    conn.execute(insert(leases).values(free).on_conflict_do_nothing())
    query = select(leases.c.name).where(leases.c.name == name, ~_is_live()).with_for_update(skip_locked=True)
    if conn.execute(query).first() is None:
        return None
    new = {"holder": holder, "token": leases.c.token + 1, "expires_at": _until(length_s), "trouble": None}
    token = conn.execute(update(leases).where(leases.c.name == name).values(new).returning(leases.c.token))
    return Lease(name, holder, token.scalar_one(), length_s)


def renew(conn: Connection, lease: Lease, trouble: str | None = None) -> bool:
    """Hold a lease for its whole length from now on; False when another one took it.

    A late renewal is as good: nobody took it meanwhile.
    """
    again = update(leases).where(_is(lease)).values(expires_at=_until(lease.length_s), trouble=trouble)
    return conn.execute(again).rowcount == 1


def release(conn: Connection, lease: Lease) -> None:
    """Let others take a lease at once; nothing happens when another one has."""
    conn.execute(update(leases).where(_is(lease)).values(expires_at=text("'epoch'"), trouble=None))


def fence(conn: Connection, lease: Lease) -> None:
    """Let the transaction go on only while the lease is held, and let nobody take it before the transaction ends.

    Raises:
        LeaseLost: It is held no more.
    """
    silence = f"{max(lease.length_s, _SHORTEST_CUT_S) * 1000:.0f}"
    idle = func.set_config("idle_in_transaction_session_timeout", silence, True)  # noqa: FBT003 (for this transaction)
    longest = func.set_config("statement_timeout", f"{_STEP_S}s", True)  # noqa: FBT003 (for this transaction)
    query = select(idle, longest).where(_is(lease), _is_live()).with_for_update(read=True, key_share=True)
    if conn.execute(query.select_from(leases)).first() is None:
        raise _lost(lease.name)


def held(conn: Connection) -> tuple[Held, ...]:
    """Return what is held at present, by name."""
    query = select(leases.c.name, leases.c.holder, leases.c.trouble).where(_is_live()).order_by(leases.c.name)
    return tuple(Held(*row) for row in conn.execute(query))


def accounts(conn: Connection, *, within_s: float = 0) -> tuple[bytes, ...]:
    """Return the accounts that somebody anchors with, or did until ``within_s`` seconds ago; ascending."""
    recent = leases.c.expires_at > func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, within_s)
    query = select(leases.c.name).where(leases.c.name.startswith(_ACCOUNT), recent).order_by(leases.c.name)
    return tuple(bytes.fromhex(name.removeprefix(_ACCOUNT)) for name in conn.execute(query).scalars())


def is_free(conn: Connection, name: str) -> bool:
    """Whether nobody holds a lease; nobody takes it before this transaction ends."""
    query = select(_is_live()).where(leases.c.name == name).with_for_update(read=True, key_share=True)
    return not conn.execute(query.select_from(leases)).scalar_one_or_none()


def take_ledgers(conn: Connection, lease: Lease, ledger_ids: Collection[bytes]) -> frozenset[bytes]:
    """Put ledgers under a lease, where nobody has them; return those of ``ledger_ids`` that are under it now."""
    wanted = sorted(ledger_ids)
    theirs = select(leases.c.name).where(
        leases.c.name == ledger_leases.c.lease, leases.c.token == ledger_leases.c.token, _is_live()
    )
    free = select(ledger_leases.c.ledger_id).where(ledger_leases.c.ledger_id.in_(wanted), ~theirs.exists())
    left = conn.execute(free.order_by(ledger_leases.c.ledger_id).with_for_update(skip_locked=True)).scalars().all()
    mine = {"lease": lease.name, "token": lease.token}
    if left:
        conn.execute(update(ledger_leases).where(ledger_leases.c.ledger_id.in_(left)).values(mine))
    if wanted:
        rows = [{"ledger_id": ledger_id, **mine} for ledger_id in wanted]
        conn.execute(insert(ledger_leases).values(rows).on_conflict_do_nothing())
    ours = ledgers_of(lease).where(ledger_leases.c.ledger_id.in_(wanted))
    return frozenset(row.ledger_id for row in conn.execute(ours))


def give_back(conn: Connection, lease: Lease, ledger_ids: Collection[bytes]) -> None:
    """Let others take ledgers."""
    conn.execute(delete(ledger_leases).where(_goes_with(lease), ledger_leases.c.ledger_id.in_(sorted(ledger_ids))))


def fence_ledgers(conn: Connection, lease: Lease, ledger_ids: Collection[bytes]) -> None:
    """Let the transaction go on only while these ledgers are under the lease, and hold them until it ends.

    Raises:
        LeaseLost: One of them is not.
    """
    wanted = sorted(set(ledger_ids))
    query = ledgers_of(lease).where(ledger_leases.c.ledger_id.in_(wanted)).order_by(ledger_leases.c.ledger_id)
    if len(conn.execute(query.with_for_update(read=True, key_share=True)).all()) != len(wanted):
        raise _lost(f"ledgers of {lease.name}")


def ledgers_of(lease: Lease) -> Select[tuple[bytes]]:
    """Return the query for the ledgers under a lease."""
    return select(ledger_leases.c.ledger_id).where(_goes_with(lease))


def _until(length_s: float) -> ColumnElement[object]:
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, length_s)


def _is_live() -> ColumnElement[bool]:
    return leases.c.expires_at > func.clock_timestamp()


def _is(lease: Lease) -> ColumnElement[bool]:
    return and_(leases.c.name == lease.name, leases.c.token == lease.token)


def _goes_with(lease: Lease) -> ColumnElement[bool]:
    return and_(ledger_leases.c.lease == lease.name, ledger_leases.c.token == lease.token)


def _lost(what: str) -> LeaseLost:
    return LeaseLost("another worker has taken over", where=what, hint="This one waits for its turn.")
