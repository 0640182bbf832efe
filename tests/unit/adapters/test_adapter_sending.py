"""Sending, corrections, and that a mended file sends only what was missing."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from unit.adapters.fake_notary import FakeNotary, Taken

from chainsvc.errors import ChainsvcError, ServiceUnavailable
from chainsvc.record import Record
from chainsvc_adapters.cells import clean
from chainsvc_adapters.columns import ADDED
from chainsvc_adapters.corrections import _guarded, corrections_path, write_corrections
from chainsvc_adapters.drafts import Ledgers
from chainsvc_adapters.export import Export, Refusal
from chainsvc_adapters.registry import open_export
from chainsvc_adapters.send import Summary, send

XLS = Path(__file__).parents[2] / "data" / "disbursements.xls"


@pytest.fixture
def donations(sample: Path, ledgers: Ledgers) -> Export:
    return open_export(sample / "捐赠明细.csv", ledgers)


@pytest.fixture
def disbursements(sample: Path, ledgers: Ledgers) -> Export:
    return open_export(sample / "项目拨付明细.xlsx", ledgers)


@pytest.fixture
def notary() -> FakeNotary:
    return FakeNotary()


def csv_rows(path: Path, encoding: str) -> list[list[str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.reader(file))


def write_rows(path: Path, rows: Sequence[Sequence[str]], encoding: str) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)


def counts(summary: Summary) -> tuple[int, int, int]:
    return summary.sent, summary.again, len({refusal.row for refusal in summary.refused})


def test_sample_is_sent_whole_and_sending_again_changes_nothing(donations: Export, notary: FakeNotary) -> None:
    first = send(donations, notary)
    assert counts(first) == (3001, 0, 3)
    assert len(first.ledgers) == 3
    assert sum(sums.records for sums in first.ledgers.values()) == 3001
    assert sum(sums.credit for sums in first.ledgers.values()) == 3_151_507_800
    assert counts(send(donations, notary)) == (0, 3001, 3)
    assert len(notary.records) == 3001


def test_overspending_row_is_refused_by_the_notary_and_goes_to_the_corrections(
    donations: Export, disbursements: Export, notary: FakeNotary, tmp_path: Path, ledgers: Ledgers
) -> None:
    send(donations, notary)
    summary = send(disbursements, notary)
    assert counts(summary) == (4504, 0, 1)
    (refusal,) = summary.refused
    assert "spends more" in refusal.reason
    path = tmp_path / "更正.xlsx"
    assert write_corrections(disbursements, summary.refused, path) == 1
    sheet = load_workbook(path).active
    assert sheet is not None
    rows = list(sheet.values)
    assert rows[0][0] == "2026年慈善项目资金拨付明细表"
    assert rows[1][-3:] == ADDED
    assert rows[2][0] == "BF2026100199999"
    assert rows[2][-3:] == (refusal.row, None, refusal.reason)
    again = open_export(path, ledgers)
    ((_, record),) = again.records
    assert record == next(record for _, record in disbursements.records if record.reference == "BF2026100199999")


def test_mended_file_sends_only_what_was_missing(
    donations: Export, notary: FakeNotary, tmp_path: Path, ledgers: Ledgers
) -> None:
    summary = send(donations, notary)
    path = tmp_path / "捐赠明细_待更正.csv"
    assert write_corrections(donations, summary.refused, path) == 3
    header, *rows = csv_rows(path, "gb18030")
    assert header[-3:] == list(ADDED)
    assert [row[-3:-1] for row in rows] == [["3003", "捐赠日期"], ["3004", "金额(元)"], ["3005", "捐赠编号"]]
    rows[0][1], rows[1][6], rows[2][0] = "2026-03-01", "100.00", "JZFIXED3"
    write_rows(path, [header, *rows], "gb18030")
    mended = open_export(path, ledgers)
    assert mended.refusals == ()
    assert counts(send(mended, notary)) == (3, 0, 0)
    assert counts(send(mended, notary)) == (0, 3, 0)
    assert len(notary.records) == 3004


def test_half_mended_file_is_corrected_again_without_growing(
    donations: Export, tmp_path: Path, ledgers: Ledgers
) -> None:
    first = tmp_path / "a_待更正.csv"
    write_corrections(donations, donations.refusals, first)
    header, *rows = csv_rows(first, "gb18030")
    rows[0][1] = "2026-03-01"
    write_rows(first, [header, *rows], "gb18030")
    half = open_export(first, ledgers)
    assert [refusal.row for refusal in half.refusals] == [3, 4]
    second = corrections_path(first)
    assert second == first
    assert write_corrections(half, half.refusals, second) == 2
    again = csv_rows(second, "gb18030")
    assert again[0] == header
    assert [row[-3] for row in again[1:]] == ["3", "4"]


def test_row_with_surplus_cells_stays_refused_until_mended(sample: Path, tmp_path: Path, ledgers: Ledgers) -> None:
    header, row, *_ = csv_rows(sample / "捐赠明细.csv", "gb18030")
    source, target = tmp_path / "x.csv", tmp_path / "x_待更正.csv"
    write_rows(source, [header, [*row, "surplus"]], "gb18030")
    export = open_export(source, ledgers)
    assert write_corrections(export, export.refusals, target) == 1
    written_header, written = csv_rows(target, "gb18030")
    assert written[-1] == "surplus"
    assert [refusal.row for refusal in open_export(target, ledgers).refusals] == [2]
    write_rows(target, [written_header, written[:-1]], "gb18030")
    assert open_export(target, ledgers).refusals == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_stays_in_its_encoding_with_its_banner(
    tmp_path: Path, sample: Path, ledgers: Ledgers, encoding: str
) -> None:
    header, *rows = csv_rows(sample / "捐赠明细.csv", "gb18030")
    source = tmp_path / "x.csv"
    write_rows(source, [["二〇二六年捐赠明细"], header, *rows[-4:]], encoding)
    export = open_export(source, ledgers)
    target = corrections_path(source)
    assert target.name == "x_待更正.csv"
    write_corrections(export, export.refusals, target)
    written = csv_rows(target, encoding)
    assert written[0] == ["二〇二六年捐赠明细"]
    assert [row[: len(header)] for row in written[2:]] == rows[-3:]
    assert target.read_bytes()[:3] == "二〇".encode(encoding)[:3]


def test_old_workbook_comes_back_as_a_new_one(tmp_path: Path, ledgers: Ledgers) -> None:
    export = open_export(XLS, ledgers)
    assert [(refusal.row, refusal.column) for refusal in export.refusals] == [(4, "金额(元)")]
    assert len(list(export.records)) == 2
    target = tmp_path / corrections_path(XLS).name
    assert target.name == "disbursements_待更正.xlsx"
    write_corrections(export, export.refusals, target)
    assert [(refusal.row, refusal.column) for refusal in open_export(target, ledgers).refusals] == [(3, "金额(元)")]


def test_corrections_being_mended_stay_when_the_source_is_sent_again(tmp_path: Path) -> None:
    source, first, second = (tmp_path / name for name in ("x.csv", "x_待更正.csv", "x_待更正-2.csv"))
    assert corrections_path(source) == first
    first.write_text("half mended")
    assert corrections_path(source) == second
    assert corrections_path(first) == first
    second.write_text("half mended too")
    assert corrections_path(second) == second
    assert corrections_path(source) == tmp_path / "x_待更正-3.csv"


def test_nothing_refused_writes_nothing(disbursements: Export, tmp_path: Path) -> None:
    assert write_corrections(disbursements, disbursements.refusals, tmp_path / "x.xlsx") == 0
    assert list(tmp_path.iterdir()) == []


def test_several_faults_of_a_row_stand_in_one_line(donations: Export, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    faults = [Refusal(3003, "捐赠日期", "a"), Refusal(3003, "金额(元)", "b"), Refusal(3003, "", "c")]
    assert write_corrections(donations, faults, path) == 1
    assert csv_rows(path, "gb18030")[1][-3:] == ["3003", "捐赠日期；金额(元)", "捐赠日期: a；金额(元): b；c"]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_guard_against_formulas_does_not_change_what_is_read(text: str) -> None:
    guarded = _guarded(text)
    assert isinstance(guarded, str)
    assert not guarded.strip().startswith(("=", "+", "-", "@"))
    assert clean(guarded)[0] == clean(text)[0]


def test_workbook_stores_formulas_and_control_characters_as_text(tmp_path: Path, ledgers: Ledgers) -> None:
    source = tmp_path / "x.xlsx"
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["拨付编号", "拨付日期", "项目名称", "受益方", "用途", "金额(元)", "受益人数", "签收日期", "备注"])
    sheet.append(["BF1", "x", "困境老人助医", "", "", 1.5, 2, "", ""])
    sheet["D2"], sheet["E2"] = "=cmd|' /C calc'!A0", "_x0007_铃"
    sheet["D2"].data_type = "s"
    book.save(source)
    export = open_export(source, ledgers)
    target = tmp_path / "y.xlsx"
    write_corrections(export, export.refusals, target)
    row = load_workbook(target).active[2]
    assert (row[3].data_type, row[3].value) == ("s", "=cmd|' /C calc'!A0")
    assert [cell.data_type for cell in row[:7]] == ["s", "s", "s", "s", "s", "n", "n"]
    assert open_export(target, ledgers).table.rows[0].cells[:7] == export.table.rows[0].cells[:7]


class Refuses(FakeNotary):
    """Refuses one reference."""

    def __init__(self, reference: str, error: ChainsvcError) -> None:
        super().__init__()
        self.reference = reference
        self.error = error

    def notarize(self, records: Sequence[Record]) -> list[Taken | ChainsvcError]:
        answers = super().notarize([record for record in records if record.reference != self.reference])
        for place, record in enumerate(records):
            if record.reference == self.reference:
                answers.insert(place, self.error)
        return answers


def test_receipt_of_a_refused_disbursement_is_held(donations: Export, disbursements: Export) -> None:
    row, record = next(disbursements.records)
    notary = Refuses(record.reference, ChainsvcError("no", where="/body/amount"))
    send(donations, notary)
    summary = send(disbursements, notary)
    assert summary.held == [row]
    assert Refusal(row, "金额(元)", "no") in summary.refused
    references = {reference for _, reference, _ in notary.records}
    assert not {record.reference, f"{record.reference}-QS"} & references
    assert counts(summary) == (4502, 0, 2)


def test_progress_counts_every_row_once(disbursements: Export, donations: Export, notary: FakeNotary) -> None:
    seen: list[tuple[int, int]] = []
    send(donations, notary, progress=lambda done, rows: seen.append((done, rows)))
    assert seen[-1] == (3004, 3004)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    seen.clear()
    send(disbursements, notary, progress=lambda done, rows: seen.append((done, rows)))
    assert seen[-1] == (2253, 2253)


@pytest.mark.parametrize("chunk", [1, 7, 500])
def test_chunks_have_at_most_the_given_size(donations: Export, chunk: int) -> None:
    notary = FakeNotary()
    summary = send(
        replace(donations, table=replace(donations.table, rows=donations.table.rows[:60])), notary, chunk=chunk
    )
    assert summary.sent == sum(notary.calls) == 60
    assert max(notary.calls) <= chunk


def test_outage_is_raised_and_the_next_run_completes(donations: Export) -> None:
    class Fails(FakeNotary):
        def notarize(self, records: Sequence[Record]) -> list[Taken | ChainsvcError]:
            if len(self.calls) == 2:
                self.calls.append(0)
                raise ServiceUnavailable("down")
            return super().notarize(records)

    failing = Fails()
    with pytest.raises(ServiceUnavailable):
        send(donations, failing, chunk=500)
    summary = send(donations, failing, chunk=500)
    assert (summary.again, summary.sent) == (1000, 2001)


def test_other_content_under_one_reference_is_refused_by_row(donations: Export, notary: FakeNotary) -> None:
    _, record = next(donations.records)
    body: dict[str, Any] = {**record.body, "amount": 1}
    notary.notarize([replace(record, body=body, credit=1)])
    summary = send(donations, notary)
    assert Refusal(2, "捐赠编号", "other content") in summary.refused
    assert summary.sent == 3000
