"""Header, banner, totals and footers; and which adapter reads a sheet."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from chainsvc.errors import ConfigurationRefused, FileRefused
from chainsvc_adapters.charity import DISBURSEMENTS, DONATIONS
from chainsvc_adapters.columns import Skipped, Table, find_table, missing_columns, plain
from chainsvc_adapters.drafts import Ledgers
from chainsvc_adapters.export import Export
from chainsvc_adapters.feeds.sheet import Cell, Layout, Row, Sheet
from chainsvc_adapters.marriage import REGISTRATIONS
from chainsvc_adapters.registry import adapters, open_export, recognise
from chainsvc_adapters.subsidy import PAYMENTS
from chainsvc_adapters.totals import check_total

HEADER = (
    "序号",
    "姓名",
    "身份证号",
    "残疾等级",
    "补贴项目",
    "补贴月份",
    "补贴金额(元)",
    "银行账号",
    "发放方式",
    "备注",
)
GOOD: tuple[Cell, ...] = (
    1.0,
    "张三",
    "11010519491231002X",
    "一级",
    "重度残疾人护理补贴",
    "2026-09",
    320.0,
    "622848",
    "一卡通",
    "",
)
LEDGERS = Ledgers.of({"重度残疾人护理补贴": "subsidy/11320602114798049U/NURSING-2026-09"})


def sheet_of(*rows: Sequence[Cell]) -> Sheet:
    return Sheet("x.xlsx", Layout("xlsx"), tuple(Row(n, tuple(cells)) for n, cells in enumerate(rows, start=1)))


def table_of(*rows: Sequence[Cell]) -> Table:
    table = find_table(sheet_of(*rows), PAYMENTS.columns)
    assert table is not None
    return table


def export_of(*rows: Sequence[Cell]) -> Export:
    return Export(PAYMENTS, table_of(HEADER, *rows), LEDGERS)


def changed(**cells: Cell) -> tuple[Cell, ...]:
    return tuple(cells.get(name.removesuffix("(元)"), cell) for name, cell in zip(HEADER, GOOD, strict=True))


def test_header_is_found_below_banners_and_by_names_in_any_order() -> None:
    table = table_of(["花名册"], [], ["单位：元"], tuple(reversed(HEADER)), tuple(reversed(GOOD)))
    assert [row.number for row in table.banner] == [1, 2, 3]
    assert table.header.number == 4
    assert table.cell(table.rows[0], "name") == "张三"


def test_header_names_may_have_full_width_signs_breaks_and_marks() -> None:
    assert plain(" *补贴金额\n（元） ") == "补贴金额(元)"
    header = [*HEADER[:6], "*补贴金额\n（元）", *HEADER[7:]]
    assert len(table_of(header, GOOD).rows) == 1


def test_unit_in_the_header_decides_whether_it_is_the_column() -> None:
    sheet = sheet_of([*HEADER[:6], "补贴金额(万元)", *HEADER[7:]], GOOD)
    assert find_table(sheet, PAYMENTS.columns) is None
    assert missing_columns(sheet, PAYMENTS.columns) == ["补贴金额(元)"]


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(FileRefused, match="姓名") as caught:
        table_of([*HEADER, "姓名"], GOOD)
    assert caught.value.where == "x.xlsx:1"


def test_totals_footers_blanks_and_repeated_headers_are_no_records() -> None:
    table = table_of(
        HEADER,
        GOOD,
        ["本页小计", "", "", "", "", "", 320.0],
        HEADER,
        ["", None or ""],
        GOOD,
        ["合 计：", "", "", "", "", "", 640.0],
        ["制表人：王五", "", "审核：赵六"],
    )
    assert [row.number for row in table.rows] == [2, 6]
    assert table.skipped == (Skipped(3, "subtotal"), Skipped(4, "header"), Skipped(7, "total"), Skipped(8, "footer"))
    assert table.total is not None
    assert table.total.number == 7


def test_row_of_a_person_called_like_a_total_is_kept() -> None:
    assert len(table_of(HEADER, changed(姓名="合计")).rows) == 1


def test_row_with_no_number_is_refused_not_skipped() -> None:
    (refusal,) = export_of(changed(序号="")).refusals
    assert (refusal.row, refusal.column) == (2, "序号")


def test_every_wrong_cell_of_a_row_is_told_and_no_record_made() -> None:
    export = export_of(changed(序号="", 补贴月份="x", 补贴金额="y", 身份证号="110105194912310021"))
    assert [refusal.column for refusal in export.refusals] == ["序号", "身份证号", "补贴月份", "补贴金额(元)"]
    assert list(export.records) == []


def test_check_digit_is_refused_at_its_column_without_the_number() -> None:
    (refusal,) = export_of(changed(身份证号="110105194912310021")).refusals
    assert refusal.column == "身份证号"
    assert "check character" in refusal.reason
    assert "1101051949" not in refusal.reason.replace("11010519491231002X", "")


def test_more_cells_than_the_header_are_refused() -> None:
    (refusal,) = export_of([*GOOD, "00"]).refusals
    assert "more cells" in refusal.reason
    assert export_of([*GOOD, "", " "]).refusals == ()


def test_missing_ledger_is_refused_at_the_column_that_decides_it() -> None:
    (refusal,) = export_of(changed(补贴项目="高龄津贴")).refusals
    assert refusal.column == "补贴项目"
    assert "高龄津贴 2026-09" in refusal.reason


def test_true_number_is_refused_where_its_neighbours_were_cut() -> None:
    genuine = "110105199601019000"
    assert export_of(changed(身份证号=genuine)).refusals == ()
    refusals = export_of(changed(身份证号=genuine), changed(身份证号="320602194604267000")).refusals
    assert [(refusal.row, refusal.column) for refusal in refusals] == [(2, "身份证号"), (3, "身份证号")]


def test_change_to_nfc_is_noted() -> None:
    export = export_of(changed(姓名="柳\uf9d0"))
    ((_, record),) = export.records
    assert record.body["person"]["name"] == "柳類"
    assert [(note.row, note.column) for note in export.notes] == [(2, "姓名")]


def test_payment_record_is_complete() -> None:
    ((row, record),) = export_of(GOOD).records
    assert row == 2
    assert (record.schema, record.ledger) == ("subsidy.payment.v1", "subsidy/11320602114798049U/NURSING-2026-09")
    assert (record.reference, record.revision, record.previous) == ("2026-09-1", 0, None)
    assert (record.credit, record.debit, record.issued_at) == (0, 32000, "2026-09-01T00:00:00+08:00")
    assert record.body == {
        "number": "1",
        "programme": "重度残疾人护理补贴",
        "month": "2026-09",
        "region": None,
        "person": {"name": "张三", "citizen_number": "11010519491231002X"},
        "category": "一级",
        "amount": 32000,
        "account": "622848",
        "channel": "一卡通",
        "approved_on": None,
        "paid_on": None,
        "remark": None,
    }


def test_total_is_compared_with_the_rows() -> None:
    check = check_total(export_of(GOOD, GOOD, ["合计", "", "", "", "", "", 639.99]))
    assert check is not None
    assert (check.row, check.column, check.stated, check.summed, check.difference) == (
        4,
        "补贴金额(元)",
        63999,
        64000,
        -1,
    )


def test_total_check_says_what_it_could_not_read() -> None:
    check = check_total(export_of(GOOD, changed(补贴金额="x")))
    assert check is not None
    assert (check.row, check.stated, check.difference, check.summed, check.unread) == (None, None, None, 32000, (3,))


def test_form_without_money_has_no_total() -> None:
    sheet = sheet_of([column.title for column in REGISTRATIONS.columns])
    table = find_table(sheet, REGISTRATIONS.columns)
    assert table is not None
    assert check_total(Export(REGISTRATIONS, table, LEDGERS)) is None


def test_installed_adapters_are_found_by_entry_points() -> None:
    assert adapters() == (DISBURSEMENTS, DONATIONS, REGISTRATIONS, PAYMENTS)


def test_file_of_unknown_form_is_refused_with_what_the_nearest_lacks(sample: Path, ledgers: Ledgers) -> None:
    with pytest.raises(FileRefused, match="银行流水") as caught:
        open_export(sample / "银行流水.csv", ledgers)
    assert "捐赠明细" in str(caught.value.expected)
    assert "missing" in str(caught.value.got)


def test_two_sheets_of_known_form_are_refused() -> None:
    with pytest.raises(FileRefused, match="more than one way"):
        recognise([sheet_of(HEADER, GOOD), sheet_of(HEADER, GOOD)], adapters())


def test_no_sheet_at_all_is_refused() -> None:
    with pytest.raises(FileRefused, match="nothing to read"):
        recognise([], adapters())


def test_ledgers_are_read_from_json_and_toml(tmp_path: Path) -> None:
    name = "charity/533206001803406341/LUNCH-2026"
    as_json, as_toml = tmp_path / "l.json", tmp_path / "l.toml"
    as_json.write_text('{"午餐": "' + name + '"}', encoding="utf-8")
    as_toml.write_text(f'[ledgers]\n"午餐" = "{name}"\n"*" = "{name}"\n', encoding="utf-8")
    assert Ledgers.load(as_json).find(("午餐",)) == name
    assert Ledgers.load(as_json).find(("晚餐",)) is None
    assert Ledgers.load(as_toml).find(("晚餐",)) == name


@pytest.mark.parametrize("text", ["{", "[]", '{"a": "charity/x/Y"}', '{"a": 1}'])
def test_wrong_ledgers_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "l.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationRefused):
        Ledgers.load(path)
