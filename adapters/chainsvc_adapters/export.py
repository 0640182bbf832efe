"""An export opened by its adapter: records and refusals, row by row."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from chainsvc.errors import ChainsvcError, Problem, RecordRefused
from chainsvc.record import Record
from chainsvc.schemas import check_record
from chainsvc_adapters.adapter import Adapter
from chainsvc_adapters.cells import CellRefused, clean, may_be_damaged
from chainsvc_adapters.columns import Column, Skipped, Table
from chainsvc_adapters.drafts import Draft, Ledgers
from chainsvc_adapters.feeds.sheet import Cell, Row


class Refusal(NamedTuple):
    """Why a row is not notarized.

    Attributes:
        row: 1-based row number in the file.
        column: The column's name in the file, ``""`` where the whole row is meant.
        reason: What is wrong and what is expected, for a clerk.
    """

    row: int
    column: str
    reason: str


class Note(NamedTuple):
    """What was changed on the way into a record.

    Attributes:
        row: 1-based row number.
        column: The column's name in the file.
        change: E.g. ``NFC: U+F9D0 became U+985E``.
    """

    row: int
    column: str
    change: str


class Converted(NamedTuple):
    """What became of one row: records, or refusals, never both.

    Attributes:
        records: In the order to be sent.
        refusals: One for each wrong cell.
        notes: Characters that were changed to NFC.
    """

    records: tuple[Record, ...]
    refusals: tuple[Refusal, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Export:
    """A file of a business system, as its adapter reads it.

    Rows are converted when they are asked for; nothing is kept, so a large file needs no more memory
    than its rows.

    Attributes:
        adapter: The form of the file.
        table: Its rows.
        ledgers: Which ledger takes which rows.
    """

    adapter: Adapter
    table: Table
    ledgers: Ledgers

    @property
    def records(self) -> Iterator[tuple[int, Record]]:
        """All good records with their row numbers, in the order of the file; a new iterator each time."""
        return ((row.number, record) for row in self.table.rows for record in self.convert(row).records)

    @cached_property
    def refusals(self) -> tuple[Refusal, ...]:
        """Every wrong cell, in the order of the file."""
        return tuple(refusal for row in self.table.rows for refusal in self.convert(row).refusals)

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """Every change of characters, in the order of the file."""
        return tuple(note for row in self.table.rows for note in self.convert(row).notes)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Rows that are no records: totals, footers, repeated headers."""
        return self.table.skipped

    def convert(self, row: Row) -> Converted:
        """Convert one row: all of its records pass all checks, or none is given."""
        values, refusals, notes = self._read(row)
        if refusals:
            return Converted((), refusals, notes)
        records: list[Record] = []
        try:
            for draft in self.adapter.drafts(values):
                record = draft.to_record(self._ledger(draft))
                check_record(record)
                records.append(record)
        except RecordRefused as error:
            return Converted((), tuple(self._blame(row, problem) for problem in error.problems), notes)
        except CellRefused as error:
            return Converted((), (Refusal(row.number, error.where or "", reason(error)),), notes)
        return Converted(tuple(records), (), notes)

    def _read(self, row: Row) -> tuple[dict[str, Any], tuple[Refusal, ...], tuple[Note, ...]]:
        values: dict[str, Any] = {}
        refusals, notes = [], []
        if self.table.overflow(row):
            refusals.append(Refusal(row.number, "", _OVERFLOW))
        for column in self.adapter.columns:
            cell, change = clean(self.table.cell(row, column.key))
            if change:
                notes.append(Note(row.number, self.title(column), change))
            try:
                values[column.key] = self._value(column, cell)
            except CellRefused as error:
                refusals.append(Refusal(row.number, self.title(column), reason(error)))
        return values, tuple(refusals), tuple(notes)

    def _value(self, column: Column, cell: Cell) -> Any:
        if column.key in self.table.damaged and may_be_damaged(cell):
            raise CellRefused(_NEIGHBOURS, hint="Format the column as text and export it again.")
        return column.read(cell)

    def _ledger(self, draft: Draft) -> str:
        ledger = self.ledgers.find(draft.keys)
        if ledger is None:
            raise CellRefused(
                "no ledger is configured for it (未配置对应账本)",
                expected="one of " + "、".join(self.ledgers.names),
                got=draft.keys[0],
                where=self._title_of(self.adapter.ledger_column),
            )
        return ledger

    def refusal(self, row: int, error: ChainsvcError) -> Refusal:
        """Turn an answer of the notary into a refusal of the row, with the column that it points at."""
        return Refusal(row, self._blamed(error.where), reason(error))

    def _blame(self, row: Row, problem: Problem) -> Refusal:
        return Refusal(row.number, self._blamed(problem.pointer), reason(problem))

    def _blamed(self, pointer: str | None) -> str:
        """Find the column whose value stands at a place of the record."""
        return next((self.title(column) for column in self.adapter.columns if pointer in column.pointers), "")

    def _title_of(self, key: str) -> str:
        return next(self.title(column) for column in self.adapter.columns if column.key == key)

    def title(self, column: Column) -> str:
        """Return the column's name as this file writes it."""
        place = self.table.places.get(column.key)
        return column.title if place is None else str(self.table.header.cells[place]).strip()


def reason(fault: ChainsvcError | Problem) -> str:
    """Return what is wrong, what was expected and what came, as one line."""
    parts = [fault.message]
    if fault.expected is not None:
        parts.append(f"expected {fault.expected}")
    if fault.got is not None:
        parts.append(f"got {fault.got}")
    line = "; ".join(parts)
    hint = getattr(fault, "hint", None)
    return f"{line}. {hint}" if hint else line


_OVERFLOW = "the row has more cells than the header, perhaps by a comma inside an amount (单元格多于表头)"
_NEIGHBOURS = (
    "ends in 000, while other numbers of this column were damaged by the spreadsheet program "
    "(同列其他号码已被表格软件截断,此号码不可信)"
)
