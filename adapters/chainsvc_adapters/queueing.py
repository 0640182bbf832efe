"""Put an export into a client's local queue, and say what became of every row once it was drained.

A row's records wait for each other there, so that a receipt is never taken whose disbursement was refused. Putting the
same export in again doubles nothing: what waits keeps its place, and the service knows what it has.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from chainsvc.client import Accepted, Queue
from chainsvc.errors import ChainsvcError
from chainsvc.record import Record
from chainsvc_adapters.export import Export
from chainsvc_adapters.send import Summary

GROUPS = 1000
"""Rows that are made durable at a time."""


class QueuedExport:
    """One export on its way through a queue.

    Attributes:
        summary: What became of its rows, as far as is known.
    """

    def __init__(self, export: Export, queue: Queue) -> None:
        """Put nothing in yet."""
        self.summary = Summary()
        self._export = export
        self._queue = queue
        self._ids: dict[int, list[int]] = {}
        self._settled: list[int] = []

    def add(self) -> None:
        """Put every good row in; each is durable when this returns.

        Raises:
            QueueFull: The queue takes no more; put the same export in again when it was drained.
        """
        rows = self._good_rows()
        while part := list(islice(rows, GROUPS)):
            added = self._queue.add_groups([records for _, records in part])
            for (number, _), results in zip(part, added, strict=True):
                errors = [result for result in results if isinstance(result, ChainsvcError)]
                self._ids[number] = [result.id for result in results if not isinstance(result, ChainsvcError)]
                self.summary.refused += [self._export.refusal(number, error) for error in errors[:1]]

    def _good_rows(self) -> Iterator[tuple[int, Sequence[Record]]]:
        for row in self._export.table.rows:
            converted = self._export.convert(row)
            self.summary.refused += converted.refusals
            if converted.records:
                yield row.number, converted.records

    def settled(self) -> Iterator[tuple[Record, Accepted]]:
        """Yield each record that was accepted, and find out about the others; once, after draining."""
        for row in self._export.table.rows:
            if ids := self._ids.get(row.number):
                yield from self._row(row.number, self._export.convert(row).records, ids)
        self.summary.refused.sort()

    def _row(self, number: int, records: Sequence[Record], ids: Sequence[int]) -> Iterator[tuple[Record, Accepted]]:
        refused = False
        for record, place in zip(records, ids, strict=False):  # those behind a bad record have no id
            outcome = self._queue.outcome(place)
            if outcome is None:
                self.summary.queued += not refused
                self.summary.held += [number] * refused
                continue
            self._settled.append(place)
            if isinstance(outcome, Accepted):
                self.summary.take(record, again=outcome.again)
                yield record, outcome
            else:
                refused = True
                self.summary.refused.append(self._export.refusal(number, outcome))

    def forget(self) -> None:
        """Take what was found out of the queue, with the records that wait behind a refused one."""
        self._queue.drop(self._settled)
