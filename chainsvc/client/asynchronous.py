"""The asynchronous client: the same verbs on an event loop of asyncio."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx

from chainsvc.checkpoint import Checkpoint
from chainsvc.client import calls
from chainsvc.client.answers import (
    Accepted,
    Erasure,
    LedgerBatch,
    LedgerEntry,
    LedgerFacts,
    RecordStatus,
    Standing,
    StandingChange,
)
from chainsvc.client.bulk.stream import Progress
from chainsvc.client.bulk.windows import Given, WindowSize, total_of, windows_of_either
from chainsvc.client.handover import Outcome
from chainsvc.client.options import Options
from chainsvc.client.queue import Drained, Queue, Queued
from chainsvc.client.queue.background import AsyncDrainer
from chainsvc.client.sending import AsyncSender
from chainsvc.client.verbs import Disclose, RecordId, id_of
from chainsvc.client.verifying import verify_locally
from chainsvc.client.webhooks import AsyncWebhooks
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.suites import SHA256, Suite
from chainsvc.errors import ChainsvcError
from chainsvc.evidence import Evidence
from chainsvc.heads import Status
from chainsvc.network import Network
from chainsvc.receipt import Receipt
from chainsvc.record import Record
from chainsvc.verify import Source, Verdict


class AsyncClient:
    """:class:`chainsvc.client.Client` for asyncio; each method is as there, awaited or iterated with ``async for``.

    ::

        async with AsyncClient(url, key) as client:
            accepted = await client.notarize(record)
            evidence = await client.wait(accepted)
            verdict = await client.verify(evidence, node="http://my-own-node:8545", network=pinned)
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        private: bool = False,
        store: Path | str | None = None,
        signing_key: SigningKey | None = None,
        network: Network | None = None,
        receipt_keys: Collection[bytes] | None = None,
        timeout: float = 30.0,
        retry_s: float | None = None,
        queue: Queue | Path | str | None = None,
        drain: bool = False,
        window: WindowSize = WindowSize(),  # noqa: B008 - it is immutable
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Make a client; the arguments are those of :class:`chainsvc.client.Client`."""
        options = Options(url, key, private, store, signing_key, network, receipt_keys, retry_s, queue, window, drain)
        self._verbs = options.verbs()
        http = httpx.AsyncClient(
            base_url=url,
            headers=options.headers,
            timeout=timeout,
            transport=transport,
            trust_env=not options.is_here,
        )
        self._window = window
        self._sender = AsyncSender(http, options.patience_s)
        self.webhooks = AsyncWebhooks(self._sender)
        """Who is told of what, and what became of telling."""
        self._drains = drain
        self._drainer: AsyncDrainer | None = None

    async def __aenter__(self) -> Self:
        """Return the client, and begin to drain where that was asked for."""
        if self._drains:
            self._drainer = AsyncDrainer(self.queue, self.drain)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close connections, store and queue."""
        await self.close()

    async def close(self) -> None:
        """Close connections, store and queue."""
        if self._drainer is not None:
            await self._drainer.close()
        await self._sender.close()
        self._verbs.close()

    # records

    async def notarize(self, record: Record | Mapping[str, Any]) -> Accepted:
        """Notarize one record; the same record again returns its first receipt."""
        return await self._sender.run(self._verbs.notarize(record))

    async def notarize_chunk(self, records: Sequence[Record]) -> list[Outcome]:
        """Notarize up to 500 records of one ledger in one call; each outcome stands where its record stood."""
        return await self._sender.run(self._verbs.chunk(records))

    async def notarize_many(
        self, records: Iterable[Given] | AsyncIterable[Given], *, progress: Progress | None = None
    ) -> AsyncIterator[Outcome]:
        """Notarize any number of records, from an iterable of either kind."""
        stream = self._verbs.many(progress, total_of(records))
        try:
            async for window in windows_of_either(records, self._window):
                for outcome in await self._sender.run(stream.push(window)):
                    yield outcome
            for outcome in await self._sender.run(stream.finish()):
                yield outcome
        finally:
            stream.abandon()

    async def status(self, record_id: RecordId, *, with_record: bool = False) -> RecordStatus:
        """Return where a record stands; ``with_record`` needs the scope ``disclose``."""
        return await self._sender.run(self._verbs.status(record_id, with_record=with_record))

    async def find(
        self, ledger: str, reference: str, revision: int | None = None, *, with_record: bool = False
    ) -> RecordStatus:
        """Return where a record stands by its reference; the latest revision when none is named."""
        return await self._sender.run(self._verbs.find(ledger, reference, revision, with_record=with_record))

    async def receipt(self, record_id: RecordId) -> tuple[bytes, Receipt]:
        """Return the ledger id and the receipt that is signed for it."""
        return await self._sender.do(calls.receipt_of(id_of(record_id)))

    async def erase(self, record_id: RecordId, reason: str) -> Erasure:
        """Erase a record's content for good, here and at the service; the chain still verifies."""
        return await self._sender.run(self._verbs.erase(record_id, reason))

    # queue

    @property
    def queue(self) -> Queue:
        """The local queue.

        Raises:
            ValueError: The client has none.
        """
        return self._verbs.with_queue.queue

    async def enqueue(self, record: Record | Mapping[str, Any]) -> Queued:
        """Add a record to the queue; it is durable when this returns, and goes in when the queue is drained."""
        return self._verbs.enqueue(record)

    async def drain(self, progress: Progress | None = None) -> Drained:
        """Send what waits in the queue, in order, each exactly once; its outcomes are in the queue."""
        return await self._sender.run(self._verbs.drain(progress))

    @property
    def drain_error(self) -> ChainsvcError | None:
        """Why the last drain in the background ended early, None when it did not."""
        return None if self._drainer is None else self._drainer.pauses.error

    # evidence

    async def wait(
        self,
        record_id: RecordId,
        timeout: float = 60.0,  # noqa: ASYNC109 - how long the record may take; every call has its own timeout
        *,
        disclose: Disclose = (),
        proof: bool = False,
    ) -> Evidence:
        """Wait until a record is final and return its evidence."""
        return await self._sender.run(self._verbs.wait(record_id, timeout, disclose, proof=proof))

    async def evidence(self, record_id: RecordId, *, disclose: Disclose = (), proof: bool = False) -> Evidence:
        """Return a record's evidence, showing the paths of ``disclose`` besides those that all evidence shows."""
        return await self._sender.run(self._verbs.evidence(record_id, disclose, proof=proof))

    async def verify(
        self,
        evidence: Evidence | bytes,
        *,
        node: str | Source | None = None,
        checkpoint: Checkpoint | bytes | str | None = None,
        network: Network | None = None,
        at: int | None = None,
    ) -> Verdict:
        """Verify evidence on this machine, against a node of one's own or a checkpoint."""
        pinned = network or self._verbs.network
        return await asyncio.to_thread(
            verify_locally,
            evidence,
            pinned or await self.network(),
            node=node,
            checkpoint=checkpoint,
            at=at,
            first_use=pinned is None,
        )

    # evidence of a ledger

    async def evidences(
        self, ledger: str, *, disclose: Disclose = (), proof: bool = False, after: int | None = None
    ) -> AsyncIterator[Evidence]:
        """Yield the evidence of a whole ledger, see :meth:`chainsvc.client.Client.evidences`."""
        block = await self._sender.run(self._verbs.proof_block()) if proof else None
        begin: int | None = after
        while True:
            found, begin = await self._sender.run(self._verbs.evidences(ledger, disclose, begin, block))
            for evidence in found:
                yield evidence
            if begin is None:
                return

    # standing

    async def standing(self, record_id: RecordId) -> Standing:
        """Return an entry's standing and its changes."""
        return await self._sender.do(calls.standing_of(id_of(record_id)))

    async def change_standing(self, record_id: RecordId, status: Status | str, cause: RecordId) -> StandingChange:
        """Ask for a change of standing, whose cause is an entry of one's own organization."""
        return await self._sender.run(self._verbs.change_standing(record_id, status, cause))

    # ledgers

    async def ledger(self, name: str) -> LedgerFacts:
        """Return a ledger's facts and totals."""
        return await self._sender.do(calls.ledger(name))

    def ledgers(self) -> AsyncIterator[LedgerFacts]:
        """Yield all ledgers, ascending by name."""
        return self._sender.pages(calls.ledgers)

    def entries(self, name: str) -> AsyncIterator[LedgerEntry]:
        """Yield a ledger's entries in order."""
        return self._sender.pages(lambda after: calls.entries(name, after))

    def batches(self, name: str) -> AsyncIterator[LedgerBatch]:
        """Yield a ledger's batches in order."""
        return self._sender.pages(lambda after: calls.batches(name, after))

    async def open_ledger(self, name: str, *, suite: Suite = SHA256, signed: bool = False) -> LedgerFacts:
        """Open a ledger on chain, or return the one that is open."""
        return await self._sender.do(calls.open_ledger(name, suite, signed=signed))

    async def close_ledger(self, name: str) -> LedgerFacts:
        """Close a ledger on chain."""
        return await self._sender.do(calls.close_ledger(name))

    async def export(self, name: str, path: Path, *, disclose: bool = False) -> None:
        """Write a ledger's export to a file, whole or not at all."""
        await self._sender.save(calls.export(name, disclose=disclose), path)

    # network

    async def network(self) -> Network:
        """Return the descriptor as the service gives it; a verifier pins its own."""
        return await self._sender.do(calls.network())

    async def checkpoint(self, *, new: bool = True) -> str:
        """Return a checkpoint's note of the newest final block; with ``new=False`` the last one made."""
        return await self._sender.do(calls.checkpoint(new=new))
