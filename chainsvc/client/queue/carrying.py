"""Notarizing over an outage: what can't go to the service now goes to the queue.

``notarize`` stays what it is: it returns a receipt or raises. While the service is away the record is queued and
:class:`~chainsvc.errors.RecordQueued` raised, which is an ``Unavailable``: who only knows that one sends the record
again later, which is safe, and nobody takes a place in a queue for a receipt. Records of a ledger that has some waiting
go behind them, so that none overtakes.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chainsvc.client.answers import Accepted
from chainsvc.client.bulk.stream import Progress, Stream
from chainsvc.client.bulk.windows import Window, WindowSize
from chainsvc.client.exchange import Steps
from chainsvc.client.handover import Outcome
from chainsvc.client.queue.draining import Drained, Draining
from chainsvc.client.queue.file import Queue
from chainsvc.client.queue.kept import Queued
from chainsvc.errors import ChainsvcError, QueueBusy, RecordQueued, Unavailable
from chainsvc.record import Record


@dataclass(slots=True)
class Carrying:
    """One client's queue, and how it is used.

    Attributes:
        queue: The file.
        stream: Makes a way to the service for many records.
        direct: Notarizes one record without the queue.
        size: Bounds of one request.
    """

    queue: Queue
    stream: Callable[[Progress | None, int | None], Stream]
    direct: Callable[[Record], Steps[Accepted]]
    size: WindowSize

    def drain(self, progress: Progress | None = None) -> Steps[Drained]:
        """Send everything that waits; see :meth:`Draining.run`."""
        return (yield from Draining(self.queue, self.stream(None, None).service, self.size, progress).run())

    def notarize(self, record: Record) -> Steps[Accepted]:
        """Notarize one record, behind those of its ledger that wait.

        Raises:
            RecordQueued: It waits in the queue now.
            ChainsvcError: Its refusal.
        """
        if not self.queue.has_waiting(record.ledger):
            try:
                return (yield from self.direct(record))
            except Unavailable as error:
                raise RecordQueued(_place(self.queue.add([record])[0])) from error
        place = _place(self.queue.add([record])[0])
        try:
            yield from self.drain()
        except (Unavailable, QueueBusy) as error:
            raise RecordQueued(place) from error
        outcome = self.queue.outcome(place)
        if outcome is None:
            raise RecordQueued(place)
        self.queue.drop([place])  # the caller has it now
        if isinstance(outcome, ChainsvcError):
            raise outcome
        return outcome

    def many(self, progress: Progress | None, total: int | None) -> "CarriedStream":
        """Return a way for many records."""
        return CarriedStream(self, self.stream(progress, total))


@dataclass(slots=True)
class CarriedStream:
    """A stream that goes on into the queue from where the service went away.

    Attributes:
        carrying: The queue.
        stream: The way to the service.
        away: The service is away, or its turn has not come: everything is queued from now on.
        begun: What waited before has been seen to.
    """

    carrying: Carrying
    stream: Stream
    away: bool = False
    begun: bool = False

    def push(self, window: Window) -> Steps[list[Outcome]]:
        """Take one more window; the outcome of a queued record is :class:`RecordQueued`.

        Raises:
            QueueFull: The queue takes no more.
            AccessDenied: The key is not known.
            SignatureRefused: An answer that is not the service's promise for what was sent.
        """
        if not self.begun:
            self.begun = True
            yield from self._send_earlier()
        if self.away:
            return self._queue(window)
        try:
            return (yield from self.stream.push(window))
        except Unavailable:
            return self._queue_unfinished()

    def finish(self) -> Steps[list[Outcome]]:
        """Wait for what is under way and return the remaining outcomes; raises as :meth:`push`."""
        try:
            return (yield from self.stream.finish())
        except Unavailable:
            return self._queue_unfinished()

    def abandon(self) -> None:
        """Wait for nothing more."""
        self.stream.abandon()

    def _send_earlier(self) -> Steps[None]:
        if not self.carrying.queue.pending().waiting:
            return
        try:
            yield from self.carrying.drain()
        except (Unavailable, QueueBusy):
            self.away = True

    def _queue_unfinished(self) -> list[Outcome]:
        self.away = True
        return [outcome for window in self.stream.unfinished() for outcome in self._queue(window)]

    def _queue(self, window: Window) -> list[Outcome]:
        """Queue the records of a window that have no outcome yet."""
        waiting = [draft for draft in window.drafts if window.outcomes[draft.place] is None]
        added = self.carrying.queue.add([draft.record for draft in waiting])
        for draft, queued in zip(waiting, added, strict=True):
            window.outcomes[draft.place] = RecordQueued(queued.id) if isinstance(queued, Queued) else queued
        return self.stream.give_out(window)


def _place(queued: Queued | ChainsvcError) -> int:
    if isinstance(queued, ChainsvcError):
        raise queued
    return queued.id
