"""Corrections: the refused rows in a file of the same form, to be mended and sent again.

The file has the source's banner, header and cells, and three columns more: row number in the source,
column and reason. Adapters ignore these, so that the mended file goes in as it is.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from chainsvc_adapters.columns import ADDED, Table, plain
from chainsvc_adapters.export import Export, Refusal
from chainsvc_adapters.feeds.sheet import Cell, Row

_SUFFIX = "_待更正"  # stands between the source's name and its ending
_OF_CORRECTIONS = re.compile(rf"{_SUFFIX}(-\d+)?$")

_FORMULA = ("=", "+", "-", "@")
"""First characters that make a spreadsheet program compute a text of a CSV file."""

_SEPARATOR = "；"
_TEXT_FORMAT = "@"
_WIDTHS = (8, 16, 80)
"""Widths of the three added columns, in characters."""


class _Kept(NamedTuple):
    """Which cells of the source are kept: all but the columns that an earlier corrections file added."""

    places: tuple[int, ...]

    def cells(self, row: Row) -> list[Cell]:
        return [row.cells[index] if index < len(row.cells) else "" for index in self.places]


def corrections_path(source: Path) -> Path:
    """Return where the corrections of a file go: beside it, under a free name; XLS is written back as XLSX.

    A corrections file that is sent gives way to what is left of it. One that is there already when its source is sent
    again may be half mended: it stays, and the new one gets a number.
    """
    if _OF_CORRECTIONS.search(source.stem):
        return source
    ending = ".xlsx" if source.suffix.lower() == ".xls" else source.suffix
    numbers = chain([""], (f"-{number}" for number in count(2)))
    places = (source.with_name(f"{source.stem}{_SUFFIX}{number}{ending}") for number in numbers)
    return next(place for place in places if not place.exists())


def write_corrections(export: Export, refusals: Iterable[Refusal], path: Path) -> int:
    """Write every refused row once, in the order of the file; return their number.

    Nothing is written where nothing was refused.

    Args:
        export: The opened source.
        refusals: The export's own and those of the service, in any order; rows unknown to the export are an error.
        path: Where to write; an existing file is replaced.

    Raises:
        KeyError: A refusal of a row that the export does not have.
    """
    by_row = _by_row(export.table, refusals)
    if not by_row:
        return 0
    table = export.table
    kept = _Kept(tuple(index for index, name in enumerate(table.header.cells) if plain(name) not in ADDED))
    write = _write_csv if table.sheet.layout.kind == "csv" else _write_xlsx
    write(table, kept, by_row, path)
    return len(by_row)


def _by_row(table: Table, refusals: Iterable[Refusal]) -> Mapping[Row, Sequence[Refusal]]:
    rows = {row.number: row for row in table.rows}
    found: dict[int, list[Refusal]] = {}
    for refusal in refusals:
        found.setdefault(rows[refusal.row].number, []).append(refusal)
    return {rows[number]: found[number] for number in sorted(found)}


def _why(refusals: Sequence[Refusal]) -> list[Cell]:
    columns = dict.fromkeys(refusal.column for refusal in refusals if refusal.column)
    reasons = dict.fromkeys(
        f"{refusal.column}: {refusal.reason}" if len(columns) > 1 and refusal.column else refusal.reason
        for refusal in refusals
    )
    return [refusals[0].row, _SEPARATOR.join(columns), _SEPARATOR.join(reasons)]


def _lines(table: Table, kept: _Kept, by_row: Mapping[Row, Sequence[Refusal]]) -> Iterator[list[Cell]]:
    yield [*kept.cells(table.header), *ADDED]
    for row, refusals in by_row.items():
        surplus = row.cells[len(table.header.cells) :]  # stays, so that the row is refused until somebody mends it
        yield [*kept.cells(row), *_why(refusals), *surplus]


def _write_csv(table: Table, kept: _Kept, by_row: Mapping[Row, Sequence[Refusal]], path: Path) -> None:
    form = table.sheet.layout
    with path.open("w", encoding=form.encoding, newline="") as out:
        writer = csv.writer(out, delimiter=form.delimiter)
        for banner in table.banner:
            writer.writerow(banner.cells)
        for line in _lines(table, kept, by_row):
            writer.writerow([_guarded(cell) for cell in line])


def _guarded(cell: Cell) -> Cell:
    """Keep a text from being computed; :func:`chainsvc_adapters.cells.clean` takes the apostrophe off again."""
    text = cell.strip() if isinstance(cell, str) else ""
    return f"'{text}" if text.startswith(_FORMULA) else cell


def _write_xlsx(table: Table, kept: _Kept, by_row: Mapping[Row, Sequence[Refusal]], path: Path) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet(table.sheet.layout.title)
    for place, width in enumerate(_WIDTHS, start=len(kept.places) + 1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    for banner in table.banner:
        sheet.append([_stored(sheet, cell) for cell in banner.cells])
    for number, line in enumerate(_lines(table, kept, by_row)):
        cells = [_stored(sheet, cell) for cell in line]
        if number == 0:
            for cell in cells:
                cell.font = Font(bold=True)
        sheet.append(cells)
    book.save(path)


def _stored(sheet: WriteOnlyWorksheet, value: Cell) -> WriteOnlyCell:
    """Store texts as texts: never as formulas, and in cells formatted so that mended long numbers keep their digits."""
    if not isinstance(value, str):
        return WriteOnlyCell(sheet, value=value)
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub(_escaped, value))
    cell.data_type = "s"
    cell.number_format = _TEXT_FORMAT
    return cell


def _escaped(match: re.Match[str]) -> str:
    """Write a control character as XLSX does (ECMA-376 part 1, ST_Xstring)."""
    return f"_x{ord(match[0]):04X}_"
