"""Webhooks: the outbox is delivered, at least once, signed, with retries, by any number of processes at once.

======== ============================================== ===========================================
step     durable before the next                        a crash before it leaves
======== ============================================== ===========================================
1 write  event and deliveries, with what they tell of   nothing to tell
2 claim  who is at it, until its lease ends (a commit)  a delivery that is due
3 send   nothing; the receiver may have it              a claim that runs out: it is sent again
4 record delivered, the next attempt, or dead           the same, under the same message id
======== ============================================== ===========================================

A slow endpoint holds no other up: it has a few of the places, each attempt ends in time, and one that fails is left
alone for longer and longer, but for a single attempt in between.
"""

import asyncio
import math
import random
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from sqlalchemy import Connection, Engine

from chainsvc import metrics
from chainsvc.crypto.envelope import Envelope
from chainsvc.errors import Unavailable
from chainsvc.journal import claims, deliveries, endpoints, outbox
from chainsvc.journal.claims import Claim
from chainsvc.journal.deliveries import message_id
from chainsvc.logs import get_logger
from chainsvc.settings import Settings
from chainsvc.webhooks.addresses import AddressRules, addresses_of
from chainsvc.webhooks.calling import Answer, Courier, Resolve, tls_of
from chainsvc.webhooks.schedule import again_in, pause

__all__ = ["Deliverer", "rules_of"]

log = get_logger(__name__)

_GONE = 410
_LEASE_MARGIN_S = 30  # beyond the longest attempt: for a database that is slow to take the outcome
_TEND_S = 30.0  # how often overdue receipts are looked for and old events forgotten
_OUTAGE_PAUSE_S = 5.0


def rules_of(settings: Settings) -> AddressRules:
    """Return what webhooks may go to."""
    return AddressRules(tuple(settings.webhook_allowed_networks), settings.webhook_allow_http)


