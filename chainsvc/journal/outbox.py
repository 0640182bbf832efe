"""The outbox: what business systems and regulators are told of, written by the transaction that makes it so.

Every function asks first whether anybody listens, which reads one small table; where nobody does, that is all it does.
Else one statement writes the event and finds who is told. Data hold ids, positions and
words of states; never a record, a reference, an amount or a reason that people wrote.

An endpoint's row is locked against removal meanwhile, and one that is being removed is passed over: telling never
fails what it tells of.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from sqlalchemy import Connection, text

from chainsvc.cursors import encode
from chainsvc.heads import Status

RECORDS_AN_EVENT: Final = 128
"""Most record ids of one ``records.final``: about 9 KB, below the 20 kB that the specification advises."""

_ASKED = text("""
    SELECT DISTINCT unnest(p.events) FROM endpoints AS p JOIN ledgers AS l ON l.ledger_id = :ledger_id
    WHERE p.disabled_at IS NULL AND (p.all_ledgers OR p.uscc = l.uscc) AND (p.ledger IS NULL OR p.ledger = l.name)
""")
_ANY_ASKS = text("SELECT EXISTS (SELECT FROM endpoints WHERE disabled_at IS NULL AND :type = ANY(events))")

# What happened, as rows of (data); :data holds what the caller knows.
_GIVEN = "SELECT CAST(:data AS jsonb) AS data"
_ENTRY = """
    SELECT jsonb_build_object('record', encode(e.commitment, 'hex'), 'seq', s.seq) || CAST(:data AS jsonb) AS data
    FROM entries AS e LEFT JOIN sealed AS s ON s.ledger_id = e.ledger_id AND s.entry_id = e.entry_id
    WHERE e.ledger_id = :ledger_id AND e.entry_id = :entry_id
"""
_BATCH = """
    SELECT CAST(:data AS jsonb)
        || jsonb_build_object('entries', '/v1/ledgers/' || name || '/entries?' || CAST(:query AS text)) AS data
    FROM ledgers WHERE ledger_id = :ledger_id
"""
_RECORDS = """
    SELECT CAST(:data AS jsonb) || jsonb_build_object(
        'first', min(s.seq), 'count', count(*), 'records', jsonb_agg(encode(e.commitment, 'hex') ORDER BY s.seq)
    ) AS data
    FROM sealed AS s JOIN entries AS e ON e.ledger_id = s.ledger_id AND e.entry_id = s.entry_id
    WHERE s.ledger_id = :ledger_id AND s.seq >= :first AND s.seq < :following AND EXISTS (SELECT FROM told)
    GROUP BY (s.seq - :first) / :part ORDER BY min(s.seq)
"""

# The ledger may be named by the caller or by the row itself, so that one statement serves both.
_TELL = """
WITH told AS (
    SELECT p.endpoint_id, l.ledger_id, l.name FROM endpoints AS p JOIN ledgers AS l ON {ledgers}
    WHERE p.disabled_at IS NULL AND :type = ANY(p.events)
        AND (p.all_ledgers OR p.uscc = l.uscc) AND (p.ledger IS NULL OR p.ledger = l.name)
    FOR KEY SHARE OF p SKIP LOCKED
), happened AS ({happened}
), event AS (
    INSERT INTO events (ledger_id, event_id, type, data, happened_at, chunk_id)
    SELECT l.ledger_id, gen_random_uuid(), :type,
           jsonb_build_object('ledger', l.name, 'ledger_id', encode(l.ledger_id, 'hex')) || h.data,
           extract(epoch FROM now())::bigint, {chunk}
    FROM (SELECT DISTINCT ledger_id, name FROM told) AS l JOIN happened AS h ON {of_ledger}
    ON CONFLICT (ledger_id, chunk_id) DO NOTHING
    RETURNING ledger_id, event_id, number, happened_at
)
INSERT INTO deliveries (ledger_id, event_id, endpoint_id, number, state, attempts, due_at)
SELECT e.ledger_id, e.event_id, t.endpoint_id, e.number, 'pending', 0, e.happened_at
FROM event AS e JOIN told AS t ON t.ledger_id = e.ledger_id
"""


def _statement(happened: str) -> Any:
    parts = {"ledgers": "l.ledger_id = :ledger_id", "chunk": "NULL::bigint", "of_ledger": "true"}
    return text(_TELL.format(happened=happened, **parts))


_TELL_GIVEN, _TELL_ENTRY = _statement(_GIVEN), _statement(_ENTRY)
_TELL_BATCH, _TELL_RECORDS = _statement(_BATCH), _statement(_RECORDS)

# A chunk's entries are one range of the primary key; those without a seq are in open chunks, the others in batches.
_OVERDUE = text(
    _TELL.format(
        ledgers="EXISTS (SELECT FROM chunks AS c WHERE c.ledger_id = l.ledger_id)",
        happened="""
    SELECT c.ledger_id, c.chunk_id, jsonb_build_object('anchor_by', c.anchor_by, 'records', count(*)) AS data
    FROM (
        SELECT o.ledger_id, e.entry_id FROM open_chunks AS o
        JOIN chunks AS x ON x.ledger_id = o.ledger_id AND x.chunk_id = o.chunk_id
        JOIN entries AS e ON e.ledger_id = o.ledger_id
            AND e.entry_id BETWEEN o.chunk_id << 12 AND (o.chunk_id << 12) + 4095
        WHERE x.anchor_by < extract(epoch FROM now())
            AND NOT EXISTS (SELECT FROM sealed AS s WHERE s.ledger_id = e.ledger_id AND s.entry_id = e.entry_id)
        UNION ALL
        SELECT b.ledger_id, s.entry_id FROM batches AS b
        JOIN sealed AS s ON s.ledger_id = b.ledger_id AND s.seq >= b.first AND s.seq < b.first + b.count
        WHERE b.state <> 'final'
    ) AS w JOIN chunks AS c ON c.ledger_id = w.ledger_id AND c.chunk_id = w.entry_id >> 12
    WHERE c.anchor_by < extract(epoch FROM now()) AND w.ledger_id IN (SELECT ledger_id FROM told)
    GROUP BY c.ledger_id, c.chunk_id, c.anchor_by""",
        chunk="h.chunk_id",
        of_ledger="h.ledger_id = l.ledger_id",
    )
)


def batch_final(conn: Connection, ledger_id: bytes, batch: Mapping[str, Any]) -> None:
    """Tell that a batch is final, and to those who ask for it which records are in it."""
    asked, first, count = _asked(conn, ledger_id), batch["first"], batch["count"]
    if "batch.final" in asked:
        after = f"after={encode('entries', first - 1)}&" if first else ""
        _write(conn, _TELL_BATCH, "batch.final", ledger_id, batch, query=f"{after}limit={count}")
    if "records.final" in asked:
        about = {name: batch[name] for name in ("batch", "head", "block")}
        span = {"first": first, "following": first + count, "part": RECORDS_AN_EVENT}
        _write(conn, _TELL_RECORDS, "records.final", ledger_id, about, **span)


def batch_reopened(conn: Connection, ledger_id: bytes, batch: Mapping[str, Any]) -> None:
    """Tell that a final batch is not final any more: its block left the chain."""
    _tell(conn, _TELL_GIVEN, "batch.reopened", ledger_id, batch)


def standing_final(conn: Connection, ledger_id: bytes, entry_id: int, status: int, change: Mapping[str, Any]) -> None:
    """Tell that an entry's standing has changed on chain."""
    _tell_entry(conn, "standing.final", ledger_id, entry_id, {"status": Status(status).label, **change})


