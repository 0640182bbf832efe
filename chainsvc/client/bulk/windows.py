"""Cutting records into windows: pieces with bounds on lines and bytes, which are sent before more is read."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from chainsvc import jcs
from chainsvc.client.handover import Outcome
from chainsvc.errors import ChainsvcError
from chainsvc.record import Record

Given = Record | Mapping[str, Any]
"""A record as callers give it."""


class WindowSize(NamedTuple):
    """Bounds of one window; the client holds two of them at a time.

    Attributes:
        lines: Most records.
        nbytes: Bytes of canonical records after which no further one is read.
    """

    lines: int = 8192
    nbytes: int = 8 * 1024 * 1024


class Draft(NamedTuple):
    """A record in a window.

    Attributes:
        place: Its place in the window, from 0.
        record: The record.
        data: Its canonical bytes.
    """

    place: int
    record: Record
    data: bytes


@dataclass(slots=True)
class Window:
    """Records in the order given, and what becomes of each.

    Attributes:
        drafts: The records that are some.
        outcomes: One for each record given; None until it is known.
        size: Bytes of all drafts.
    """

    drafts: list[Draft] = field(default_factory=list)
    outcomes: list[Outcome | None] = field(default_factory=list)
    size: int = 0

    def add(self, value: Given) -> None:
        """Take one more; what is no record has its outcome at once."""
        try:
            record = value if isinstance(value, Record) else Record.from_json(dict(value))
            data = jcs.dumps(record.to_json())
        except ChainsvcError as error:
            self.outcomes.append(error)
            return
        self.add_written(record, data)

    def add_written(self, record: Record, data: bytes) -> None:
        """Take a record whose canonical bytes are known."""
        self.drafts.append(Draft(len(self.outcomes), record, data))
        self.outcomes.append(None)
        self.size += len(data)

    def is_full(self, most: WindowSize) -> bool:
        """Tell whether no more should be added."""
        return len(self.outcomes) >= most.lines or self.size >= most.nbytes

    def ledgers(self) -> Iterator[tuple[str, list[Draft]]]:
        """Yield the drafts of each ledger, in their order; a ledger comes where its first record stands."""
        groups: dict[str, list[Draft]] = {}
        for draft in self.drafts:
            groups.setdefault(draft.record.ledger, []).append(draft)
        yield from groups.items()

    def refuse(self, drafts: Iterable[Draft], error: ChainsvcError) -> None:
        """Give these drafts one and the same refusal."""
        for draft in drafts:
            self.outcomes[draft.place] = error


def windows(records: Iterable[Given], most: WindowSize) -> Iterator[Window]:
    """Yield windows, each read when it is asked for."""
    window = Window()
    for record in records:
        window.add(record)
        if window.is_full(most):
            yield window
            window = Window()
    if window.outcomes:
        yield window


async def windows_of_either(records: Iterable[Given] | AsyncIterable[Given], most: WindowSize) -> AsyncIterator[Window]:
    """Yield windows of an iterable of either kind."""
    if isinstance(records, Iterable):
        for window in windows(records, most):
            yield window
        return
    window = Window()
    async for record in records:
        window.add(record)
        if window.is_full(most):
            yield window
            window = Window()
    if window.outcomes:
        yield window


def total_of(records: object) -> int | None:
    """Return how many records there are, None for what is only known at its end."""
    return len(records) if hasattr(records, "__len__") else None
