"""Sending what waits in the queue: in order, each exactly once.

A crash between the service's answer and its mark here sends a record again; the service knows it and answers with its
first receipt: in custody mode by its reference, in private mode by its commitment, which the store fixed before it was
first sent.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chainsvc.client.answers import Accepted
from chainsvc.client.bulk.delivery import Service
from chainsvc.client.bulk.stream import Progress, Stream
from chainsvc.client.bulk.windows import WindowSize
from chainsvc.client.exchange import Steps
from chainsvc.client.handover import Outcome
from chainsvc.client.queue.file import Queue
from chainsvc.errors import AccessDenied, ChainsvcError, NetworkMismatch, SignatureRefused, Unavailable

_NO_RECORDS_FAULT = (Unavailable, AccessDenied, SignatureRefused, NetworkMismatch)
"""What keeps a ledger's records waiting: mend the key or the service, not the records."""


@dataclass(slots=True)
class Drained:
    """What one drain did.

    Attributes:
        accepted: Records that are new with the service.
        known: Records that it had already, each with its first receipt.
        refused: Records that are dead letters now.
        left: Records that still wait: behind a dead letter, of a stopped ledger, or added meanwhile.
        stopped: By ledger, why none of its records can be sent now.
    """

    accepted: int = 0
    known: int = 0
    refused: int = 0
    left: int = 0
    stopped: dict[str, ChainsvcError] = field(default_factory=dict)

    @property
    def sent(self) -> int:
        """Records that wait no longer."""
        return self.accepted + self.known + self.refused

    def count(self, outcomes: Mapping[int, Outcome]) -> None:
        """Count settled records."""
        for outcome in outcomes.values():
            if isinstance(outcome, ChainsvcError):
                self.refused += 1
            elif outcome.again:
                self.known += 1
            else:
                self.accepted += 1


@dataclass(slots=True)
class Draining:
    """One drain.

    Attributes:
        queue: What waits.
        service: Where it goes.
        size: Bounds of one request.
        progress: Told after each window.
        drained: What was done so far.
    """

    queue: Queue
    service: Service
    size: WindowSize
    progress: Progress | None = None
    drained: Drained = field(default_factory=Drained)
    _sent: deque[tuple[int, str]] = field(default_factory=deque)

    def run(self) -> Steps[Drained]:
        """Send everything that waited when this began.

        Raises:
            Unavailable: The service is away; what was answered is kept, the rest waits.
            QueueBusy: Another is draining.
        """
        with self.queue.draining():
            until, total = self.queue.newest(), self.queue.pending().waiting
            try:
                while (yield from self._pass(until, total)):
                    pass  # what waited for its turn behind a record of this pass may go now
            finally:
                self.queue.wipe()
        self.drained.left = self.queue.pending().waiting
        return self.drained

    def _pass(self, until: int, total: int) -> Steps[bool]:
        """Send what may be sent, and tell whether that changed anything."""
        stream, after, before = Stream(self.service), 0, self.drained.sent
        try:
            while (waiting := self.queue.next(after, until, self.size, self.drained.stopped)) is not None:
                after = waiting.ids[-1]
                ledgers = (draft.record.ledger for draft in waiting.window.drafts)
                self._sent.extend(zip(waiting.ids, ledgers, strict=True))
                self._settle((yield from stream.push(waiting.window)), total)
            self._settle((yield from stream.finish()), total)
        finally:
            stream.abandon()
            self._sent.clear()
        return self.drained.sent > before

    def _settle(self, outcomes: Sequence[Outcome], total: int) -> None:
        settled: dict[int, Outcome] = {}
        for outcome in outcomes:
            place, ledger = self._sent.popleft()
            if isinstance(outcome, _NO_RECORDS_FAULT):
                self.drained.stopped[ledger] = outcome
            elif isinstance(outcome, Accepted) or ledger not in self.drained.stopped:
                settled[place] = outcome
        if settled:
            self.queue.settle(settled)
            self.drained.count(settled)
            if self.progress is not None:
                self.progress(self.drained.sent, max(total, self.drained.sent))