def standing_refused(conn: Connection, ledger_id: bytes, entry_id: int, status: int, reason: str) -> None:
    """Tell that a change of standing would be refused by the contract, and why."""
    _tell_entry(conn, "standing.refused", ledger_id, entry_id, {"status": Status(status).label, "reason": reason})


def standing_reopened(conn: Connection, ledger_id: bytes, entry_id: int, status: int) -> None:
    """Tell that a final change of standing is not final any more: its block left the chain."""
    _tell_entry(conn, "standing.reopened", ledger_id, entry_id, {"status": Status(status).label})


def ledger_opened(conn: Connection, ledger_id: bytes, block: int) -> None:
    """Tell that the journal takes entries of a ledger from now on."""
    _tell(conn, _TELL_GIVEN, "ledger.opened", ledger_id, {"block": block})


def ledger_closed(conn: Connection, ledger_id: bytes) -> None:
    """Tell that a ledger takes no more entries."""
    _tell(conn, _TELL_GIVEN, "ledger.closed", ledger_id, {})


def record_erased(conn: Connection, ledger_id: bytes, entry_id: int, erased_at: int) -> None:
    """Tell that a record's content was erased; why is not told, since people wrote it."""
    _tell_entry(conn, "record.erased", ledger_id, entry_id, {"erased_at": erased_at})


def receipts_overdue(conn: Connection) -> None:
    """Tell of chunks with an entry that is not final by its receipt's deadline, of each once; call it now and then."""
    if conn.execute(_ANY_ASKS, {"type": "receipt.overdue"}).scalar_one():
        conn.execute(_OVERDUE, {"type": "receipt.overdue"})


def _asked(conn: Connection, ledger_id: bytes) -> frozenset[str]:
    """Return the event types that somebody asks for about a ledger."""
    return frozenset(conn.execute(_ASKED, {"ledger_id": ledger_id}).scalars())


def _tell_entry(conn: Connection, event_type: str, ledger_id: bytes, entry_id: int, data: Mapping[str, Any]) -> None:
    _tell(conn, _TELL_ENTRY, event_type, ledger_id, data, entry_id=entry_id)


def _tell(
    conn: Connection, statement: Any, event_type: str, ledger_id: bytes, data: Mapping[str, Any], **more: Any
) -> None:
    if event_type in _asked(conn, ledger_id):
        _write(conn, statement, event_type, ledger_id, data, **more)


def _write(
    conn: Connection, statement: Any, event_type: str, ledger_id: bytes, data: Mapping[str, Any], **more: Any
) -> None:
    conn.execute(statement, {"type": event_type, "ledger_id": ledger_id, "data": orjson.dumps(data).decode(), **more})
