"""Files: bytes become sheets. What a file is, its content decides, not its name."""

from pathlib import Path

from chainsvc.errors import FileRefused
from chainsvc_adapters.feeds import delimited, workbook
from chainsvc_adapters.feeds.sheet import Sheet

MAX_FILE_BYTES = 256 * 1024 * 1024
"""Largest file that is read; a million rows of a payment roll have about 100 MiB as CSV."""


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
    if workbook.is_workbook(data):
        return workbook.read(data, name)
    return [delimited.read(data, name)]
