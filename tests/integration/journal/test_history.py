"""History stays: the database itself refuses to change or delete it."""

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from support.journal import NOW, a_ledger, a_transaction, accept, digest, seal, submit

from chainsvc.journal import checkpoints, marks, payloads
from chainsvc.journal.checkpoints import StoredCheckpoint

pytestmark = pytest.mark.database


@pytest.fixture
def written(engine: Engine) -> Engine:
    """A journal with a row in every table of history."""
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        ids = accept(conn, ledger, range(3))
        submit(conn, seal(conn, ledger))
        marks.request(
            conn,
            ledger.ledger_id,
            ids[0],
            1,
            cause_ledger_id=ledger.ledger_id,
            cause_entry_id=ids[1],
            requested_at=NOW,
        )
        payloads.erase(conn, ledger.ledger_id, ids[0], erased_at=NOW, erased_by="key", reason="asked")
        checkpoints.save(conn, StoredCheckpoint(5, digest("block", 5), "note", NOW))
    return engine


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET credit = credit + 1",
        "DELETE FROM entries",
        "TRUNCATE entries CASCADE",
        "UPDATE sealed SET seq = seq + 1",
        "DELETE FROM sealed",
        "DELETE FROM chunks",
        "UPDATE chunks SET anchor_by = anchor_by + 1",
        "UPDATE chunks SET receipt_signature = ''",
        "UPDATE batches SET root = root",
        "UPDATE batches SET count = 1, state = 'sealed'",
        "DELETE FROM batches",
        "UPDATE transactions SET raw = ''",
        "DELETE FROM transactions",
        "UPDATE marks SET status = 2",
        "DELETE FROM marks",
        "TRUNCATE marks",
        "UPDATE erasures SET reason = ''",
        "DELETE FROM erasures",
        "DELETE FROM checkpoints",
        "UPDATE ledgers SET name = 'x'",
        "DELETE FROM ledgers",
        "TRUNCATE batches, sealed",
    ],
)
def test_history_is_refused_to_change(written: Engine, statement: str) -> None:
    with pytest.raises(IntegrityError, match="RestrictViolation"), written.begin() as conn:
        conn.exec_driver_sql(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO entries SELECT ledger_id, (chunk_id + 9) << 12, chunk_id + 9, root, NULL, 0, 0 FROM chunks",
        "INSERT INTO seeds SELECT ledger_id, entry_id + 77, decode(repeat('00', 48), 'hex') FROM entries",
        "INSERT INTO payloads SELECT ledger_id, entry_id + 77, '' FROM entries",
        "INSERT INTO refs SELECT ledger_id, commitment, 0, entry_id + 77 FROM entries",
        "INSERT INTO refs SELECT decode(repeat('77', 32), 'hex'), commitment, 0, entry_id FROM entries",
        "INSERT INTO refs SELECT ledger_id, commitment, 7, entry_id + 77 FROM entries LIMIT 1",
        "INSERT INTO sealed SELECT ledger_id, 99, min(entry_id) + 77, 0 FROM entries GROUP BY ledger_id",
    ],
)
def test_row_about_nothing_is_refused(written: Engine, statement: str) -> None:
    with pytest.raises(IntegrityError, match="ForeignKeyViolation"), written.begin() as conn:
        conn.exec_driver_sql(statement)


MORE_CHUNKS = """
    INSERT INTO chunks SELECT ledger_id, chunk_id + i, 4096, root, wrapped_key, accepted_at, anchor_by,
        receipt_alg, receipt_pubkey, receipt_signature FROM chunks CROSS JOIN generate_series(1, %s) AS i
"""
THEIR_ENTRIES = """
    INSERT INTO entries SELECT ledger_id, entry_id, chunk_id, sha256(int8send(entry_id)), NULL, 0, 0
    FROM (SELECT ledger_id, chunk_id, (chunk_id << 12) + i AS entry_id FROM chunks, generate_series(0, 4095) AS i) AS e
    WHERE chunk_id > (SELECT max(chunk_id) FROM entries)
"""
THEIR_SEEDS = "INSERT INTO seeds SELECT ledger_id, entry_id, decode(repeat('00', 48), 'hex') FROM entries"
ONE_MORE = " UNION ALL SELECT ledger_id, max(entry_id) + 1, decode(repeat('00', 48), 'hex') FROM entries GROUP BY 1"


@pytest.mark.parametrize("chunks", [1, 17], ids=["a chunk", "a table that is restored"])
def test_one_row_about_nothing_is_refused_among_many(engine: Engine, chunks: int) -> None:
    with engine.begin() as conn:
        accept(conn, a_ledger(conn), [1])
        conn.exec_driver_sql(MORE_CHUNKS, (chunks,))
        conn.exec_driver_sql(THEIR_ENTRIES)
        conn.exec_driver_sql("DELETE FROM seeds")
    with pytest.raises(IntegrityError, match="seeds needs a row in entries"), engine.begin() as conn:
        conn.exec_driver_sql(THEIR_SEEDS + ONE_MORE)
    with engine.begin() as conn:
        assert conn.exec_driver_sql(THEIR_SEEDS).rowcount == 4096 * chunks + 1


def test_seq_outside_its_batch_is_refused(written: Engine) -> None:
    with written.begin() as conn:
        ledger = a_ledger(conn)
        accept(conn, ledger, [50])
    statement = """
        INSERT INTO sealed SELECT ledger_id, 3, entry_id, 0 FROM entries AS e
        WHERE NOT EXISTS (SELECT FROM sealed AS s WHERE s.entry_id = e.entry_id)
    """
    with pytest.raises(IntegrityError, match="seq outside its batch"), written.begin() as conn:
        conn.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE batches SET state = 'final'", "facts_when_final"),
        ("UPDATE batches SET state = 'lost'", "state"),
        ("UPDATE batches SET state = 'sealed'", "sealed_has_none"),
        ("UPDATE batches SET tx_hash = NULL", "submitted_has_transaction"),
        ("UPDATE transactions SET state = 'final'", "block_when_mined"),
        ("UPDATE marks SET state = 'refused'", "refused_has_reason"),
        ("UPDATE marks SET state = 'submitted'", "submitted_has_transaction"),
        ("UPDATE totals SET credit = 9007199254740992", "credit_range"),
        ("UPDATE seeds SET sealed_seed = ''", "sealed_seed_size"),
    ],
)
def test_impossible_state_is_refused(written: Engine, statement: str, constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), written.begin() as conn:
        conn.exec_driver_sql(statement)


def test_second_live_transaction_of_a_nonce_is_refused(written: Engine) -> None:
    other = a_transaction(0, fee=1)
    statement = "INSERT INTO transactions VALUES (%b, %b, 0, %b, %b, 'signed', 0, NULL)"
    with pytest.raises(IntegrityError, match="uq_transactions_live"), written.begin() as conn:
        conn.exec_driver_sql(statement, (other.hash, other.sender, other.contract, other.raw))
