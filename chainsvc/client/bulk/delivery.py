"""Getting every record of a parcel answered, whatever becomes of single answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chainsvc.client.answers import LedgerFacts
from chainsvc.client.bulk.answers import Reading
from chainsvc.client.bulk.lines import Parcel
from chainsvc.client.bulk.windows import Draft, Window
from chainsvc.client.exchange import Call, Pause, Steps
from chainsvc.client.handover import LARGEST_CHUNK, Handover
from chainsvc.errors import AccessDenied, BodyTooLarge, ChainsvcError, Forbidden, ServiceUnavailable, Unavailable

Answer = bytes | ChainsvcError | None
"""What one request brought: a body, perhaps cut; a refusal; None where the service does not know the call."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _SLOWER = 0.1, 5.0, 2.0


@dataclass(slots=True)
class Service:
    """Where records go, as the client knows it.

    Attributes:
        handover: How records are handed over.
        facts: Asks for a ledger's facts.
        clock: Monotonic seconds.
        compress: Bodies are compressed: the service is on another machine.
        retry_s: Seconds without any progress after which the service is away.
        bulk: The service has the bulk routes, as far as is known.
    """

    handover: Handover
    facts: Callable[[str], Steps[LedgerFacts]]
    clock: Callable[[], float]
    compress: bool
    retry_s: float
    bulk: bool = True

    def call(self, parcel: Parcel, asked: Sequence[int]) -> Call[bytes | None]:
        """Return the call that sends these items of a parcel."""
        return parcel.call(self.handover, asked, compress=self.compress)

    def complete(self, parcel: Parcel, answer: Answer) -> Steps[None]:
        """Take the answer to a parcel that was sent, and send again what it leaves open until nothing is.

        Raises:
            Unavailable: No further line was answered for ``retry_s``; what was sent is safe to send again.
            AccessDenied: The key is not known.
            SignatureRefused: An answer that is not the service's promise for what was sent.
        """
        asked, patience = parcel.unanswered(), _Patience(self.clock, self.retry_s)
        most = len(asked)
        while True:
            if answer is None:
                yield from self._by_chunks_from_now(parcel)
            elif isinstance(answer, BodyTooLarge) and len(asked) > 1:
                most = len(asked) // 2
            elif (pause := self._take(parcel, asked, answer, patience)) is not None:
                yield Pause(pause)
            asked = parcel.unanswered()[:most]
            if not asked:
                break
            answer = yield from attempt(self.call(parcel, asked))
        self.handover.keep_receipts(parcel.results)
        parcel.deliver()

    def _take(
        self, parcel: Parcel, asked: Sequence[int], answer: bytes | ChainsvcError, patience: "_Patience"
    ) -> float | None:
        """Take one answer; return seconds to wait when it answered nothing."""
        if isinstance(answer, ChainsvcError):
            stopped: ChainsvcError | None = answer
        else:
            reading = Reading(self.handover, parcel, asked)
            reading.take(answer)
            stopped = reading.stopped
        rest = [index for index in asked if parcel.results[index] is None]
        if stopped is not None and (isinstance(answer, ChainsvcError) or not isinstance(stopped, Unavailable)):
            for index in rest:
                parcel.results[index] = of_each(stopped)
            return None
        if len(rest) == len(asked):
            return patience.pause(stopped)
        patience.renew()
        return None

    def _by_chunks_from_now(self, parcel: Parcel) -> Steps[None]:
        yield from self.by_chunks(parcel.window, parcel.facts, parcel.drafts)
        parcel.results = [parcel.window.outcomes[draft.place] for draft in parcel.drafts]
        self.bulk = False

    def by_chunks(self, window: Window, facts: LedgerFacts, drafts: Sequence[Draft]) -> Steps[None]:
        """Send by the route of single chunks.

        A signed chunk goes in whole or not at all, and what is left of a mixed one is signed anew before anything
        after it is sent, so that these can't go ahead of each other. A service without bulk routes has no other way.
        """
        for start in range(0, len(drafts), LARGEST_CHUNK):
            part = drafts[start : start + LARGEST_CHUNK]
            try:
                outcomes = yield from self.handover.chunk(facts, [draft.record for draft in part])
            except ChainsvcError as error:
                window.refuse(part, of_each(error))
                continue
            for draft, outcome in zip(part, outcomes, strict=True):
                window.outcomes[draft.place] = outcome


def attempt(call: Call[bytes | None]) -> Steps[Answer]:
    """Send a call and return its answer or its refusal."""
    try:
        body: bytes | None = yield call
    except ChainsvcError as error:
        return error
    return body


def of_each(error: ChainsvcError) -> ChainsvcError:
    """Return what refuses a ledger's records as a whole, to be the outcome of each.

    Raises:
        Unavailable: That refuses no record.
        AccessDenied: The same, of any ledger.
    """
    if isinstance(error, Unavailable | AccessDenied) and not isinstance(error, Forbidden):
        raise error
    return error


@dataclass(slots=True)
class _Patience:
    """How long answers without progress are taken."""

    clock: Callable[[], float]
    retry_s: float
    since: float | None = None
    wait_s: float = field(default=_FIRST_PAUSE_S)

    def renew(self) -> None:
        """Note progress."""
        self.since, self.wait_s = None, _FIRST_PAUSE_S

    def pause(self, error: ChainsvcError | None) -> float:
        """Return how long to wait before the next attempt."""
        now = self.clock()
        self.since = now if self.since is None else self.since
        if now - self.since + self.wait_s > self.retry_s:
            raise error or ServiceUnavailable("the service answers only a part of what is sent", got="a cut answer")
        wait, self.wait_s = self.wait_s, min(self.wait_s * _SLOWER, _LONGEST_PAUSE_S)
        return wait
