"""The journal's self-check finds each contradiction that it names."""

import pytest
from sqlalchemy import Connection, Engine
from support.journal import NOW, ZERO, a_ledger, a_transaction, accept, anchor_of, seal, submit

from chainsvc.journal import batches, check, payloads, transactions

pytestmark = pytest.mark.database

DAMAGE = {
    "seqs of a ledger are 0, 1, 2, … without a gap": "DELETE FROM sealed WHERE seq = 1",
    "batches of a ledger are 0, 1, 2, … and each begins where the last ended": "UPDATE batches SET first = first + 1",
    "a batch has exactly its entries, and their sums": "UPDATE batches SET credit = credit + 1",
    "entries of a batch are ascending by commitment": (
        "UPDATE entries SET commitment = decode(repeat('ff', 32), 'hex')"
        " WHERE entry_id = (SELECT entry_id FROM sealed WHERE seq = 0)"
    ),
    "an entry without a seq lies in an open chunk, and an open chunk has one": "DELETE FROM open_chunks",
    "a chunk has exactly its entries": "UPDATE chunks SET n = n + 1",
    "a ledger's running sums are those of its entries": "UPDATE totals SET debit = 1",
    "every row about an entry has its entry": "UPDATE refs SET entry_id = entry_id + 1000000",
    "a record and its seed are kept together, under a chunk key": "DELETE FROM payloads",
    "nothing is left of an erased record": ("INSERT INTO payloads SELECT ledger_id, entry_id, '' FROM erasures"),
    "final batches of a ledger come before the others, in the order of the chain, each on the head before": (
        "UPDATE batches SET prev = root WHERE state = 'final'"
    ),
    "a ledger that is held has lost entries": "UPDATE totals SET behind = true",
    "one transaction of a nonce is final or reverted": (
        "DROP INDEX uq_transactions_live; UPDATE transactions SET state = 'reverted', block = 1"
    ),
    "what a submitted batch or mark is carried by may still be included": (
        "UPDATE transactions SET state = 'replaced' WHERE nonce = 1"
    ),
    "a reverted transaction carries nothing final": (
        "UPDATE transactions SET state = 'reverted', block = 1 WHERE nonce = 0 AND state <> 'replaced'"
    ),
    "final marks of an entry form one chain of status words": """
        INSERT INTO marks (ledger_id, entry_id, status, cause_ledger_id, cause_seq, state, requested_at,
                           prev, word, actor, block, block_hash, time, log_index)
        SELECT ledger_id, entry_id, 1, ledger_id, 0, 'final', 0, commitment, commitment,
               decode(repeat('00', 20), 'hex'), 1, commitment, 1, 1 FROM entries LIMIT 1
    """,
}


def write(conn: Connection) -> None:
    """Fill a journal: a final batch, a submitted one, entries that wait, one record erased."""
    ledger = a_ledger(conn)
    ids = accept(conn, ledger, range(6))
    first = seal(conn, ledger, 3)
    old = submit(conn, first)
    transactions.replace(conn, old.hash, a_transaction(0, fee=1))
    batches.mark_final(conn, ledger.ledger_id, 0, anchor_of(first, ZERO))
    transactions.mark_final(conn, a_transaction(0, fee=1).hash, 10)
    submit(conn, seal(conn, ledger), nonce=1)
    payloads.erase(conn, ledger.ledger_id, ids[0], erased_at=NOW, erased_by="key", reason="asked")
    accept(conn, ledger, range(6, 9))


def test_sound_journal_has_no_disagreements(engine: Engine) -> None:
    with engine.begin() as conn:
        write(conn)
        assert check.disagreements(conn) == ()


def test_every_rule_has_its_damage() -> None:
    assert set(DAMAGE) == set(check.RULES)


@pytest.mark.parametrize("rule", DAMAGE)
def test_damage_is_found_by_its_rule(engine: Engine, rule: str) -> None:
    with engine.begin() as conn:
        write(conn)
    with engine.begin() as conn:
        conn.exec_driver_sql("SET session_replication_role = replica")  # triggers sleep: damage from outside
        conn.exec_driver_sql(DAMAGE[rule])
        findings = check.disagreements(conn)
        assert rule in {finding.rule for finding in findings}
        assert all(finding.detail for finding in findings)
        conn.rollback()
