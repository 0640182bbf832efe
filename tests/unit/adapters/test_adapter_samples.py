"""The sample exports, whose faults are known: counts, refusals, totals, and every planted irregularity goes in."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from chainsvc.record import Record
from chainsvc_adapters.drafts import Ledgers
from chainsvc_adapters.export import Export
from chainsvc_adapters.feeds.files import read_file
from chainsvc_adapters.registry import open_export
from chainsvc_adapters.totals import check_total

ROLL = "残疾人两项补贴发放表_{}.xlsx"


@pytest.fixture
def donations(sample: Path, ledgers: Ledgers) -> Export:
    return open_export(sample / "捐赠明细.csv", ledgers)


@pytest.fixture
def disbursements(sample: Path, ledgers: Ledgers) -> Export:
    return open_export(sample / "项目拨付明细.xlsx", ledgers)


@pytest.fixture
def marriages(sample: Path, ledgers: Ledgers) -> Export:
    return open_export(sample / "婚姻登记.csv", ledgers)


def by_reference(export: Export) -> dict[str, Record]:
    return {record.reference: record for _, record in export.records}


def planted(answers: dict[str, Any], part: str, rule: str) -> dict[str, Any]:
    return next(one for one in answers[part]["planted"] if one["rule"] == rule)


def test_donations_are_all_read_but_the_three_bad_rows(donations: Export, answers: dict[str, Any]) -> None:
    assert donations.adapter.name == "charity-donations"
    assert donations.table.sheet.layout.encoding == "gb18030"
    assert len(list(donations.records)) == answers["charity"]["donations"]
    assert [(refusal.row, refusal.column) for refusal in donations.refusals] == [
        (3003, "捐赠日期"),
        (3004, "金额(元)"),
        (3005, "捐赠编号"),
    ]
    reasons = [refusal.reason for refusal in donations.refusals]
    assert all(part in reason for part, reason in zip(("2026-13-45", "一百元", "empty"), reasons, strict=True))
    bad = {donations.table.cell(row, "number") for row in donations.table.rows} & set(answers["charity"]["bad_rows"])
    assert bad == set(answers["charity"]["bad_rows"])
    assert (donations.skipped, donations.notes) == ((), ())


def test_donated_sums_are_those_of_the_bank_statement(sample: Path, donations: Export, answers: dict[str, Any]) -> None:
    (bank,) = read_file(sample / "银行流水.csv")
    lines = {row.cells[4]: str(row.cells[2]) for row in bank.rows[1:] if row.cells[1] == "贷"}
    missing = planted(answers, "charity", "charity.not_in_bank")["references"]
    duplicate = planted(answers, "charity", "charity.duplicate_receipt")["references"][1]
    for reference, record in by_reference(donations).items():
        if reference in (*missing, duplicate):
            assert reference not in lines
        else:
            assert record.credit == int(lines[reference].replace(",", "").replace(".", ""))


def test_first_donation_is_complete(donations: Export) -> None:
    number, record = next(donations.records)
    assert number == 2
    assert record.to_json() == {
        "schema": "charity.donation.v1",
        "ledger": "charity/533206001803406341/ELDERLY-2026",
        "reference": "JZ20260206000000",
        "revision": 0,
        "previous": None,
        "credit": 20000,
        "debit": 0,
        "issued_at": "2026-02-06T00:00:00+08:00",
        "body": {
            "number": "JZ20260206000000",
            "date": "2026-02-06",
            "campaign": "困境老人助医",
            "donor": {"name": "黄文", "uscc": None, "anonymous": False},
            "method": "银行转账",
            "currency": "CNY",
            "amount": 20000,
            "goods": None,
            "designated": False,
            "purpose": None,
            "receipt_number": "32062600000000",
            "remark": None,
        },
    }


def test_disbursements_give_a_receipt_where_signed_for(disbursements: Export, answers: dict[str, Any]) -> None:
    schemas = Counter(record.schema for _, record in disbursements.records)
    assert schemas["charity.disbursement.v1"] == answers["charity"]["disbursements"]
    assert schemas["charity.beneficiary-receipt.v1"] == answers["charity"]["disbursements"] - 1
    assert disbursements.refusals == ()
    records = list(disbursements.records)
    (row, paid), (same_row, received) = records[:2]
    assert row == same_row == 3
    assert (received.reference, received.body["disbursement"]) == (f"{paid.reference}-QS", paid.reference)
    assert received.issued_at[:10] == received.body["date"] == "2026-05-31"
    assert (received.credit, received.debit, paid.debit) == (0, 0, 1_200_000)
    assert paid.body["beneficiaries"] == 127


def test_planted_charity_irregularities_are_records(
    donations: Export, disbursements: Export, answers: dict[str, Any]
) -> None:
    references = set(by_reference(donations)) | set(by_reference(disbursements))
    for one in answers["charity"]["planted"]:
        assert set(one.get("references", ())) <= references, one["rule"]


def test_one_campaign_spends_more_than_it_received(donations: Export, disbursements: Export) -> None:
    left = Counter[str]()
    for _, record in (*donations.records, *disbursements.records):
        left[record.ledger] += record.credit - record.debit
    assert {ledger.rpartition("/")[2] for ledger, net in left.items() if net < 0} == {"FLOOD-2026"}


def test_marriages_are_all_read_but_the_wrong_check_digit(marriages: Export, answers: dict[str, Any]) -> None:
    assert len(marriages.table.rows) == answers["marriage"]["rows"]
    (refusal,) = marriages.refusals
    assert (refusal.row, refusal.column) == (1384, "男方身份证号")
    assert "校验码" in refusal.reason
    assert Counter(record.schema for _, record in marriages.records) == {
        "marriage.registration.v1": 1202,
        "marriage.divorce.v1": 120,
        "marriage.reissue.v1": 60,
    }
    references = by_reference(marriages)
    assert answers["marriage"]["bad_rows"][0] not in references
    for one in answers["marriage"]["planted"]:
        assert set(one["references"]) <= set(references)


def test_every_divorce_and_reissue_names_a_registration_of_the_file(marriages: Export) -> None:
    references = by_reference(marriages)
    for record in references.values():
        previous = record.body["certificate"]["previous"]
        assert (previous is None) == (record.schema == "marriage.registration.v1")
        assert previous is None or references[previous].schema == "marriage.registration.v1"


@pytest.mark.parametrize(("month", "paid"), [("2026-09", 35_964_000), ("2026-10", 36_284_000)])
def test_rolls_are_read_whole_and_their_totals_fit(
    sample: Path, ledgers: Ledgers, answers: dict[str, Any], month: str, paid: int
) -> None:
    export = open_export(sample / ROLL.format(month), ledgers)
    records = [record for _, record in export.records]
    assert len(records) == answers["subsidy"]["rows"][month]
    assert export.refusals == ()
    check = check_total(export)
    assert check is not None
    assert (check.stated, check.summed, check.difference, check.unread) == (paid, paid, 0, ())
    assert sum(record.debit for record in records) == paid
    assert {record.reference for record in records} == {f"{month}-{n}" for n in range(1, len(records) + 1)}
    books = Counter(record.ledger.rpartition("/")[2] for record in records)
    assert set(books) == {f"NURSING-{month}", f"LIVING-{month}"}


def test_planted_subsidy_irregularities_are_records(sample: Path, ledgers: Ledgers, answers: dict[str, Any]) -> None:
    for month in ("2026-09", "2026-10"):
        export = open_export(sample / ROLL.format(month), ledgers)
        persons = Counter(record.body["person"]["citizen_number"] for _, record in export.records)
        for one in answers["subsidy"]["planted"]:
            if month in one["months"]:
                wanted = one.get("persons") or [one["person"]]
                assert all(persons[person] >= (2 if one["rule"] == "subsidy.duplicate" else 1) for person in wanted)


def test_records_of_all_samples_can_be_committed_to(sample: Path, ledgers: Ledgers) -> None:
    for name in ("捐赠明细.csv", "项目拨付明细.xlsx", "婚姻登记.csv", ROLL.format("2026-10")):
        for _, record in open_export(sample / name, ledgers).records:
            assert record.flatten()
