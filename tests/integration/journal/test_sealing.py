"""Sealing: dense seqs, nothing lost, nothing twice."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError
from support.journal import NOW, a_ledger, accept, chunk_of, entry, seal, submit

from chainsvc.errors import Conflict
from chainsvc.journal import batches, check, entries, sealing
from chainsvc.journal.accepting import accept_chunk
from chainsvc.journal.chunks import Chunk
from chainsvc.journal.ledgers import reserve
from chainsvc.journal.sealing import Tip

pytestmark = pytest.mark.database


def test_sealed_entries_have_dense_seqs_in_leaf_order(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        accept(conn, ledger, range(10), accepted_at=NOW + 5)
        accept(conn, ledger, range(10, 15))
        waiting = sealing.unsealed(conn, ledger.ledger_id, 100)
        assert (len(waiting.members), waiting.oldest_accepted_at) == (15, NOW)
        assert entries.count(conn, ledger.ledger_id) == 15
        first = seal(conn, ledger, 12)
        assert entries.count(conn, ledger.ledger_id) == 15
        second = seal(conn, ledger)
        assert entries.count(conn, ledger.ledger_id) == 15
        assert (first.k, first.first, first.count, first.credit, first.state) == (0, 0, 12, 1200, "sealed")
        assert (second.k, second.first, second.count) == (1, 12, 3)
        assert sealing.unsealed(conn, ledger.ledger_id, 100) == sealing.Unsealed((), None)
        assert sealing.tip(conn, ledger.ledger_id) == Tip(2, 15)
        page = entries.page(conn, ledger.ledger_id, limit=100)
        assert [item.seq for item in page] == list(range(15))
        assert [item.k for item in page] == [0] * 12 + [1] * 3
        assert entries.page(conn, ledger.ledger_id, after_seq=9, limit=2) == page[10:12]
        members = batches.members(conn, ledger.ledger_id, 0)
        assert [member.entry_id for member in members] == [item.entry_id for item in page[:12]]
        assert [member.commitment for member in members] == sorted(member.commitment for member in members)
        assert entries.by_seq(conn, ledger.ledger_id, 14) == page[14]
        assert check.disagreements(conn) == ()


def test_backlog_names_each_ledger_that_waits(engine: Engine) -> None:
    with engine.begin() as conn:
        first, second, empty = (a_ledger(conn, book) for book in ("A", "B", "C"))
        accept(conn, first, range(3), accepted_at=NOW + 9)
        accept(conn, second, range(2), accepted_at=NOW)
        accept(conn, second, range(2, 3), accepted_at=NOW + 1)
        assert sealing.backlog(conn) == (
            sealing.Backlog(second.ledger_id, 3, NOW),
            sealing.Backlog(first.ledger_id, 3, NOW + 9),
        )
        seal(conn, second)
        assert [item.ledger_id for item in sealing.backlog(conn)] == [first.ledger_id]
        assert sealing.unsealed(conn, empty.ledger_id, 10).members == ()


def test_entry_that_commits_late_with_a_lower_number_is_sealed_too(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        early = chunk_of(conn, ledger, [entry(1)])
    with engine.connect() as slow:
        with slow.begin():
            accept_chunk(slow, early, [entry(1)])
            reserve(slow, ledger.ledger_id, 100, 0)
            slow.exec_driver_sql("SELECT 1")
            with engine.begin() as conn:
                accept_later(conn, ledger_chunk := chunk_of(conn, ledger, [entry(2)]))
                batch = seal(conn, ledger)
                assert batch.count == 1
                assert ledger_chunk.chunk_id > early.chunk_id
        with engine.begin() as conn:
            waiting = sealing.unsealed(conn, ledger.ledger_id, 10)
            assert [member.commitment for member in waiting.members] == [entry(1).commitment]
            assert (seal(conn, ledger).first, seal_count(engine, ledger.ledger_id)) == (1, 1)
    with engine.begin() as conn:
        assert sealing.unsealed(conn, ledger.ledger_id, 10).members == ()
        reserve(conn, ledger.ledger_id, 100, 0)
        assert check.disagreements(conn) == ()


def accept_later(conn: Connection, chunk: Chunk) -> None:
    accept_chunk(conn, chunk, [entry(2)])


def seal_count(engine: Engine, ledger_id: bytes) -> int:
    """Return what another connection sees sealed meanwhile."""
    with engine.connect() as conn:
        return len(entries.page(conn, ledger_id))


def test_second_sealer_is_kept_out(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        other = a_ledger(conn, "OTHER")
        accept(conn, ledger, range(3))
    with engine.begin() as first, engine.begin() as second:
        assert sealing.try_lock(first, ledger.ledger_id)
        assert not sealing.try_lock(second, ledger.ledger_id)
        assert sealing.try_lock(second, other.ledger_id)
    with engine.begin() as again:
        assert sealing.try_lock(again, ledger.ledger_id)


def test_batch_on_an_old_tip_is_refused(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        accept(conn, ledger, range(3))
        seal(conn, ledger, 2)
        with pytest.raises(Conflict, match="another worker"):
            sealing.seal(conn, ledger.ledger_id, Tip(0, 0), [], root=bytes(32), credit=0, debit=0, sealed_at=NOW)


def test_two_sealers_without_the_lock_cannot_both_win(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        ids = accept(conn, ledger, range(2))

    def attempt(entry_id: int) -> bool:
        try:
            with engine.begin() as conn:
                sealing.seal(
                    conn, ledger.ledger_id, Tip(0, 0), [entry_id], root=bytes(32), credit=100, debit=0, sealed_at=NOW
                )
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, ids)) == [False, True]


def test_entry_cannot_be_sealed_twice(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        (entry_id,) = accept(conn, ledger, [1])
        seal(conn, ledger)
    with pytest.raises(IntegrityError, match="uq_sealed_ledger_id_entry_id"), engine.begin() as conn:
        sealing.seal(conn, ledger.ledger_id, Tip(1, 1), [entry_id], root=bytes(32), credit=0, debit=0, sealed_at=NOW)


def test_unsealed_batch_waits_again_with_all_its_entries(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        accept(conn, ledger, range(5))
        seal(conn, ledger, 2)
        seal(conn, ledger)
        with pytest.raises(Conflict, match="last batch"):
            sealing.unseal(conn, ledger.ledger_id, 0)
        sealing.unseal(conn, ledger.ledger_id, 1)
        assert len(sealing.unsealed(conn, ledger.ledger_id, 10).members) == 3
        assert sealing.tip(conn, ledger.ledger_id) == Tip(1, 2)
        assert check.disagreements(conn) == ()
        assert seal(conn, ledger).first == 2


def test_batch_that_may_be_on_chain_cannot_be_unsealed(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        accept(conn, ledger, range(2))
        submit(conn, seal(conn, ledger))
        with pytest.raises(Conflict):
            sealing.unseal(conn, ledger.ledger_id, 0)
    for statement in ("DELETE FROM sealed", "DELETE FROM batches"):
        with pytest.raises(IntegrityError, match="may be on chain"), engine.begin() as conn:
            conn.exec_driver_sql(statement)
