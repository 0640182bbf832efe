"""What every feed yields: sheets of numbered rows, and the layout to write them back in."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal, NamedTuple

Cell = str | float | int | bool | dt.date | dt.datetime | dt.time | dt.timedelta
"""One cell as the source has it; an empty one is ``""``."""


class Row(NamedTuple):
    """One row of a sheet.

    Attributes:
        number: 1-based, as a spreadsheet program shows it.
        cells: From column A on.
    """

    number: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is written, so that a corrections file comes back in the same form.

    Attributes:
        kind: ``csv`` for any delimited text, ``xlsx``, or ``xls`` (which is written back as ``xlsx``).
        encoding: Python codec of delimited text.
        delimiter: Between cells of delimited text.
        title: Sheet name of a workbook.
    """

    kind: Literal["csv", "xlsx", "xls"]
    encoding: str = "utf-8"
    delimiter: str = ","
    title: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a source file, or all of a delimited one.

    Attributes:
        source: File name, for messages.
        layout: How the file is written.
        rows: All rows from row 1 on.
    """

    source: str
    layout: Layout
    rows: tuple[Row, ...]
