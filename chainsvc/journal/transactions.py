"""Signed transactions, kept before they are sent, so that the same bytes can be sent again after any crash.

One worker owns a sender's transactions, by the lease on the account. Others may make single calls with it; so whoever
signs and saves holds :func:`try_own` until the commit, and takes the next nonce.
"""

from dataclasses import astuple, dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select, update
from sqlalchemy.dialects.postgresql import insert

from chainsvc.errors import Conflict, NotFound
from chainsvc.journal.chain_tables import batches, marks, transactions

LIVE = ("signed", "sent")
"""States of transactions whose fate is open."""

_LOCK_SPACE = 0x7E0D
"""First key of the advisory locks that keep a sender to one process."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """One signed transaction.

    Attributes:
        hash: 32 bytes.
        sender: Account, 20 bytes.
        nonce: Its nonce.
        contract: Called contract, 20 bytes.
        raw: The signed bytes.
        state: ``signed``, ``sent``, ``final``, ``reverted`` or ``replaced``.
        created_at: Unix seconds.
        block: Block that includes it; None until final or reverted.
    """

    hash: bytes
    sender: bytes
    nonce: int
    contract: bytes
    raw: bytes
    state: str
    created_at: int
    block: int | None = None


def try_own(conn: Connection, sender: bytes) -> bool:
    """Become the one signer of the account until this transaction ends; False when another process is."""
    key = int.from_bytes(sender[:4], signed=True)
    return bool(conn.execute(select(func.pg_try_advisory_xact_lock(_LOCK_SPACE, key))).scalar_one())


def next_nonce(conn: Connection, sender: bytes, on_chain: int) -> int:
    """Return the next nonce: after the journal's last transaction, at least the chain's own count."""
    highest = select(func.max(transactions.c.nonce)).where(
        transactions.c.sender == sender, transactions.c.state != "replaced"
    )
    last = conn.execute(highest).scalar_one()
    return on_chain if last is None else max(on_chain, last + 1)


def save(conn: Connection, transaction: Transaction) -> None:
    """Keep a signed transaction, before it is sent; in the same transaction mark what it carries as submitted.

    Raises:
        Conflict: Another transaction of the same nonce is not replaced.
    """
    taken = [other for other in at_nonce(conn, transaction.sender, transaction.nonce) if other.state != "replaced"]
    if taken:
        raise Conflict("the nonce is in use", expected="one owner of the account", got=taken[0].hash.hex())
    row = dict(zip(Transaction.__dataclass_fields__, astuple(transaction), strict=True))
    again = {"state": row["state"], "block": None}  # the same call at the same nonce
    conn.execute(insert(transactions).values(row).on_conflict_do_update(index_elements=["hash"], set_=again))


def get(conn: Connection, tx_hash: bytes) -> Transaction:
    """Return a transaction.

    Raises:
        NotFound: The journal has no such transaction.
    """
    found: Any = conn.execute(select(transactions).where(transactions.c.hash == tx_hash)).first()
    if found is None:
        raise NotFound("the journal has no such transaction", got=tx_hash.hex())
    return Transaction(*found)


def pending(conn: Connection, sender: bytes | None = None) -> tuple[Transaction, ...]:
    """Return transactions whose fate is open, by sender and nonce."""
    query = select(transactions).where(transactions.c.state.in_(LIVE))
    if sender is not None:
        query = query.where(transactions.c.sender == sender)
    return _all(conn, query.order_by(transactions.c.sender, transactions.c.nonce))


def at_nonce(conn: Connection, sender: bytes, nonce: int) -> tuple[Transaction, ...]:
    """Return all transactions ever signed for a nonce, the oldest first: each of them may be the one included."""
    query = select(transactions).where(transactions.c.sender == sender, transactions.c.nonce == nonce)
    return _all(conn, query.order_by(transactions.c.created_at, transactions.c.state != "replaced"))


def mined_from_block(conn: Connection, block: int) -> tuple[Transaction, ...]:
    """Return transactions included at or above a block, to look at again when the chain went back."""
    return _all(conn, select(transactions).where(transactions.c.block >= block).order_by(transactions.c.nonce))


def newest_mined(conn: Connection, *, limit: int, offset: int) -> tuple[Transaction, ...]:
    """Return transactions that are in a block, the newest first."""
    query = select(transactions).where(transactions.c.block.is_not(None))
    return _all(
        conn, query.order_by(transactions.c.block.desc(), transactions.c.nonce.desc()).limit(limit).offset(offset)
    )


def mark_sent(conn: Connection, tx_hash: bytes) -> None:
    """Say that a node took it; repeating it, or saying it late, is harmless."""
    conn.execute(update(transactions).where(_is(tx_hash), transactions.c.state == "signed").values(state="sent"))


def mark_final(conn: Connection, tx_hash: bytes, block: int) -> None:
    """Say that it succeeded in a final block; any other of its nonce counts as replaced.

    Raises:
        NotFound: The journal has no such transaction.
    """
    _mined(conn, tx_hash, "final", block)


def mark_reverted(conn: Connection, tx_hash: bytes, block: int) -> None:
    """Say that the contract refused it in a final block; what it carried goes back (``back_to_sealed``).

    Raises:
        NotFound: The journal has no such transaction.
    """
    _mined(conn, tx_hash, "reverted", block)


def mark_replaced(conn: Connection, tx_hash: bytes) -> None:
    """Say that its nonce went to a transaction that is not the journal's."""
    conn.execute(update(transactions).where(_is(tx_hash)).values(state="replaced", block=None))


def back_to_sent(conn: Connection, tx_hash: bytes) -> None:
    """Take back "final" or "reverted", because its block vanished."""
    mined = transactions.c.state.in_(("final", "reverted"))
    conn.execute(update(transactions).where(_is(tx_hash), mined).values(state="sent", block=None))


def replace(conn: Connection, old_hash: bytes, new: Transaction) -> None:
    """Keep a transaction of the same nonce and the same content with a higher fee; what the old one carried moves.

    Raises:
        Conflict: Another sender or nonce.
        NotFound: The journal has no such old transaction.
    """
    old = get(conn, old_hash)
    if (old.sender, old.nonce) != (new.sender, new.nonce):
        raise Conflict("a replacement has the same sender and nonce", expected=old.nonce, got=new.nonce)
    mark_replaced(conn, old_hash)
    save(conn, new)
    _move(conn, old_hash, new.hash)


def _mined(conn: Connection, tx_hash: bytes, state: str, block: int) -> None:
    transaction = get(conn, tx_hash)
    for other in at_nonce(conn, transaction.sender, transaction.nonce):
        if other.hash != tx_hash and other.state != "replaced":
            mark_replaced(conn, other.hash)
            _move(conn, other.hash, tx_hash)
    conn.execute(update(transactions).where(_is(tx_hash)).values(state=state, block=block))


def _move(conn: Connection, old_hash: bytes, new_hash: bytes) -> None:
    for table in (batches, marks):
        conn.execute(update(table).where(table.c.tx_hash == old_hash).values(tx_hash=new_hash))


def _is(tx_hash: bytes) -> Any:
    return and_(transactions.c.hash == tx_hash)


def _all(conn: Connection, query: Select[Any]) -> tuple[Transaction, ...]:
    rows: Any = conn.execute(query)
    return tuple(Transaction(*row) for row in rows)
