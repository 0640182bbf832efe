"""Checkpoints: signed notes that name a block, kept as they were published."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select
from sqlalchemy.dialects.postgresql import insert

from chainsvc.errors import Conflict
from chainsvc.journal.chain_tables import checkpoints


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """One published checkpoint.

    Attributes:
        block: Block number.
        block_hash: 32 bytes.
        note: The signed note.
        created_at: Unix seconds.
    """

    block: int
    block_hash: bytes
    note: str
    created_at: int


def save(conn: Connection, checkpoint: StoredCheckpoint) -> StoredCheckpoint:
    """Keep a checkpoint and return the one kept for its block: the first.

    Raises:
        Conflict: One with another hash was published for this block.
    """
    row = {name: getattr(checkpoint, name) for name in StoredCheckpoint.__dataclass_fields__}
    conn.execute(insert(checkpoints).values(row).on_conflict_do_nothing())
    kept = _first(conn, select(checkpoints).where(checkpoints.c.block == checkpoint.block))
    assert kept is not None  # just inserted, or there before
    if kept.block_hash != checkpoint.block_hash:
        raise Conflict(
            "a checkpoint with another hash was published for this block",
            expected=kept.block_hash.hex(),
            got=checkpoint.block_hash.hex(),
            where=f"block {kept.block}",
            hint="The chain was rewritten below a published checkpoint; stop and compare nodes.",
        )
    return kept


def latest(conn: Connection) -> StoredCheckpoint | None:
    """Return the checkpoint of the highest block."""
    return _first(conn, select(checkpoints).order_by(checkpoints.c.block.desc()).limit(1))


def at_or_after(conn: Connection, block: int) -> StoredCheckpoint | None:
    """Return the lowest checkpoint that covers a block; the answer never changes once there is one."""
    query = select(checkpoints).where(checkpoints.c.block >= block)
    return _first(conn, query.order_by(checkpoints.c.block).limit(1))


def _first(conn: Connection, query: Select[Any]) -> StoredCheckpoint | None:
    row: Any = conn.execute(query).first()
    return None if row is None else StoredCheckpoint(*row)
