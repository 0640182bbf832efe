import datetime as dt
import io
import random
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from chainsvc.errors import FileRefused
from chainsvc_adapters.feeds import files, workbook
from chainsvc_adapters.feeds.delimited import decode
from chainsvc_adapters.feeds.files import read_bytes, read_file

LINES = '捐赠编号,捐赠人\r\nJZ1,张三\r\n\r\nJZ2,"李,四\n五"\r\n'
XLS = Path(__file__).parents[2] / "data" / "disbursements.xls"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_is_read_in_each_usual_encoding(encoding: str) -> None:
    (sheet,) = read_bytes(LINES.encode(encoding), "x.csv")
    assert sheet.layout.encoding == encoding
    assert [row.cells for row in sheet.rows] == [("捐赠编号", "捐赠人"), ("JZ1", "张三"), (), ("JZ2", "李,四\n五")]
    assert [row.number for row in sheet.rows] == [1, 2, 3, 4]


@given(st.text(st.characters(codec="gb18030", exclude_characters="\0"), min_size=1))
def test_text_of_gb18030_is_never_garbled(text: str) -> None:
    found, encoding = decode(text.encode("gb18030"), "x")
    assert found == text or encoding == "utf-8"
    assert encoding != "utf-8" or text.encode("gb18030") == found.encode()


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_delimiter_is_found(delimiter: str) -> None:
    (sheet,) = read_bytes(f"甲{delimiter}乙\n1{delimiter}2\n".encode(), "x.csv")
    assert sheet.layout.delimiter == delimiter
    assert sheet.rows[1].cells == ("1", "2")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"\xff\xff\xff\xff", "encoding"),
        (b"a\0b,c", "no text"),
        (b'a,"b\nc', "CSV"),
        (b"PK\x03\x04broken", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "workbook"),
        (("a," + '"' + "x" * 200_000 + '"').encode(), "CSV"),
    ],
)
def test_what_is_no_table_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(FileRefused, match=message) as caught:
        read_bytes(data, "x.csv")
    assert str(caught.value.where).startswith("x.csv")


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b"%PDF-1.7\n\x80\x81", "PDF"),
        (b"\xef\xbb\xbf\r\n<HTML><table>", "HTML"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"<?xml version='1.0'?><Workbook/>", "XML"),
        (b"PK\x03\x04....word/document.xml", "a Word document"),
    ],
)
def test_what_people_take_for_a_table_is_named(data: bytes, form: str) -> None:
    with pytest.raises(FileRefused, match="no table") as caught:
        read_bytes(data, "x.xls")
    assert (caught.value.got, caught.value.expected) == (form, "XLSX, XLS or CSV")
    assert "Export the rows" in str(caught.value.hint)


def workbook_bytes(book: Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_workbook_keeps_row_numbers_types_and_visible_sheets() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "拨付"
    sheet["B3"], sheet["C3"], sheet["B4"] = "编号", dt.date(2026, 1, 5), 12.5
    book.create_sheet("旧").sheet_state = "hidden"
    (read,) = read_bytes(workbook_bytes(book), "名字不对.csv")
    assert (read.layout.kind, read.layout.title) == ("xlsx", "拨付")
    assert [row.number for row in read.rows] == [1, 2, 3, 4]
    assert read.rows[2].cells == ("", "编号", dt.date(2026, 1, 5))
    assert read.rows[3].cells[1] == 12.5


def test_old_workbook_is_read() -> None:
    (sheet,) = read_file(XLS)
    assert sheet.layout.kind == "xls"
    assert sheet.rows[0].cells[0] == "2026年慈善项目资金拨付明细表"
    assert sheet.rows[2].cells[:2] == ("BF1", dt.date(2026, 5, 6))


def test_zip_bomb_is_refused_before_it_unpacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_UNPACKED_BYTES", 10_000)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", bytes(20_000))
    with pytest.raises(FileRefused, match="too much"):
        read_bytes(out.getvalue(), "x.xlsx")


def test_too_large_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 3)
    path = tmp_path / "x.csv"
    path.write_bytes(b"abcd")
    with pytest.raises(FileRefused, match="too large"):
        read_file(path)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="can't be read"):
        read_file(tmp_path / "x.csv")


def test_cell_in_a_far_corner_is_refused_and_ends_only_the_reader() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"], sheet["XFD1048576"] = "a", "b"
    with pytest.raises(FileRefused, match="reader gave up") as caught:
        read_bytes(workbook_bytes(book), "x.xlsx")
    assert caught.value.where == "x.xlsx"


def test_damaged_old_workbooks_are_read_or_refused() -> None:
    rng = random.Random(20)
    outcomes = {_outcome(rng) for _ in range(30)}
    assert outcomes == {"read", "refused"}


def _outcome(rng: random.Random) -> str:
    data = bytearray(XLS.read_bytes())
    for _ in range(20):
        data[rng.randrange(len(data))] = rng.randrange(256)
    try:
        read_bytes(bytes(data), "x.xls")
    except FileRefused:
        return "refused"
    return "read"
