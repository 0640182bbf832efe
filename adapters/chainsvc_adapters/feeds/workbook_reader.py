"""The process that reads one workbook: bytes on standard input, sheets on standard output.

Run by :mod:`chainsvc_adapters.feeds.workbook`, never imported: the native reader keeps a sheet as one
dense block, and a hostile file that names a far corner cell makes it abort. Only this process dies then.
It imports nothing of the project, so that it starts fast.
"""

import io
import pickle
import sys

from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

MAX_MEMORY_BYTES = 6 * 1024 * 1024 * 1024
"""Address space of this process; a million wide rows need about 2 GiB."""


def limit_memory() -> None:
    """Let a block that is too large fail at once, before it drives other programs out of memory."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415  it does not exist on Windows

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))


def read(data: bytes) -> list[tuple[str, list[list[object]]]]:
    """Return (title, rows) of each visible sheet; rows and columns before the first cell are kept, empty."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return [
        (sheet.name, [list(row) for row in book.get_sheet_by_name(sheet.name).to_python(skip_empty_area=False)])
        for sheet in book.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    ]


def main() -> None:
    """Read the workbook; say why not on standard error, with exit status 1."""
    limit_memory()
    try:
        sheets = read(sys.stdin.buffer.read())
    except BaseException as error:  # noqa: BLE001  a panic of the native reader is no Exception
        sys.exit(str(error) or type(error).__name__)
    pickle.dump(sheets, sys.stdout.buffer, protocol=pickle.HIGHEST_PROTOCOL)


if __name__ == "__main__":
    main()
