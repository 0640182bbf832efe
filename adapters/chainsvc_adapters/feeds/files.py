"""Files: bytes become sheets. What a file is, its content decides, not its name."""

from pathlib import Path

from chainsvc.errors import FileRefused
from chainsvc_adapters.feeds import delimited, workbook
from chainsvc_adapters.feeds.sheet import Sheet

MAX_FILE_BYTES = 256 * 1024 * 1024
"""Largest file that is read; a million rows of a payment roll have about 100 MiB as CSV."""

_OTHERS = ((b"%pdf-", "PDF"), (b"<html", "HTML"), (b"<!doctype html", "HTML"), (b"<table", "HTML"), (b"<?xml", "XML"))
"""How forms begin that people take for a table, in lower case."""

_WORD, _EXCEL = b"word/document.xml", b"xl/workbook.xml"
"""Main parts of Office documents; a workbook may have a Word document in it."""


def read_file(path: Path) -> list[Sheet]:
    """Read a file's visible sheets.

    Raises:
        FileRefused: No such file, too large, or not CSV, XLSX or XLS.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise _too_large(size, path.name)
        data = path.read_bytes()
    except OSError as error:
        raise FileRefused(f"the file can't be read: {error.strerror}", where=str(path)) from error
    return read_bytes(data, path.name)


def _too_large(size: int, name: str) -> FileRefused:
    expected = f"at most {MAX_FILE_BYTES} bytes"
    hint = "Split the file and send the parts."
    return FileRefused("the file is too large", expected=expected, got=size, where=name, hint=hint)


def read_bytes(data: bytes, name: str) -> list[Sheet]:
    """Read the sheets of a file's content.

    Args:
        data: The whole file.
        name: Its name, for messages.

    Raises:
        FileRefused: Empty, or not CSV, XLSX or XLS.
    """
    if not data.strip():
        raise FileRefused("the file is empty", where=name)
    other = _other_form(data)
    if other is not None:
        hint = "Export the rows as XLSX, XLS or CSV; another ending makes no table. 请导出为 XLSX、XLS 或 CSV 格式。"
        raise FileRefused("the file is no table", expected="XLSX, XLS or CSV", got=other, where=name, hint=hint)
    if workbook.is_workbook(data):
        return workbook.read(data, name)
    return [delimited.read(data, name)]


def _other_form(data: bytes) -> str | None:
    if workbook.is_workbook(data):
        return "a Word document" if _WORD in data and _EXCEL not in data else None
    begin = data[:64].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((form for mark, form in _OTHERS if begin.startswith(mark)), None)
