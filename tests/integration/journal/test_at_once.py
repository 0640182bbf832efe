"""A small chunk in one statement: the same rows as by COPY, all of them or none."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import IntegrityError
from support.journal import a_ledger, accept, chunk_of, entry

from chainsvc.errors import EntryTaken
from chainsvc.journal import at_once, chunks, copying, ledgers
from chainsvc.journal.accepting import leave_open
from chainsvc.journal.at_once import Rows
from chainsvc.journal.chunks import Chunk
from chainsvc.journal.columns import MAX_SUM
from chainsvc.journal.ledgers import Ledger, Sums
from chainsvc.journal.tables import entries, open_chunks, payloads, refs, seeds, totals

pytestmark = pytest.mark.database
_TABLES = (entries, refs, seeds, payloads, open_chunks)


@pytest.fixture
def committing(engine: Engine) -> Engine:
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def prepared(conn: Connection, ledger: Ledger, numbers: Sequence[int]) -> tuple[Chunk, Rows]:
    """Return a chunk of these entries, and its rows."""
    given = [entry(number) for number in numbers]
    chunk = chunk_of(conn, ledger, given)
    rows = Rows(ledger.ledger_id, chunk.chunk_id)
    for index, row in enumerate(given):
        assert row.reference_index is not None
        assert row.sealed_seed is not None
        assert row.sealed_record is not None
        rows.entry(index, row.commitment, row.credit, row.debit)
        rows.record(index, row.reference_index, row.sealed_seed, row.sealed_record)
    return chunk, rows


def held(conn: Connection, ledger: Ledger) -> list[list[tuple[Any, ...]]]:
    """Return what the tables hold of a ledger, without the ledger's and the chunk's own number."""
    found = []
    for table in _TABLES:
        rows = conn.execute(select(table).where(table.c.ledger_id == ledger.ledger_id)).all()
        own = {"ledger_id", "chunk_id"}
        kept = [{k: v for k, v in row._mapping.items() if k not in own} for row in rows]
        found.append(sorted(tuple(v & 4095 if k == "entry_id" else v for k, v in row.items()) for row in kept))
    return found


def test_the_rows_are_those_of_copy(engine: Engine, committing: Engine) -> None:
    with engine.begin() as conn:
        one, other = a_ledger(conn, "ONE"), a_ledger(conn, "OTHER")
        first, second = prepared(conn, one, [1, 2, 3]), prepared(conn, other, [1, 2, 3])
    with committing.connect() as conn:
        assert at_once.add(conn, *first, 300)
    with engine.begin() as conn:
        ledgers.reserve(conn, other.ledger_id, 300, 0)
        chunks.add(conn, second[0])
        copying.copy(conn, second[1].packed())
        leave_open(conn, second[0])
    with engine.connect() as conn:
        assert held(conn, one) == held(conn, other)
        assert chunks.get(conn, one.ledger_id, first[0].chunk_id) == first[0]
        assert ledgers.sums_of(conn, one.ledger_id) == ledgers.sums_of(conn, other.ledger_id) == Sums(300, 0, None)


@pytest.mark.parametrize("repeated", [0, 1])
def test_a_chunk_with_a_known_entry_leaves_nothing(engine: Engine, committing: Engine, repeated: int) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        accept(conn, ledger, [7])
        before = held(conn, ledger)
        chunk, rows = prepared(conn, ledger, [7, 8][repeated:] + [7, 9][: 1 - repeated] + [7] * repeated)
    with committing.connect() as conn, pytest.raises(EntryTaken):
        at_once.add(conn, chunk, rows, 100 * chunk.n)
    with engine.connect() as conn:
        assert held(conn, ledger) == before
        assert ledgers.sums_of(conn, ledger.ledger_id).credit == 100


def test_a_closed_ledger_a_held_one_and_an_unknown_one_take_nothing(engine: Engine, committing: Engine) -> None:
    with engine.begin() as conn:
        closed, behind = a_ledger(conn, "CLOSED"), a_ledger(conn, "BEHIND")
        ledgers.set_closed(conn, closed.ledger_id)
        conn.execute(update(totals).where(totals.c.ledger_id == behind.ledger_id).values(behind=True))
        given = [prepared(conn, ledger, [1]) for ledger in (closed, behind)]
        before = [held(conn, ledger) for ledger in (closed, behind)]
    with committing.connect() as conn:
        assert [at_once.add(conn, *one, 100) for one in given] == [False, False]
        stranger = Rows(bytes(32), given[0][0].chunk_id)
        assert not at_once.add(conn, given[0][0], stranger, 0)
    with engine.connect() as conn:
        assert [held(conn, ledger) for ledger in (closed, behind)] == before
        assert ledgers.sums_of(conn, closed.ledger_id).credit == 0


def test_a_sum_goes_up_to_its_limit_and_not_beyond(engine: Engine, committing: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        ledgers.reserve(conn, ledger.ledger_id, MAX_SUM - 100, 0)
        fits, beyond = prepared(conn, ledger, [1]), prepared(conn, ledger, [2])
    with committing.connect() as conn:
        assert at_once.add(conn, *fits, 100)
        assert not at_once.add(conn, *beyond, 1)
    with engine.connect() as conn:
        assert ledgers.sums_of(conn, ledger.ledger_id).credit == MAX_SUM


def test_rows_and_chunk_go_together(engine: Engine, committing: Engine) -> None:
    """An entry that the database refuses takes the chunk with it."""
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        chunk, _ = prepared(conn, ledger, [1])
        rows = Rows(ledger.ledger_id, chunk.chunk_id)
        rows.entry(0, b"short", 0, 0)
        rows.record(0, bytes(32), bytes(48), b"record")
    with committing.connect() as conn, pytest.raises(IntegrityError):
        at_once.add(conn, chunk, rows, 0)
    with engine.connect() as conn:
        assert not any(held(conn, ledger))


def test_side_by_side_no_sum_is_lost(engine: Engine, committing: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        given = [prepared(conn, ledger, [2 * n, 2 * n + 1]) for n in range(40)]
    start = threading.Barrier(4)

    def some(mine: Sequence[tuple[Chunk, Rows]]) -> None:
        start.wait()
        for one in mine:
            with committing.connect() as conn:
                assert at_once.add(conn, *one, 200)

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(some, given[n::4]) for n in range(4)]:
            done.result()
    with engine.connect() as conn:
        assert ledgers.sums_of(conn, ledger.ledger_id).credit == 40 * 200
        assert len(held(conn, ledger)[0]) == 80


@pytest.mark.parametrize("known", [0, 1, 6, 20])
def test_checks_read_a_row_for_a_row_however_few_there_were_when_they_were_planned(
    engine: Engine, committing: Engine, known: int
) -> None:
    """A session plans its checks once: as for a journal that is empty, or known as nearly so."""
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        first = prepared(conn, ledger, range(known)) if known else None
        given = [prepared(conn, ledger, range(start, start + 50)) for start in range(1_000, 3_000, 50)]
    with committing.connect() as conn:
        if first is not None:
            assert at_once.add(conn, *first, 100 * known)
        conn.exec_driver_sql("ANALYZE")
    with committing.connect() as conn:
        for chunk, rows in given[:30]:
            assert at_once.add(conn, chunk, rows, 5_000)
        before = _rows_read(conn)
        for chunk, rows in given[30:]:
            assert at_once.add(conn, chunk, rows, 5_000)
        assert _rows_read(conn) - before <= 3 * 500 + 100  # refs, seeds and payloads ask once a row


def _rows_read(conn: Connection) -> int:
    """Return how many rows of entries were read so far, by going through the table or through an index of it."""
    conn.exec_driver_sql("SELECT pg_stat_force_next_flush()")
    conn.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
    whole = "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'entries'"
    by_index = "SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = 'entries'"
    return sum(int(conn.exec_driver_sql(query).scalar_one()) for query in (whole, by_index))
