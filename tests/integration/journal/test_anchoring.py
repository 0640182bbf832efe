"""Batches, transactions and marks on their way to the chain, and back when the chain says so."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError
from support.journal import (
    CONTRACT,
    NOW,
    SENDER,
    ZERO,
    a_ledger,
    a_transaction,
    accept,
    anchor_of,
    digest,
    seal,
    submit,
)

from chainsvc.errors import Conflict, NotFound
from chainsvc.heads import status_word
from chainsvc.journal import batches, check, marks, transactions
from chainsvc.journal.batches import BatchKey, StoredBatch
from chainsvc.journal.ledgers import Ledger
from chainsvc.journal.marks import Mark, Word

pytestmark = pytest.mark.database


def sealed_ledger(conn: Connection, count: int = 4) -> tuple[Ledger, StoredBatch]:
    ledger = a_ledger(conn)
    accept(conn, ledger, range(count))
    return ledger, seal(conn, ledger)


def test_batch_goes_from_sealed_over_submitted_to_final(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger, batch = sealed_ledger(conn)
        assert batches.pending(conn) == batches.pending(conn, contract=CONTRACT, states=("sealed",)) == (batch,)
        assert batches.pending(conn, contract=bytes(20)) == ()
        transaction = submit(conn, batch)
        submitted = batches.get(conn, ledger.ledger_id, 0)
        assert (submitted.state, submitted.tx_hash, submitted.anchor) == ("submitted", transaction.hash, None)
        assert batches.of_transaction(conn, transaction.hash) == batches.pending(conn) == (submitted,)
        transactions.mark_sent(conn, transaction.hash)
        anchor = anchor_of(batch)
        for _ in range(2):
            batches.mark_final(conn, ledger.ledger_id, 0, anchor)
            transactions.mark_final(conn, transaction.hash, 10)
        final = batches.latest_final(conn, ledger.ledger_id)
        assert final == replace(submitted, state="final", anchor=anchor)
        assert batches.page(conn, ledger.ledger_id) == (final,)
        assert batches.page(conn, ledger.ledger_id, after_k=0) == batches.pending(conn) == ()
        assert transactions.pending(conn) == ()
        assert check.disagreements(conn) == ()


def test_contract_is_to_be_called_while_a_batch_or_a_change_waits_for_it(engine: Engine) -> None:
    with engine.begin() as conn:
        assert batches.contracts_to_call(conn) == frozenset()
        ledger = a_ledger(conn)
        target, cause = accept(conn, ledger, [1, 2])
        assert batches.contracts_to_call(conn) == frozenset()
        batch = seal(conn, ledger)
        assert batches.contracts_to_call(conn) == {CONTRACT}
        submit(conn, batch)
        assert batches.contracts_to_call(conn) == frozenset()
        mark = ask(conn, ledger, target, cause)
        assert batches.contracts_to_call(conn) == {CONTRACT}
        marks.mark_refused(conn, *mark.key, reason="StandingRefused")
        assert batches.contracts_to_call(conn) == frozenset()


def test_final_batch_keeps_its_facts(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger, batch = sealed_ledger(conn)
        batches.mark_final(conn, ledger.ledger_id, 0, anchor_of(batch))
        with pytest.raises(Conflict, match="other facts"):
            batches.mark_final(conn, ledger.ledger_id, 0, anchor_of(batch, block=11))
        with pytest.raises(NotFound):
            batches.mark_final(conn, ledger.ledger_id, 1, anchor_of(batch))


def test_submitting_twice_is_refused(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger, batch = sealed_ledger(conn)
        transaction = submit(conn, batch)
        with pytest.raises(Conflict, match="not waiting"):
            batches.mark_submitted(conn, [BatchKey(ledger.ledger_id, 0)], transaction.hash)
        with pytest.raises(Conflict, match="nonce is in use"):
            transactions.save(conn, a_transaction(0, fee=1))


def test_submitted_batch_needs_a_saved_transaction(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger, _ = sealed_ledger(conn)
    with pytest.raises(IntegrityError, match="fk_batches_transactions"), engine.begin() as conn:
        batches.mark_submitted(conn, [BatchKey(ledger.ledger_id, 0)], bytes(32))


def test_reverted_transaction_gives_its_batches_back(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger, batch = sealed_ledger(conn)
        transaction = submit(conn, batch)
        transactions.mark_reverted(conn, transaction.hash, 12)
        rules = {finding.rule for finding in check.disagreements(conn)}
        assert rules == {"what a submitted batch or mark is carried by may still be included"}
        assert batches.back_to_sealed(conn, transaction.hash) == (BatchKey(ledger.ledger_id, 0),)
        assert batches.get(conn, ledger.ledger_id, 0) == batch
        assert transactions.next_nonce(conn, SENDER, 0) == 1
        submit(conn, batch, nonce=1)
        assert check.disagreements(conn) == ()


def test_replacement_takes_over_and_the_old_one_may_still_win(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger, batch = sealed_ledger(conn)
        old, new = submit(conn, batch), a_transaction(0, fee=1)
        transactions.replace(conn, old.hash, new)
        assert transactions.pending(conn, SENDER) == (new,)
        assert [item.hash for item in transactions.at_nonce(conn, SENDER, 0)] == [old.hash, new.hash]
        assert batches.get(conn, ledger.ledger_id, 0).tx_hash == new.hash
        transactions.mark_final(conn, old.hash, 15)
        assert transactions.get(conn, new.hash).state == "replaced"
        assert transactions.get(conn, old.hash) == replace(old, state="final", block=15)
        assert batches.get(conn, ledger.ledger_id, 0).tx_hash == old.hash
        assert transactions.mined_from_block(conn, 15) == (transactions.get(conn, old.hash),)
        with pytest.raises(Conflict, match="same sender and nonce"):
            transactions.replace(conn, old.hash, a_transaction(1))


def test_vanished_block_sends_batch_and_transaction_back(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger, batch = sealed_ledger(conn)
        transaction = submit(conn, batch)
        batches.mark_final(conn, ledger.ledger_id, 0, anchor_of(batch, block=20))
        transactions.mark_final(conn, transaction.hash, 20)
        assert [item.k for item in batches.final_from_block(conn, 20, contract=CONTRACT)] == [0]
        assert batches.final_from_block(conn, 21) == ()
        batches.back_to_submitted(conn, ledger.ledger_id, 0)
        transactions.back_to_sent(conn, transaction.hash)
        again = batches.get(conn, ledger.ledger_id, 0)
        assert (again.state, again.anchor, again.tx_hash) == ("submitted", None, transaction.hash)
        assert transactions.pending(conn) == (replace(transaction, state="sent"),)


def test_vanished_batch_that_no_transaction_carries_is_sealed_again(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger, batch = sealed_ledger(conn)
        batches.mark_final(conn, ledger.ledger_id, 0, anchor_of(batch))
        batches.back_to_submitted(conn, ledger.ledger_id, 0)
        assert batches.get(conn, ledger.ledger_id, 0) == batch


def test_nonce_follows_chain_and_journal(engine: Engine) -> None:
    with engine.begin() as conn:
        assert transactions.next_nonce(conn, SENDER, 4) == 4
        transactions.save(conn, a_transaction(4))
        assert transactions.next_nonce(conn, SENDER, 4) == 5
        assert transactions.next_nonce(conn, SENDER, 9) == 9
        transactions.mark_replaced(conn, a_transaction(4).hash)
        assert transactions.next_nonce(conn, SENDER, 4) == 4
        with pytest.raises(NotFound):
            transactions.get(conn, bytes(32))


def test_sender_has_one_owner_at_a_time(engine: Engine) -> None:
    with engine.begin() as first, engine.begin() as second:
        assert transactions.try_own(first, SENDER)
        assert not transactions.try_own(second, SENDER)
        assert transactions.try_own(second, bytes(20))


def word_of(mark: Mark, seq: int, cause_seq: int, prev: bytes, block: int, log_index: int = 0) -> Word:
    time = NOW + block
    word = status_word(prev, mark.ledger_id, seq, mark.status, mark.cause_ledger_id, cause_seq, SENDER, block, time)
    return Word(prev, word, SENDER, block, digest("block", block), time, log_index)


def ask(conn: Connection, ledger: Ledger, target: int, cause: int, status: int = 1) -> Mark:
    return marks.request(
        conn,
        ledger.ledger_id,
        target,
        status,
        cause_ledger_id=ledger.ledger_id,
        cause_entry_id=cause,
        requested_at=NOW,
    )


def test_mark_is_due_once_target_and_cause_are_sealed(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        (target,) = accept(conn, ledger, [1])
        seal(conn, ledger)
        (cause,) = accept(conn, ledger, [2])
        mark = ask(conn, ledger, target, cause)
        assert ask(conn, ledger, target, cause) == mark
        assert marks.due(conn, CONTRACT) == ()
        seal(conn, ledger)
        (due,) = marks.due(conn, CONTRACT)
        assert due == marks.DueMark(mark, 0, 0, "sealed", 1, 1, "sealed")
        assert marks.due(conn, bytes(20)) == ()


def test_mark_goes_from_requested_over_submitted_to_final(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        ids = accept(conn, ledger, [1, 2, 3])
        seal(conn, ledger)
        first, second = ask(conn, ledger, ids[0], ids[1], 3), ask(conn, ledger, ids[0], ids[2], 0)
        transaction = a_transaction(0)
        transactions.save(conn, transaction)
        marks.mark_submitted(conn, [first.key, second.key], transaction.hash)
        assert marks.due(conn, CONTRACT) == ()
        assert [mark.state for mark in marks.pending(conn)] == ["submitted", "submitted"]
        assert [mark.key for mark in marks.of_transaction(conn, transaction.hash)] == [first.key, second.key]
        one = word_of(first, 0, 1, ZERO, 30, 4)
        two = word_of(second, 0, 2, one.word, 30, 5)
        for _ in range(2):
            marks.mark_final(conn, ledger.ledger_id, second.mark_id, 2, two)
            marks.mark_final(conn, ledger.ledger_id, first.mark_id, 1, one)
        assert [(mark.status, mark.cause_seq, mark.word) for mark in marks.history(conn, ledger.ledger_id, ids[0])] == [
            (3, 1, one),
            (0, 2, two),
        ]
        assert marks.final_from_block(conn, 30) == marks.history(conn, ledger.ledger_id, ids[0])
        with pytest.raises(Conflict, match="other facts"):
            marks.mark_final(conn, ledger.ledger_id, first.mark_id, 1, two)
        assert check.disagreements(conn) == ()
        marks.back_to_submitted(conn, ledger.ledger_id, second.mark_id)
        assert marks.get(conn, ledger.ledger_id, second.mark_id).state == "submitted"
        assert marks.back_to_requested(conn, transaction.hash) == (second.key,)


def test_refused_mark_keeps_its_reason_and_may_be_asked_for_again(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        target, cause = accept(conn, ledger, [1, 2])
        mark = ask(conn, ledger, target, cause)
        marks.mark_refused(conn, ledger.ledger_id, mark.mark_id, "MoveNotAllowed(1, 1)")
        again = ask(conn, ledger, target, cause)
        assert again.mark_id != mark.mark_id
        kept = marks.of_entry(conn, ledger.ledger_id, target)
        assert [(item.state, item.reason) for item in kept] == [
            ("refused", "MoveNotAllowed(1, 1)"),
            ("requested", None),
        ]
        with pytest.raises(NotFound):
            ask(conn, ledger, target + 9, cause)
        with pytest.raises(NotFound):
            marks.get(conn, ledger.ledger_id, 10**6)


def test_change_by_another_service_is_kept_once_and_forgotten_with_its_block(engine: Engine) -> None:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        (target,) = accept(conn, ledger, [1])
        seal(conn, ledger)
        elsewhere = digest("ledger of another office")
        word = Word(ZERO, digest("word"), SENDER, 40, digest("block", 40), NOW + 40, 2)

        def observe() -> Mark:
            return marks.observe(
                conn,
                ledger.ledger_id,
                target,
                4,
                cause_ledger_id=elsewhere,
                cause_seq=7,
                word=word,
                seen_at=NOW + 41,
            )

        mark = observe()
        assert observe() == mark
        assert marks.history(conn, ledger.ledger_id, target) == (mark,)
        assert (mark.state, mark.cause_seq, mark.cause_entry_id, mark.tx_hash) == ("final", 7, None, None)
        marks.back_to_submitted(conn, ledger.ledger_id, mark.mark_id)
        assert marks.of_entry(conn, ledger.ledger_id, target) == ()
