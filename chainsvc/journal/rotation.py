"""A new key-encryption key, while the service goes on: every chunk, index and webhook key is wrapped anew.

1. :func:`switch`   in one short transaction the new key counts: whatever is stored from then on is wrapped with it,
                    since storing fails where another one was used (:class:`~chainsvc.errors.KekTurned`)
2. :func:`rewrap_chunks`   page by page, what was stored before; readers open either meanwhile

A crash leaves both side by side; repeating goes on. Seeds and records stay as they are.
"""

from collections.abc import Callable

from sqlalchemy import BigInteger, Connection, Engine, LargeBinary, bindparam, select, tuple_, update

from chainsvc.crypto.envelope import Envelope, KeyEncryptionKey, rewrap, verify_check
from chainsvc.errors import KeyMismatch, NotFound
from chainsvc.journal.network import belonging
from chainsvc.journal.tables import chunks, network
from chainsvc.journal.webhook_tables import endpoints

PAGE = 1000
"""Chunk keys wrapped anew per transaction."""


def switch(conn: Connection, old: KeyEncryptionKey, new: KeyEncryptionKey) -> bool:
    """Let the new key count from the commit on; False when it does already.

    The tables are locked until then: who stored something wrapped with the old key has committed, and who stores
    later sees the new one.

    Raises:
        NotFound: The journal was never bound to a network.
        KeyMismatch: ``old`` is not the journal's key; nothing is changed.
    """
    conn.exec_driver_sql("LOCK TABLE chunks, endpoints IN SHARE ROW EXCLUSIVE MODE")
    bound = belonging(conn)
    if bound is None:
        raise NotFound("the journal was not started yet", hint="Start the service once; it binds the journal.")
    if bound.kek_check == new.check_value:
        return False
    verify_check(old, bound.kek_check)
    before = Envelope(old, bound.wrapped_index_key)
    envelope = before.rewrapped(new)
    conn.execute(update(network).values(kek_check=new.check_value, wrapped_index_key=envelope.wrapped_index_key))
    _rewrap_endpoints(conn, before, envelope)
    return True


def rewrap_chunks(
    engine: Engine, old: KeyEncryptionKey, new: KeyEncryptionKey, told: Callable[[int], None] = lambda _: None
) -> int:
    """Wrap anew what the old key wrapped, and return how many chunk keys that were; ``told`` hears of each page.

    Raises:
        KeyMismatch: A key that neither opens.
    """
    after, total = (b"", -1), 0
    while True:
        with engine.begin() as conn:
            page = _page(conn, after)
            changed = [(*place, wrapped, made) for *place, wrapped in page if (made := _anew(old, new, place, wrapped))]
            _store(conn, changed)
        if not page:
            return total
        after, total = (page[-1][0], page[-1][1]), total + len(changed)
        told(len(page))


def _anew(old: KeyEncryptionKey, new: KeyEncryptionKey, place: list[object], wrapped: bytes) -> bytes | None:
    """Return the key wrapped anew, or None where the new one has wrapped it."""
    ledger_id, chunk_id = place
    assert isinstance(ledger_id, bytes)
    assert isinstance(chunk_id, int)
    try:
        return rewrap(old, new, ledger_id, chunk_id, wrapped)
    except KeyMismatch:
        rewrap(new, new, ledger_id, chunk_id, wrapped)  # raises where that is not it either
        return None


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


def _store(conn: Connection, rewrapped: list[tuple[object, ...]]) -> None:
    if not rewrapped:
        return
    change = (
        update(chunks)
        .where(chunks.c.ledger_id == bindparam("of_ledger"), chunks.c.chunk_id == bindparam("of_chunk"))
        .where(chunks.c.wrapped_key == bindparam("before"))
        .values(wrapped_key=bindparam("wrapped"))
    )
    names = ("of_ledger", "of_chunk", "before", "wrapped")
    conn.execute(change, [dict(zip(names, row, strict=True)) for row in rewrapped])