class Deliverer:
    """Delivers in a thread of its own.

    Attributes:
        outage: Why nothing is delivered at present, in words; None while all goes.
    """

    def __init__(
        self, engine: Engine, envelope: Envelope, settings: Settings, *, resolve: Resolve = addresses_of
    ) -> None:
        """Prepare; nothing is sent before :meth:`start` or :meth:`drain`.

        Args:
            engine: The journal.
            envelope: Opens the endpoints' keys.
            settings: Limits and waits.
            resolve: Asks for a name's addresses.

        Raises:
            ConfigurationRefused: The file of certificates can't be read.
        """
        self._engine = engine
        self._envelope = envelope
        self._settings = settings
        self._resolve = resolve
        self._tls = tls_of(settings.webhook_ca_file)
        self._random = random.SystemRandom().random
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._under_way: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._tended_at = -math.inf
        self.outage: str | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._work()), name="webhooks", daemon=True)
        self._thread.start()

    def stop(self, patience_s: float) -> None:
        """Claim nothing more, and end when the attempts under way have; what is open goes on with the next start."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(patience_s)

    def drain(self) -> int:
        """Make every attempt that is due, and return how many that were.

        Raises:
            Unavailable: The database does not answer.
        """
        return asyncio.run(self._drain())

    async def _drain(self) -> int:
        made = 0
        async with self._courier() as courier:
            while True:
                started = await self._start_due(courier)
                made += started
                if not started and not self._tasks:
                    return made
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def _work(self) -> None:
        async with self._courier() as courier:
            while not self._stopping.is_set():
                rest = self._settings.poll_s
                try:
                    await self._tend()
                    await self._start_due(courier)
                    self.outage = None
                except Unavailable as error:
                    rest = self._note_outage(str(error))
                except Exception as error:  # the next round starts from durable state; a bug must not stop it for good
                    log.exception("webhooks_failed")
                    rest = self._note_outage(f"webhooks failed: {type(error).__name__}: {error}")
                await self._rest(rest)
            if self._tasks:
                await asyncio.wait(self._tasks)

    @asynccontextmanager
    async def _courier(self) -> AsyncIterator[Courier]:
        settings = self._settings
        names = ThreadPoolExecutor(settings.webhook_concurrency, "names")
        timeout_s = settings.webhook_timeout_s
        courier = Courier(rules_of(settings), timeout_s, names, tls=self._tls, resolve=self._resolve)
        try:
            yield courier
        finally:
            await courier.close()
            names.shutdown(wait=False, cancel_futures=True)

    async def _rest(self, seconds: float) -> None:
        """Wait for a place to become free, or for that long."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(seconds)

    def _note_outage(self, reason: str) -> float:
        if self.outage != reason:
            log.warning("webhooks_outage", reason=reason)
        self.outage = reason
        return _OUTAGE_PAUSE_S

    # claiming

    async def _start_due(self, courier: Courier) -> int:
        room = self._settings.webhook_concurrency - len(self._tasks)
        taken = await asyncio.to_thread(self._claim, room) if room > 0 else []
        for claim in taken:
            self._under_way[claim.key.endpoint_id] += 1
            task = asyncio.create_task(self._deliver(courier, claim))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(taken)

    def _claim(self, room: int) -> list[Claim]:
        """Claim for each endpoint in turn, as many as it has places."""
        with self._engine.connect() as conn:
            waiting = list(claims.due(conn))
        random.shuffle(waiting)  # which endpoint comes first is nobody's right
        found: list[Claim] = []
        for due in waiting:
            places = 1 if due.failures else self._settings.webhook_per_endpoint
            most = min(places - self._under_way[due.endpoint_id], room - len(found))
            if most > 0:
                with self._engine.begin() as conn:
                    found += claims.claim(conn, due.endpoint_id, self._envelope, limit=most, lease_s=self._lease_s)
        return found

    @property
    def _lease_s(self) -> int:
        return math.ceil(self._settings.webhook_timeout_s) + _LEASE_MARGIN_S

    # sending and recording

    async def _deliver(self, courier: Courier, claim: Claim) -> None:
        started = time.perf_counter()
        try:
            answer = await courier.post(claim)
            metrics.WEBHOOK_SECONDS.observe(time.perf_counter() - started)
            await asyncio.to_thread(self._record, claim, answer)
        except Exception as error:  # noqa: BLE001 - the claim runs out, and the message is sent again
            log.warning("webhook_not_recorded", endpoint=claim.key.endpoint_id, error=type(error).__name__)
        finally:
            self._under_way[claim.key.endpoint_id] -= 1

    def _record(self, claim: Claim, answer: Answer) -> None:
        """Keep what came of an attempt; the endpoint's row first, as whoever removes or disables it does."""
        with self._engine.begin() as conn:
            outcome = self._taken(conn, claim, answer) if answer.taken else self._failed(conn, claim, answer)
        metrics.WEBHOOK_ATTEMPTS.labels(outcome).inc()

    def _taken(self, conn: Connection, claim: Claim, answer: Answer) -> str:
        endpoints.note_taken(conn, claim.key.endpoint_id)
        claims.mark_delivered(conn, claim.key, answer.status or 0)
        return "delivered"

    def _failed(self, conn: Connection, claim: Claim, answer: Answer) -> str:
        settings, endpoint_id = self._settings, claim.key.endpoint_id
        is_gone = answer.status == _GONE
        longest = settings.webhook_longest_pause_s
        first = min(settings.webhook_retry_s[:1], default=longest)
        rest = pause(first, longest, claim.failures + 1, answer.retry_after_s, self._random)
        failing_s = endpoints.note_failed(conn, endpoint_id, rest) or 0
        waits = () if is_gone else settings.webhook_retry_s
        again = again_in(waits, claim.key.attempt, answer.retry_after_s, self._random)
        claims.mark_failed(conn, claim.key, answer.status, answer.words, again_in_s=again)
        if is_gone or failing_s > settings.webhook_disable_after_s:
            reason = "it answered 410 Gone" if is_gone else f"every attempt failed for {failing_s} s"
            endpoints.disable(conn, endpoint_id, reason)
            log.warning("webhook_disabled", endpoint=endpoint_id, reason=reason)
            return "disabled"
        if again is None:
            log.warning("webhook_dead", endpoint=endpoint_id, message=message_id(claim.key.event_id))
            return "dead"
        return "failed"

    # housekeeping

    async def _tend(self) -> None:
        if time.monotonic() - self._tended_at >= _TEND_S:
            await asyncio.to_thread(self.tend)
            self._tended_at = time.monotonic()

    def tend(self) -> None:
        """Look for overdue receipts, forget what is long past, and measure what waits."""
        with self._engine.begin() as conn:
            outbox.receipts_overdue(conn)
        with self._engine.begin() as conn:
            deliveries.prune(conn, self._settings.webhook_keep_s)
        with self._engine.connect() as conn:
            backlog = deliveries.backlog(conn)
        metrics.WEBHOOKS_PENDING.set(backlog.pending)
        metrics.WEBHOOKS_OLDEST_SECONDS.set(backlog.oldest_s)
