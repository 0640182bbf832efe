"""The total row of a file against the sum of its rows, as clerks expect it to be checked."""

from typing import NamedTuple

from chainsvc_adapters.amounts import amount
from chainsvc_adapters.cells import CellRefused, clean
from chainsvc_adapters.export import Export
from chainsvc_adapters.feeds.sheet import Row


class TotalCheck(NamedTuple):
    """What the file says, and what its rows add up to.

    Attributes:
        row: 1-based number of the total row, None where the file has none.
        column: The amount column's name in the file.
        stated: Its amount in fen, None where there is no total row or its amount is not readable.
        summed: Sum of all rows whose amount is readable, in fen; refused ones included.
        unread: Row numbers whose amount is not readable.
    """

    row: int | None
    column: str
    stated: int | None
    summed: int
    unread: tuple[int, ...]

    @property
    def difference(self) -> int | None:
        """Stated less summed in fen; None where nothing is stated."""
        return None if self.stated is None else self.stated - self.summed


def check_total(export: Export) -> TotalCheck | None:
    """Compare the total row with the rows; None where the form has no amount."""
    column = next((one for one in export.adapter.columns if one.key == export.adapter.amount_column), None)
    if column is None:
        return None
    table = export.table
    amounts = {row.number: _amount(export, row, column.key) for row in table.rows}
    total = table.total
    return TotalCheck(
        row=total.number if total else None,
        column=export.title(column),
        stated=_amount(export, total, column.key) if total else None,
        summed=sum(fen for fen in amounts.values() if fen is not None),
        unread=tuple(number for number, fen in amounts.items() if fen is None),
    )


def _amount(export: Export, row: Row, key: str) -> int | None:
    try:
        return amount(clean(export.table.cell(row, key))[0])
    except CellRefused:
        return None
