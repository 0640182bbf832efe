"""Cursors: up to which block a contract's events were read, with that block's hash to notice a rewritten chain."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from chainsvc.journal.chain_tables import cursors


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a contract's events were read.

    Attributes:
        contract: Address, 20 bytes.
        block: Last block read.
        block_hash: Its hash then, 32 bytes.
    """

    contract: bytes
    block: int
    block_hash: bytes


def load(conn: Connection, contract: bytes) -> Cursor | None:
    """Return a contract's cursor; None before the first reading."""
    row: Any = conn.execute(select(cursors).where(cursors.c.contract == contract)).first()
    return None if row is None else Cursor(*row)


def load_all(conn: Connection) -> dict[bytes, Cursor]:
    """Return every contract's cursor, by address."""
    return {row.contract: Cursor(*row) for row in conn.execute(select(cursors))}


def save(conn: Connection, cursor: Cursor) -> None:
    """Set a contract's cursor, forward or, after the chain went back, backward."""
    place = {"block": cursor.block, "block_hash": cursor.block_hash}
    row = insert(cursors).values(contract=cursor.contract, **place)
    conn.execute(row.on_conflict_do_update(index_elements=[cursors.c.contract], set_=place))
