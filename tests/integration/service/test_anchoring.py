"""Anchoring on a real chain: batches, several ledgers at once, standing, evidence, outages."""

import pytest
from support.everything import check_everything
from support.records import corrected, disbursement, donation, payment
from support.station import REGULATOR, Site, Station

from chainsvc.admin import Desk
from chainsvc.checkpoint import Checkpoint
from chainsvc.crypto.suites import SHA256, SM3, Suite
from chainsvc.errors import NotReady
from chainsvc.journal import transactions
from chainsvc.verify import CheckpointSource, verify
from chainsvc.verify.completeness import audit_export


@pytest.mark.parametrize("suite", [SHA256, SM3], ids=["sha256", "sm3"])
def test_everything_accepted_becomes_final_and_audits_clean(service: Station, suite: Suite) -> None:
    name = service.open(suite=suite).name
    receipts = service.accept(name, [donation(name, n) for n in range(100)])
    receipts += service.accept(name, [disbursement(name, 1, 5_000)])
    receipts += service.accept(name, [corrected(donation(name, 7), receipts[7].commitment, 9_000)])
    service.settle(name)
    check_everything(service, name, receipts)


@pytest.mark.parametrize("suite", [SHA256, SM3], ids=["sha256", "sm3"])
def test_evidence_verifies_by_node_and_by_checkpoint(service: Station, suite: Suite) -> None:
    name = service.open(suite=suite).name
    receipts = service.accept(name, [donation(name, n) for n in range(33)])
    service.settle(name)
    api, network = service.parts.service, service.parts.network
    note = Checkpoint.parse(api.checkpoint().encode())
    shown = api.evidence(receipts[3].commitment, ["/body/amount"], proof=True).data
    assert verify(shown, network, service.parts.service._parts.source).verdict == "valid"
    assert verify(shown, network, CheckpointSource(note)).verdict == "valid"
    assert "爱心".encode() not in shown


def test_a_superseded_record_proves_its_standing_offline(service: Station) -> None:
    name = service.open().name
    (first,) = service.accept(name, [donation(name, 1, fen=100)])
    service.accept(name, [corrected(donation(name, 1, fen=100), first.commitment, 80)])
    service.settle(name)
    api, network = service.parts.service, service.parts.network
    note = Checkpoint.parse(api.checkpoint().encode())
    verdict = verify(api.evidence(first.commitment, None, proof=True).data, network, CheckpointSource(note))
    assert verdict.verdict == "superseded"


def test_evidence_of_an_entry_that_is_not_final_says_so(service: Station) -> None:
    name = service.open().name
    (accepted,) = service.accept(name, [donation(name, 1)])
    with pytest.raises(NotReady, match="not final"):
        service.parts.service.evidence(accepted.commitment, None, proof=False)


def test_many_ledgers_anchor_in_one_transaction(service: Station) -> None:
    names = [service.open().name for _ in range(5)]
    for name in names:
        service.accept(name, [donation(name, n) for n in range(3)])
    service.parts.worker._anchorer.confirmer.confirm()  # of the openings
    before = _mined(service)
    for name in names:
        service.settle(name)
    assert len(_mined(service) - before) == 1


def test_a_ledger_that_would_revert_holds_up_no_other(service: Station, site: Site) -> None:
    good, bad = service.open(), service.open("subsidy")
    _set_budget(site, service, bad.name, bad.ledger_id, 0)
    service.accept(good.name, [donation(good.name, 1)])
    _force_over_budget(service, bad.name)
    facts = service.settle(good.name)
    assert facts.anchored_entries == 1
    assert service.parts.service.ledger(bad.name).anchored_entries == 0
    _set_budget(site, service, bad.name, bad.ledger_id, 10_000_00)
    service.parts.worker._anchorer.sender._held.clear()
    assert service.settle(bad.name).anchored_debit == 320_00


def test_a_budget_set_on_chain_reaches_the_door(service: Station, site: Site) -> None:
    facts = service.open("subsidy")
    _set_budget(site, service, facts.name, facts.ledger_id, 500_00)
    service.parts.worker.round()
    assert service.parts.service.ledger(facts.name).budget == 500_00


def test_an_export_that_lost_a_line_is_found_by_seq(service: Station) -> None:
    name = service.open().name
    service.accept(name, [donation(name, n) for n in range(10)])
    service.settle(name)
    lines = list(service.parts.service.export(name, disclose=True))
    del lines[5]
    report = audit_export(lines, service.parts.network, service.parts.service._parts.source)
    assert any(finding.code == "gap" and finding.seq == 3 for finding in report.findings)


def _mined(service: Station) -> set[bytes]:
    with service.parts.engine.connect() as conn:
        return {tx.hash for tx in transactions.mined_from_block(conn, 0)}


def _set_budget(site: Site, service: Station, name: str, ledger_id: bytes, fen: int) -> None:
    desk = Desk(service.parts.node, service.parts.network, site.regulator)
    desk.set_budget(name, ledger_id, REGULATOR, fen)


def _force_over_budget(service: Station, name: str) -> None:
    """Make the door believe in a budget that the chain has not, as after a bug or a damaged row."""
    with service.parts.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE totals SET budget = 100000000")
    service.accept(name, [payment(name, 1, 320_00)])
