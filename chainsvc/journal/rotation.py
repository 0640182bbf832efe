"""A new key-encryption key: every chunk, index and webhook key is wrapped anew; seeds and records stay as they are."""

from sqlalchemy import BigInteger, Connection, LargeBinary, bindparam, select, tuple_, update

from chainsvc.crypto.envelope import Envelope, KeyEncryptionKey, rewrap, verify_check
from chainsvc.errors import NotFound
from chainsvc.journal.network import belonging
from chainsvc.journal.tables import chunks, network
from chainsvc.journal.webhook_tables import endpoints

PAGE = 1000
"""Chunk keys wrapped anew per statement."""


def rotate(conn: Connection, old: KeyEncryptionKey, new: KeyEncryptionKey) -> int:
    """Replace the key-encryption key in one transaction and return how many chunk keys were wrapped anew.

    Services that run with the old key must be stopped first: chunks that they accept meanwhile would stay behind,
    so the whole table is locked against them until the transaction ends.

    Raises:
        NotFound: The journal was never bound to a network.
        KeyMismatch: ``old`` is not the journal's key; nothing is changed.
    """
    bound = belonging(conn)
    if bound is None:
        raise NotFound("the journal was not started yet", hint="Start the service once; it binds the journal.")
    verify_check(old, bound.kek_check)
    conn.exec_driver_sql("LOCK TABLE chunks, endpoints IN SHARE ROW EXCLUSIVE MODE")
    envelope = Envelope(old, bound.wrapped_index_key).rewrapped(new)
    conn.execute(update(network).values(kek_check=new.check_value, wrapped_index_key=envelope.wrapped_index_key))
    _rewrap_endpoints(conn, Envelope(old, bound.wrapped_index_key), envelope)
    after, total = (b"", -1), 0
    while page := _page(conn, after):
        _store(conn, [(ledger, number, rewrap(old, new, ledger, number, wrapped)) for ledger, number, wrapped in page])
        after, total = (page[-1][0], page[-1][1]), total + len(page)
    return total


def _rewrap_endpoints(conn: Connection, old: Envelope, new: Envelope) -> None:
    keys = (endpoints.c.wrapped_key, endpoints.c.old_wrapped_key)
    for endpoint_id, *wrapped in conn.execute(select(endpoints.c.endpoint_id, *keys)).all():
        plain = [None if key is None else old.unwrap_webhook_key(endpoint_id, key) for key in wrapped]
        anew = [None if key is None else new.wrap_webhook_key(endpoint_id, key) for key in plain]
        change = update(endpoints).where(endpoints.c.endpoint_id == endpoint_id)
        conn.execute(change.values(dict(zip(keys, anew, strict=True))))


def _page(conn: Connection, after: tuple[bytes, int]) -> list[tuple[bytes, int, bytes]]:
    place = tuple_(chunks.c.ledger_id, chunks.c.chunk_id)
    beyond = place > tuple_(*after, types=[LargeBinary, BigInteger])
    query = select(chunks.c.ledger_id, chunks.c.chunk_id, chunks.c.wrapped_key)
    query = query.where(chunks.c.wrapped_key.is_not(None), beyond).order_by(*place).limit(PAGE)
    return [(row[0], row[1], row[2]) for row in conn.execute(query)]


def _store(conn: Connection, rewrapped: list[tuple[bytes, int, bytes]]) -> None:
    change = (
        update(chunks)
        .where(chunks.c.ledger_id == bindparam("of_ledger"), chunks.c.chunk_id == bindparam("of_chunk"))
        .values(wrapped_key=bindparam("wrapped"))
    )
    names = ("of_ledger", "of_chunk", "wrapped")
    conn.execute(change, [dict(zip(names, row, strict=True)) for row in rewrapped])
