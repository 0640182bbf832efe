"""Workbooks: XLSX and XLS by python-calamine, in a process of its own."""

import io
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Literal

from chainsvc.errors import FileRefused
from chainsvc_adapters.feeds.sheet import Layout, Row, Sheet

MAX_UNPACKED_BYTES = 2 * 1024 * 1024 * 1024
"""Most bytes that an XLSX may unpack to; a million wide rows have about 1 GiB."""

READ_SECONDS = 600
"""Longest time for one workbook; a million wide rows take about a minute."""

_ZIP = b"PK\x03\x04"
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_READER = Path(__file__).with_name("workbook_reader.py")


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
    # The reader's own output, no foreign pickle: it writes texts, numbers and dates.
    sheets = pickle.loads(_run_reader(data, name))  # noqa: S301
    return [
        Sheet(name, Layout(kind, title=title), tuple(Row(n, tuple(cells)) for n, cells in enumerate(rows, start=1)))
        for title, rows in sheets
    ]


def _run_reader(data: bytes, name: str) -> bytes:
    command = [sys.executable, "-I", str(_READER)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=READ_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise _unreadable(name, f"not done after {READ_SECONDS} s") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise _unreadable(name, said[-1] if said and done.returncode > 0 else "the reader gave up")
    return done.stdout


def _unreadable(name: str, why: str) -> FileRefused:
    hint = "Open it, remove a password if there is one, save it as XLSX and send it again."
    return FileRefused(f"not readable as a workbook: {why}", where=name, hint=hint)


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
