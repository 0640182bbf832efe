"""Workbooks: XLSX and XLS by python-calamine, which reads cells as they are stored."""

import io
import zipfile
from typing import Literal

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from chainsvc.errors import FileRefused
from chainsvc_adapters.feeds.sheet import Layout, Row, Sheet

MAX_UNPACKED_BYTES = 2 * 1024 * 1024 * 1024
"""Most bytes that an XLSX may unpack to; a million wide rows have about 1 GiB."""

_PANIC = "PanicException"
"""What a hostile file may raise out of the Rust reader; it derives from BaseException and has no import."""

_ZIP = b"PK\x03\x04"
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def is_workbook(data: bytes) -> bool:
    """Whether the content starts as an XLSX (a zip) or an XLS (a compound file)."""
    return data.startswith((_ZIP, _COMPOUND))


def read(data: bytes, name: str) -> list[Sheet]:
    """Read the visible sheets; formulas count with the value that the last save left.

    Raises:
        FileRefused: Damaged, protected by a password, unpacking to too much, or another kind of file.
    """
    kind: Literal["xlsx", "xls"] = "xlsx" if data.startswith(_ZIP) else "xls"
    if kind == "xlsx":
        _check_size(data, name)
    try:
        return _sheets(data, name, kind)
    except (CalamineError, ValueError, OverflowError) as error:
        raise _unreadable(name, error) from error
    except BaseException as error:
        if type(error).__name__ != _PANIC:
            raise
        raise _unreadable(name, error) from error


def _sheets(data: bytes, name: str, kind: Literal["xlsx", "xls"]) -> list[Sheet]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    shown = [sheet for sheet in book.sheets_metadata if _is_shown(sheet.typ, sheet.visible)]
    return [Sheet(name, Layout(kind, title=sheet.name), _rows(book.get_sheet_by_name(sheet.name))) for sheet in shown]


def _unreadable(name: str, error: BaseException) -> FileRefused:
    hint = "Open it, remove a password if there is one, save it as XLSX and send it again."
    return FileRefused(f"not readable as a workbook: {error}", where=name, hint=hint)


def _is_shown(kind: SheetTypeEnum, visible: SheetVisibleEnum) -> bool:
    return kind == SheetTypeEnum.WorkSheet and visible == SheetVisibleEnum.Visible


def _rows(sheet: CalamineSheet) -> tuple[Row, ...]:
    """Keep empty rows and columns before the first cell, so that row numbers stay true."""
    cells = sheet.to_python(skip_empty_area=False)
    return tuple(Row(number, tuple(row)) for number, row in enumerate(cells, start=1))


def _check_size(data: bytes, name: str) -> None:
    """Refuse a zip bomb before anything is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile as error:
        raise FileRefused("the workbook is damaged", where=name, hint="Export it again.") from error
    if unpacked > MAX_UNPACKED_BYTES:
        raise FileRefused(
            "the workbook unpacks to too much", expected=f"at most {MAX_UNPACKED_BYTES} bytes", got=unpacked, where=name
        )
