"""Any number of windows, one after the other: the next is made ready while the former is with the service.

A request is sent when the former one was answered to its end, so the service meets records in the order given:
revisions after what they revise, spending after the donations that it spends. What is read of an answer overlaps with
the service's work on the next request.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from chainsvc.client.bulk.answers import is_whole
from chainsvc.client.bulk.delivery import Answer, Service, of_each
from chainsvc.client.bulk.lines import Parcel
from chainsvc.client.bulk.windows import Draft, Window
from chainsvc.client.exchange import Await, Begin, Steps, Ticket
from chainsvc.client.handover import Outcome
from chainsvc.errors import ChainsvcError

Progress = Callable[[int, int | None], None]
"""Called with (records answered, records in all or None) after each window."""


class _Flight(NamedTuple):
    parcel: Parcel
    ticket: Ticket


@dataclass(slots=True)
class Stream:
    """One run over an iterable.

    Attributes:
        service: Where records go.
        progress: Told after each window.
        total: How many records there are, where that is known.
        done: How many are answered.
    """

    service: Service
    progress: Progress | None = None
    total: int | None = None
    done: int = 0
    _windows: deque[Window] = field(default_factory=deque)
    _flight: _Flight | None = None

    def push(self, window: Window) -> Steps[list[Outcome]]:
        """Take one more window; return the outcomes of earlier ones that are complete.

        Raises:
            Unavailable: The service is away; what has no outcome is safe to send again.
            AccessDenied: The key is not known.
            SignatureRefused: An answer that is not the service's promise for what was sent.
        """
        self._windows.append(window)
        for ledger, drafts in window.ledgers():
            yield from self._ledger(window, ledger, drafts)
        return self._completed()

    def finish(self) -> Steps[list[Outcome]]:
        """Wait for what is under way and return the remaining outcomes; raises as :meth:`push`."""
        yield from self._land()
        return self._completed()

    def abandon(self) -> None:
        """Wait for nothing more."""
        if self._flight is not None:
            self._flight.ticket.cancel()

    def unfinished(self) -> Iterator[Window]:
        """Yield the windows whose outcomes were not returned, in order."""
        while self._windows:
            yield self._windows.popleft()

    def give_out(self, window: Window) -> list[Outcome]:
        """Return a window's outcomes, and tell that they are done."""
        self.done += len(window.outcomes)
        if self.progress is not None:
            self.progress(self.done, self.total)
        return [outcome for outcome in window.outcomes if outcome is not None]

    def _completed(self) -> list[Outcome]:
        outcomes: list[Outcome] = []
        while self._windows and None not in self._windows[0].outcomes:
            outcomes += self.give_out(self._windows.popleft())
        return outcomes

    def _ledger(self, window: Window, ledger: str, drafts: Sequence[Draft]) -> Steps[None]:
        """What refuses a ledger's records as a whole refuses each of them; what refuses everything, raises."""
        try:
            facts = yield from self.service.facts(ledger)
            by_chunks = facts.signed or not self.service.bulk
            parcel = None if by_chunks else Parcel.of(self.service.handover, window, facts, drafts)
        except ChainsvcError as error:
            window.refuse(drafts, of_each(error))
            return
        if parcel is None:
            yield from self._land()
            yield from self.service.by_chunks(window, facts, drafts)
        elif parcel.items:
            yield from self._launch(parcel)

    def _launch(self, parcel: Parcel) -> Steps[None]:
        """Send a parcel as soon as the former one is answered, and only then read what was answered."""
        call = self.service.call(parcel, parcel.unanswered())
        former, self._flight = self._flight, None
        answer = None if former is None else (yield from _arrival(former))
        if former is not None and not (isinstance(answer, bytes) and is_whole(answer)):
            yield from self.service.complete(former.parcel, answer)  # before anything after it is sent
            former = None
        if not self.service.bulk:
            yield from self.service.by_chunks(parcel.window, parcel.facts, parcel.drafts)
            return
        self._flight = _Flight(parcel, (yield Begin(call)))
        if former is not None:
            yield from self.service.complete(former.parcel, answer)

    def _land(self) -> Steps[None]:
        flight, self._flight = self._flight, None
        if flight is not None:
            yield from self.service.complete(flight.parcel, (yield from _arrival(flight)))


def _arrival(flight: _Flight) -> Steps[Answer]:
    try:
        body: bytes | None = yield Await(flight.ticket)
    except ChainsvcError as error:
        return error
    return body
