"""What the door takes, refuses and remembers, on a real journal."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from support.records import corrected, disbursement, donation
from support.station import Station

from chainsvc.client.answers import Accepted
from chainsvc.errors import LedgerClosed, PolicyRefused, RecordRefused, ReferenceConflict
from chainsvc.heads import Status
from chainsvc.journal import entries, payloads


def test_a_receipt_verifies_and_promises_a_deadline(service: Station) -> None:
    facts = service.open()
    (accepted,) = service.accept(facts.name, [donation(facts.name, 1)])
    assert accepted.receipt.verifies(facts.ledger_id, accepted.commitment)
    assert accepted.receipt.anchor_by > accepted.receipt.accepted_at
    assert not accepted.again


def test_the_same_record_again_gets_the_first_receipt(service: Station) -> None:
    name = service.open().name
    first = service.accept(name, [donation(name, n) for n in range(5)])
    second = service.accept(name, [donation(name, n) for n in range(7)])
    assert [a.receipt for a in second[:5]] == [a.receipt for a in first]
    assert [a.again for a in second] == [True] * 5 + [False] * 2


def test_other_content_under_the_same_reference_is_a_conflict(service: Station) -> None:
    name = service.open().name
    service.accept(name, [donation(name, 1)])
    (answer,) = service.send(name, [donation(name, 1, fen=20_000)])
    assert isinstance(answer, ReferenceConflict)
    assert answer.hint is not None
    assert "revision" in answer.hint


def test_a_reference_twice_in_one_chunk_is_stored_once(service: Station) -> None:
    name = service.open().name
    one, same, other = service.send(name, [donation(name, 1), donation(name, 1), donation(name, 1, fen=5)])
    assert isinstance(one, Accepted)
    assert isinstance(same, Accepted)
    assert (same.again, same.receipt) == (True, one.receipt)
    assert isinstance(other, ReferenceConflict)
    assert service.parts.service.ledger(name).entries == 1


def test_good_records_go_in_beside_bad_ones(service: Station) -> None:
    name = service.open().name
    bad = replace(donation(name, 2), credit=1)
    answers = service.send(name, [donation(name, 1), bad, donation(name, 3)])
    assert [type(answer) for answer in answers] == [Accepted, RecordRefused, Accepted]
    assert isinstance(answers[1], RecordRefused)
    assert answers[1].where == "/credit"


def test_overspending_is_refused_and_the_rest_goes_on(service: Station) -> None:
    name = service.open().name
    service.accept(name, [donation(name, 1, fen=100)])
    answers = service.send(name, [disbursement(name, 1, 60), disbursement(name, 2, 50), disbursement(name, 3, 40)])
    assert [type(answer) for answer in answers] == [Accepted, PolicyRefused, Accepted]
    service.settle(name)
    assert service.parts.service.ledger(name).anchored_debit == 100


def test_no_race_spends_the_same_donation_twice(service: Station) -> None:
    name = service.open().name
    service.accept(name, [donation(name, 1, fen=100)])
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: service.send(name, [disbursement(name, n, 30)])[0], range(16)))
    assert sum(isinstance(answer, Accepted) for answer in answers) == 3
    assert service.parts.service.ledger(name).debit == 90


def test_the_same_records_from_many_at_once_are_stored_once(service: Station) -> None:
    name = service.open().name
    records = [donation(name, n) for n in range(20)]
    with ThreadPoolExecutor(6) as pool:
        runs = list(pool.map(lambda turn: service.send(name, records[turn:] + records[:turn]), range(6)))
    receipts = {a.reference: a.receipt for run in runs for a in run if isinstance(a, Accepted)}
    assert len(receipts) == 20
    assert all(isinstance(a, Accepted) and a.receipt == receipts[a.reference] for run in runs for a in run)
    assert service.parts.service.ledger(name).entries == 20


def test_a_correction_supersedes_its_first_revision(service: Station) -> None:
    name = service.open().name
    (first,) = service.accept(name, [donation(name, 1, fen=100)])
    (second,) = service.accept(name, [corrected(donation(name, 1, fen=100), first.commitment, 80)])
    facts = service.settle(name)
    assert (facts.anchored_credit, facts.anchored_debit) == (100, 20)
    assert service.parts.service.standing(first.commitment).standing is Status.SUPERSEDED
    assert service.parts.service.standing(second.commitment).standing is Status.CURRENT


def test_a_correction_of_the_wrong_sum_says_the_right_one(service: Station) -> None:
    name = service.open().name
    (first,) = service.accept(name, [donation(name, 1, fen=100)])
    wrong = replace(corrected(donation(name, 1, fen=100), first.commitment, 80), debit=21)
    (answer,) = service.send(name, [wrong])
    assert isinstance(answer, RecordRefused)
    assert (answer.where, answer.expected) == ("/debit", "debit 20")


def test_a_correction_of_an_unknown_revision_is_refused(service: Station) -> None:
    name = service.open().name
    (answer,) = service.send(name, [corrected(donation(name, 1), bytes(32), 80)])
    assert isinstance(answer, RecordRefused)
    assert answer.where == "/previous"


def test_a_closed_ledger_takes_nothing(service: Station) -> None:
    name = service.open().name
    service.accept(name, [donation(name, 1)])
    service.settle(name)
    assert service.parts.service.close_ledger(name, service.caller).closed
    with pytest.raises(LedgerClosed):
        service.send(name, [donation(name, 2)])


def test_erasure_leaves_the_tree_and_nothing_readable(service: Station) -> None:
    name = service.open().name
    (kept, gone) = service.accept(name, [donation(name, 1), donation(name, 2)])
    service.settle(name)
    service.parts.service.erase(gone.commitment, "asked by the person", service.caller)
    status = service.parts.service.record(gone.commitment, disclose=True)
    assert (status.erased, status.record, status.reference) == (True, None, None)
    with service.parts.engine.connect() as conn:
        entry = entries.find(conn, gone.commitment)[0]
        assert payloads.get(conn, entry.ledger_id, entry.entry_id) is None
    assert service.parts.service.evidence(kept.commitment, None, proof=False).data
