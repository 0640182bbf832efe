"""Sheets become tables: the header is found by its names, banner, totals and footers are told apart from rows."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chainsvc.errors import FileRefused
from chainsvc_adapters.cells import clean, is_blank, is_damaged
from chainsvc_adapters.feeds.sheet import Cell, Row, Sheet

HEADER_WITHIN = 20
"""The header stands within this many rows from the top."""

ADDED = ("行号", "列", "原因")
"""Columns that a corrections file adds; every adapter ignores them."""

_TOTAL = re.compile(r"(?:本页|本表|本月|累计)?(?:合计|总计|小计|共计|总合计)(?:金额)?[:：]?")
_SUBTOTAL = re.compile(r".*小计[:：]?|本页.*")
_FOOTER = re.compile(r"(?:制表|填表|填报|审核|复核|经办|负责|主管|单位|备注|说明|注)[^:：]{0,8}[:：].*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a form.

    Attributes:
        key: Its name in the code.
        headers: Names it goes by, as they stand after :func:`plain`; the first is shown to clerks.
        read: Reads a cleaned cell, or raises CellRefused.
        pointers: Where its value stands in the record; a problem there is this column's.
        must: Whether the file has to have it; an absent one reads as an empty cell.
        citizen: Whether it holds citizen numbers, which spreadsheet programs damage.
    """

    key: str
    headers: tuple[str, ...]
    read: Callable[[Cell], Any]
    pointers: tuple[str, ...] = ()
    must: bool = True
    citizen: bool = False

    @property
    def title(self) -> str:
        """The name shown to clerks."""
        return self.headers[0]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row below the header that is no record.

    Attributes:
        number: 1-based row number.
        why: ``total``, ``subtotal``, ``footer`` or ``header``.
    """

    number: int
    why: str


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet whose header an adapter knows.

    Attributes:
        sheet: Where it stands.
        banner: Rows above the header.
        header: The header row.
        places: Cell index of each column found, by key.
        rows: Rows that should be records.
        total: The last row that sums up the whole, or None.
        skipped: Rows that are no records, and why.
        damaged: Keys of columns in which a spreadsheet program cut at least one citizen number.
    """

    sheet: Sheet
    banner: tuple[Row, ...]
    header: Row
    places: Mapping[str, int]
    rows: tuple[Row, ...]
    total: Row | None
    skipped: tuple[Skipped, ...]
    damaged: frozenset[str]

    def cell(self, row: Row, key: str) -> Cell:
        """Return the raw cell of a column, ``""`` where the row or the file has none."""
        place = self.places.get(key)
        return "" if place is None or place >= len(row.cells) else row.cells[place]

    def overflow(self, row: Row) -> bool:
        """Whether the row has content beyond the header's last column."""
        return any(not is_blank(clean(cell)[0]) for cell in row.cells[len(self.header.cells) :])


def plain(header: Cell) -> str:
    """Return a header's name without blanks, line breaks and marks of obligation, full-width signs made plain."""
    return re.sub(r"[\s*]", "", unicodedata.normalize("NFKC", str(header)))


def find_table(sheet: Sheet, columns: Sequence[Column]) -> Table | None:
    """Find the header that has all obligatory columns, and the rows below it; None where there is none.

    Raises:
        FileRefused: Two columns of the header claim the same name.
    """
    for index, row in enumerate(sheet.rows[:HEADER_WITHIN]):
        places = _places(row, columns, sheet.source)
        if all(column.key in places for column in columns if column.must):
            return _table(sheet, index, places, columns)
    return None


def missing_columns(sheet: Sheet, columns: Sequence[Column]) -> list[str]:
    """Name the obligatory columns that the header most like this form lacks."""
    best: set[str] = set()
    for row in sheet.rows[:HEADER_WITHIN]:
        names = {plain(cell) for cell in row.cells}
        found = {column.key for column in columns if names & set(column.headers)}
        best = max(best, found, key=len)
    return [column.title for column in columns if column.must and column.key not in best]


def _places(row: Row, columns: Sequence[Column], source: str) -> dict[str, int]:
    names = [plain(cell) for cell in row.cells]
    places = {}
    for column in columns:
        found = [index for index, name in enumerate(names) if name in column.headers]
        if len(found) > 1:
            where = f"{source}:{row.number}"
            raise FileRefused(f"two columns claim to be {column.title}", where=where, hint="Keep one of them.")
        if found:
            places[column.key] = found[0]
    return places


def _table(sheet: Sheet, index: int, places: Mapping[str, int], columns: Sequence[Column]) -> Table:
    header = _trimmed(sheet.rows[index])
    rows, totals, skipped = [], [], []
    for row in sheet.rows[index + 1 :]:
        why = _why_no_record(row, header)
        if why is None:
            rows.append(row)
        elif why != "blank":
            skipped.append(Skipped(row.number, why))
        if why == "total":
            totals.append(row)
    total = totals[-1] if totals else None
    damaged = frozenset(_damaged(rows, places, columns))
    return Table(sheet, sheet.rows[:index], header, places, tuple(rows), total, tuple(skipped), damaged)


def _trimmed(header: Row) -> Row:
    """Drop empty cells after the last name."""
    used = max(index for index, cell in enumerate(header.cells) if not is_blank(clean(cell)[0]))
    return Row(header.number, header.cells[: used + 1])


def _why_no_record(row: Row, header: Row) -> str | None:
    filled = [cell for raw in row.cells if not is_blank(cell := clean(raw)[0])]
    if not filled:
        return "blank"
    if row.cells[: len(header.cells)] == header.cells:
        return "header"  # printed again on each page
    first = plain(filled[0])
    if _TOTAL.fullmatch(first):
        return "subtotal" if _SUBTOTAL.fullmatch(first) else "total"
    # A footer line has a few signatures; a row of data that begins like one has more cells.
    if _FOOTER.fullmatch(first) and len(filled) * 2 < len(header.cells):
        return "footer"
    return None


def _damaged(rows: Sequence[Row], places: Mapping[str, int], columns: Sequence[Column]) -> Iterator[str]:
    for column in columns:
        place = places.get(column.key)
        if column.citizen and place is not None:
            cells = (clean(row.cells[place])[0] for row in rows if place < len(row.cells))
            if any(is_damaged(cell) for cell in cells):
                yield column.key
