"""Send an export to a notary in chunks, and say what became of every row.

Sending again is safe: the notary answers a record that it has with the first receipt. So after a crash
or an outage the same file is simply sent again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from chainsvc.errors import ChainsvcError
from chainsvc.record import Record
from chainsvc_adapters.export import Export, Refusal
from chainsvc_adapters.feeds.sheet import Row

CHUNK = 4096
"""Most records of one call."""

Progress = Callable[[int, int], None]
"""Called with (rows done, rows in all) after each call; a row counts once its first record is answered."""


class Acceptance(Protocol):
    """What a notary answers for a record that is durable."""

    @property
    def again(self) -> bool:
        """Whether it was there already; the receipt is then the first one."""
        ...


class Notary(Protocol):
    """Whoever takes records: the client of the service."""

    def notarize(self, records: Sequence[Record]) -> Sequence[Acceptance | ChainsvcError]:
        """Take records of one ledger, up to ``CHUNK`` of them, answer each in its place.

        Raises:
            ChainsvcError: Nothing can be taken now; the same call may be made again.
        """
        ...


@dataclass(slots=True)
class Sums:
    """Sums of what one ledger has taken from an export, in fen.

    Attributes:
        records: How many.
        credit: Their credit.
        debit: Their debit.
    """

    records: int = 0
    credit: int = 0
    debit: int = 0

    def add(self, record: Record) -> None:
        """Count one more."""
        self.records += 1
        self.credit += record.credit
        self.debit += record.debit


@dataclass(slots=True)
class Summary:
    """What became of an export.

    Attributes:
        sent: Records that are new with the notary.
        again: Records that were there already.
        refused: Rows that are not, or not wholly, notarized, with the reasons; the export's own and the notary's.
        held: Row numbers of which a later record was not sent, since an earlier one was refused.
        ledgers: Sums of sent and again by ledger.
        queued: Records that wait in the local queue.
    """

    sent: int = 0
    again: int = 0
    refused: list[Refusal] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    ledgers: dict[str, Sums] = field(default_factory=dict)
    queued: int = 0

    def take(self, record: Record, *, again: bool) -> None:
        """Count a record that the notary has."""
        if again:
            self.again += 1
        else:
            self.sent += 1
        self.ledgers.setdefault(record.ledger, Sums()).add(record)


class _Item(NamedTuple):
    row: int
    record: Record


def send(export: Export, notary: Notary, *, progress: Progress | None = None, chunk: int = CHUNK) -> Summary:
    """Send every good row, in the order of the file within each ledger.

    The records of one row go in separate calls, so that a receipt is never taken whose disbursement was
    refused. Donations go before disbursements: the order of files is the caller's.

    Args:
        export: The opened file.
        notary: Who takes the records.
        progress: Told after each call.
        chunk: Most records of one call.

    Raises:
        ChainsvcError: The notary takes nothing now; what was sent is safe, send the file again.
    """
    return _Sending(export, notary, progress, chunk).run()


class _Sending:
    """One run: a waiting line for each ledger, the rows refused so far, and the summary."""

    def __init__(self, export: Export, notary: Notary, progress: Progress | None, chunk: int) -> None:
        self.export = export
        self.notary = notary
        self.progress = progress
        self.chunk = chunk
        self.lines: dict[str, list[_Item]] = {}
        self.refused: set[int] = set()
        self.done: set[int] = set()
        self.summary = Summary()

    def run(self) -> Summary:
        for row in self.export.table.rows:
            self._queue(row)
        for line in self.lines.values():
            while line:
                self._call(line)
        self.summary.refused.sort()
        return self.summary

    def _queue(self, row: Row) -> None:
        converted = self.export.convert(row)
        self.summary.refused += converted.refusals
        if converted.refusals:
            self.done.add(row.number)
        for record in converted.records:
            line = self.lines.setdefault(record.ledger, [])
            line += self._not_held([_Item(row.number, record)])
            if len(line) >= self.chunk:
                self._call(line)

    def _call(self, line: list[_Item]) -> None:
        """Send the first record of each row that waits; its further ones wait for the answer."""
        ready, later = _first_of_each_row(line)
        answers = self.notary.notarize([item.record for item in ready])
        for item, answer in zip(ready, answers, strict=True):
            self._note(item, answer)
        line[:] = self._not_held(later)
        self.done.update(item.row for item in ready)
        if self.progress is not None:
            self.progress(len(self.done), len(self.export.table.rows))

    def _note(self, item: _Item, answer: Acceptance | ChainsvcError) -> None:
        if isinstance(answer, ChainsvcError):
            self.refused.add(item.row)
            self.summary.refused.append(self.export.refusal(item.row, answer))
            return
        self.summary.take(item.record, again=answer.again)

    def _not_held(self, items: Sequence[_Item]) -> list[_Item]:
        self.summary.held += [item.row for item in items if item.row in self.refused]
        return [item for item in items if item.row not in self.refused]


def _first_of_each_row(line: Sequence[_Item]) -> tuple[list[_Item], list[_Item]]:
    ready: dict[int, _Item] = {}
    later = []
    for item in line:
        if item.row in ready:
            later.append(item)
        else:
            ready[item.row] = item
    return list(ready.values()), later
