"""What evidence and exports read of a long ledger: the rows of one batch, and no more."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, Engine, text
from support.journal import a_ledger, accept, seal

from chainsvc.journal import batches, chunks, entries, marks

pytestmark = pytest.mark.database

ENTRIES, BATCH = 2_000, 40
_READ = text(
    "SELECT coalesce(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), 0) FROM pg_stat_xact_user_tables"
    " WHERE relname IN ('entries', 'sealed', 'batches', 'chunks', 'marks')"
)


def _rows_read(conn: Connection, read: Callable[[], object]) -> int:
    before = conn.execute(_READ).scalar_one()
    read()
    return int(conn.execute(_READ).scalar_one() - before)


@pytest.mark.parametrize("analyzed", ["analyzed", "young"])
def test_a_batch_costs_its_own_rows_however_long_the_ledger_is(engine: Engine, analyzed: str) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        for first in range(0, ENTRIES, 100):
            accept(conn, ledger, range(first, first + 100))
        for _ in range(ENTRIES // BATCH):
            seal(conn, ledger, BATCH)
    if analyzed == "analyzed":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.exec_driver_sql("ANALYZE")
    with engine.connect() as conn:
        last = ENTRIES // BATCH - 1
        page = entries.page(conn, ledger.ledger_id, after_seq=ENTRIES - BATCH - 1, limit=BATCH)
        ids = [entry.entry_id for entry in page]
        wanted = sorted({entry.chunk_id for entry in page})
        reads: dict[str, Callable[[], object]] = {
            "members": lambda: batches.members(conn, ledger.ledger_id, last),
            "page": lambda: entries.page(conn, ledger.ledger_id, after_seq=ENTRIES - BATCH - 1, limit=BATCH),
            "marks": lambda: marks.histories(conn, ledger.ledger_id, ids),
            "chunks": lambda: chunks.get_many(conn, ledger.ledger_id, wanted),
        }
        read = {name: _rows_read(conn, one) for name, one in reads.items()}
    assert len(ids) == BATCH
    assert 0 < max(read.values()) <= 4 * max(BATCH, 100 * len(wanted)), read


def test_chunks_come_with_their_commitments_in_order(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        accept(conn, ledger, range(5))
        accept(conn, ledger, range(5, 8))
        seal(conn, ledger)
        ids = sorted({entry.chunk_id for entry in entries.page(conn, ledger.ledger_id)})
        found = chunks.get_many(conn, ledger.ledger_id, ids)
        for chunk_id in ids:
            chunk, commitments = found[chunk_id]
            assert chunk == chunks.get(conn, ledger.ledger_id, chunk_id)
            assert tuple(commitments) == chunks.commitments_of(conn, ledger.ledger_id, chunk_id)
