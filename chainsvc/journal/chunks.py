"""Chunks: what was handed over together, with the receipt and the submission that cover it."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from sqlalchemy import ARRAY, BigInteger, Connection, bindparam, column, func, select, true

from chainsvc.errors import KekTurned, LedgerClosed, NotFound
from chainsvc.journal.columns import CHUNK_BITS, CHUNK_SIZE
from chainsvc.journal.tables import chunks, entries, ledgers, network
from chainsvc.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk of 1 to 4,096 entries.

    Attributes:
        ledger_id: 32 bytes.
        chunk_id: From :func:`next_ids`; a new one for each attempt.
        n: Number of entries.
        root: Chunk root, 32 bytes.
        wrapped_key: The chunk key wrapped, 60 bytes; None where the service keeps no records.
        accepted_at: Unix seconds, as in the receipt.
        anchor_by: Unix seconds, as in the receipt.
        receipt_alg: Signature algorithm of the receipt.
        receipt_pubkey: The service's public key.
        receipt_signature: Over the receipt message.
        submission_alg: Signature algorithm of the submission; None in an unsigned one, with the next two.
        submission_pubkey: The issuer's public key.
        submission_signature: Over the submission message.
        submitted_by: API key that handed it over.
    """

    ledger_id: bytes
    chunk_id: int
    n: int
    root: bytes
    wrapped_key: bytes | None
    accepted_at: int
    anchor_by: int
    receipt_alg: int
    receipt_pubkey: bytes
    receipt_signature: bytes
    submission_alg: int | None = None
    submission_pubkey: bytes | None = None
    submission_signature: bytes | None = None
    submitted_by: str | None = None

    def receipt(self, index: int, path: tuple[bytes, ...]) -> Receipt:
        """Return the receipt of the entry at ``index``, whose siblings in the chunk's tree are ``path``."""
        signed = (self.receipt_pubkey, self.receipt_signature, self.accepted_at, self.anchor_by)
        return Receipt(self.receipt_alg, index, self.n, path, *signed)


def next_ids(conn: Connection, count: int = 1) -> tuple[int, ...]:
    """Draw chunk numbers; an unused one leaves a harmless gap."""
    drawn = conn.exec_driver_sql("SELECT nextval('chunk_ids') FROM generate_series(1, %s)", (count,))
    return tuple(drawn.scalars())


def chunk_of(entry_id: int) -> int:
    """Return the chunk number inside an entry number."""
    return entry_id >> CHUNK_BITS


def index_of(entry_id: int) -> int:
    """Return the position in the chunk inside an entry number."""
    return entry_id & ((1 << CHUNK_BITS) - 1)


def entry_id_of(chunk_id: int, index: int) -> int:
    """Return the number of the entry at ``index`` of a chunk."""
    return chunk_id << CHUNK_BITS | index


def add(conn: Connection, chunk: Chunk, *, late: bool = False, kek_check: bytes | None = None) -> None:
    """Store a chunk, unless its ledger was closed meanwhile; the share lock keeps it open until we commit.

    ``late`` is for what the chain has already. ``kek_check`` names the key-encryption key that wrapped the chunk's;
    the insert holds off who replaces that one until we commit, so that what it returns is what counts.

    Raises:
        KekTurned: Another key-encryption key counts by now; roll back and wrap the chunk's key anew.
        LedgerClosed: The ledger takes no more entries.
        NotFound: The journal has no such ledger.
    """
    opened = select(ledgers.c.closed).where(ledgers.c.ledger_id == chunk.ledger_id).with_for_update(read=True)
    closed = conn.execute(opened).scalar_one_or_none()
    if closed is None:
        raise NotFound("the journal has no such ledger", got=chunk.ledger_id.hex())
    if closed and not late:
        raise LedgerClosed("the ledger takes no more entries", hint="Use the organization's current ledger.")
    counting = conn.execute(_INSERT.values(astuple(chunk))).scalar_one()
    if kek_check is not None and counting is not None and counting != kek_check:
        raise KekTurned(counting)


def get(conn: Connection, ledger_id: bytes, chunk_id: int) -> Chunk:
    """Return a chunk.

    Raises:
        NotFound: The journal has no such chunk.
    """
    found = conn.execute(select(chunks).where(chunks.c.ledger_id == ledger_id, chunks.c.chunk_id == chunk_id)).first()
    if found is None:
        raise NotFound("the journal has no such chunk", got=chunk_id)
    return Chunk(*found)


def commitments_of(conn: Connection, ledger_id: bytes, chunk_id: int) -> tuple[bytes, ...]:
    """Return the commitments of a chunk in its order, to recompute receipt and submission paths."""
    inside = entries.c.entry_id.between(entry_id_of(chunk_id, 0), entry_id_of(chunk_id + 1, 0) - 1)
    query = select(entries.c.commitment).where(entries.c.ledger_id == ledger_id, inside).order_by(entries.c.entry_id)
    return tuple(conn.execute(query).scalars())


def get_many(conn: Connection, ledger_id: bytes, chunk_ids: Sequence[int]) -> dict[int, tuple[Chunk, list[bytes]]]:
    """Return chunks by number, each with its commitments in its order.

    Raises:
        NotFound: The journal has not all of them.
    """
    found = select(chunks).where(chunks.c.ledger_id == ledger_id, chunks.c.chunk_id.in_(chunk_ids))
    rows = [Chunk(*row) for row in conn.execute(found)]
    if len(rows) != len(set(chunk_ids)):
        raise NotFound("the journal has not all of these chunks", expected=len(set(chunk_ids)), got=len(rows))
    kept: dict[int, tuple[Chunk, list[bytes]]] = {chunk.chunk_id: (chunk, []) for chunk in rows}
    given = {"ledger_id": ledger_id, "chunk_ids": list(chunk_ids)}
    for entry_id, commitment in conn.execute(_COMMITMENTS, given):
        kept[chunk_of(entry_id)][1].append(commitment)
    return kept


_INSERT = chunks.insert().returning(select(network.c.kek_check).scalar_subquery())
_CHUNK_IDS = bindparam("chunk_ids", type_=ARRAY(BigInteger))
_WANTED = func.unnest(_CHUNK_IDS).table_valued(column("chunk_id", BigInteger)).render_derived("wanted")
_INSIDE = (
    select(entries.c.entry_id, entries.c.commitment)
    .where(
        entries.c.ledger_id == bindparam("ledger_id"),
        entries.c.entry_id >= _WANTED.c.chunk_id * CHUNK_SIZE,
        entries.c.entry_id < (_WANTED.c.chunk_id + 1) * CHUNK_SIZE,
    )
    .offset(0)
    .lateral()
)
_COMMITMENTS = select(*_INSIDE.c).select_from(_WANTED.join(_INSIDE, true())).order_by(_INSIDE.c.entry_id)
