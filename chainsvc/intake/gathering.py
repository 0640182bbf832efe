"""Group commit: single records that arrive together share one transaction, one chunk and one signature.

Nothing waits for company: while one group of a ledger is being stored, the next gathers. Each sender is answered
after the commit of its group.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from chainsvc.intake.chunk import Outcome

LARGEST_GROUP = 1_000
"""Most records of one group."""

_THREADS = 4
"""Ledgers that are written to at once."""


class Book(NamedTuple):
    """What a group has in common.

    Attributes:
        ledger: Name.
        submitted_by: Id of the API key.
    """

    ledger: str
    submitted_by: str | None


Together: TypeAlias = Callable[[Book, Sequence[bytes]], Sequence[Outcome]]
"""Accepts records as one chunk; the outcomes stand in their order."""

_Waiting: TypeAlias = tuple[bytes, Future[Outcome]]


@dataclass(slots=True)
class Gathering:
    """Groups records by ledger and sender; thread-safe.

    Attributes:
        together: Stores a group.
    """

    together: Together
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: dict[Book, list[_Waiting]] = field(default_factory=dict)
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_THREADS, "gathering"))

    def add(self, book: Book, record: bytes) -> Future[Outcome]:
        """Add a record, canonical or not; its outcome comes after its commit, or its group's error."""
        outcome: Future[Outcome] = Future()
        with self._lock:
            idle = book not in self._waiting
            self._waiting.setdefault(book, []).append((record, outcome))
        if idle:
            self._threads.submit(self._work, book)
        return outcome

    def close(self) -> None:
        """Finish what is waiting, and end."""
        self._threads.shutdown()

    def _work(self, book: Book) -> None:
        """Store groups of a book, one after the other, until nobody waits."""
        while group := self._next(book):
            # Who left before his turn has cancelled; from here on nobody can.
            staying = [(record, outcome) for record, outcome in group if outcome.set_running_or_notify_cancel()]
            if staying:
                self._settle(book, staying)

    def _settle(self, book: Book, group: Sequence[_Waiting]) -> None:
        try:
            answers = self.together(book, [record for record, _ in group])
        except Exception as error:  # noqa: BLE001 - each sender's own to handle
            for _, outcome in group:
                outcome.set_exception(error)
            return
        for (_, outcome), answer in zip(group, answers, strict=True):
            outcome.set_result(answer)

    def _next(self, book: Book) -> list[_Waiting]:
        with self._lock:
            waiting = self._waiting.pop(book)
            if waiting:
                self._waiting[book] = waiting[LARGEST_GROUP:]
            return waiting[:LARGEST_GROUP]
