"""The blocking client."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
from chainsvc.client.bulk.windows import Given, WindowSize, total_of, windows
from chainsvc.client.handover import Outcome
from chainsvc.client.options import Options
from chainsvc.client.queue import Drained, Queue, Queued
from chainsvc.client.queue.background import Drainer
from chainsvc.client.sending import Sender
from chainsvc.client.verbs import Disclose, RecordId, id_of
from chainsvc.client.verifying import verify_locally
from chainsvc.client.webhooks import Webhooks
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.suites import SHA256, Suite
from chainsvc.errors import ChainsvcError
from chainsvc.evidence import Evidence
from chainsvc.heads import Status
from chainsvc.network import Network
from chainsvc.receipt import Receipt
from chainsvc.record import Record
from chainsvc.verify import Source, Verdict


class Client:
    """A business system's way to chainsvc.

    ::

        with Client(url, key) as client:
            accepted = client.notarize(record)
            evidence = client.wait(accepted)
            verdict = client.verify(evidence, node="http://my-own-node:8545", network=pinned)

    Calls that may be repeated are, for ``retry_s`` seconds; a record is never lost and never notarized twice.
    May be used by several threads.
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
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Make a client; nothing is sent yet.

        Args:
            url: Root of the service.
            key: API key ``csk_<id>_<secret>``; None for calls that need none.
            private: Records and their seeds stay in ``store``; the service gets commitments and amounts.
            store: File of the private store, made where there is none.
            signing_key: The organization's key, for signed ledgers.
            network: The pinned network: ledgers of another are refused, and ``verify`` relies on it.
            receipt_keys: Public keys whose receipts count; None takes any that verifies.
            timeout: Seconds for one attempt.
            retry_s: Seconds in which a call is repeated while the service is away; 0 for one attempt, None for 45, or
                3 with a queue.
            queue: Where records wait while the service is away: a file, or a :class:`Queue` with a key or bounds.
            drain: Drain the queue in the background, again and again while the service is away.
            window: Most lines and bytes that ``notarize_many`` sends in one request; it holds two windows at a time.
            transport: Another way to send, for tests.

        Raises:
            ValueError: Private mode without a store, or the other way round; draining without a queue.
            ConfigurationRefused: The store or the queue is something else, or the queue is of the other mode.
        """
        options = Options(url, key, private, store, signing_key, network, receipt_keys, retry_s, queue, window, drain)
        self._verbs = options.verbs()
        http = httpx.Client(
            base_url=url,
            headers=options.headers,
            timeout=timeout,
            transport=transport,
            trust_env=not options.is_here,
        )
        self._window = window
        self._sender = Sender(http, options.patience_s)
        self.webhooks = Webhooks(self._sender)
        """Who is told of what, and what became of telling."""
        self._drainer = Drainer(self._verbs.with_queue.queue, self.drain) if drain else None

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close connections, store and queue."""
        self.close()

    def close(self) -> None:
        """Close connections, store and queue."""
        if self._drainer is not None:
            self._drainer.close()
        self._sender.close()
        self._verbs.close()

    # records

    def notarize(self, record: Record | Mapping[str, Any]) -> Accepted:
        """Notarize one record; the same record again returns its first receipt.

        Raises:
            RecordRefused: It breaks its schema or a rule.
            ReferenceConflict: The reference is there with other content.
            PolicyRefused: It spends more than the ledger may.
            SignatureRefused: A receipt that does not verify, or a signed ledger without a signing key.
            Unavailable: The service is away; send it again later. With a queue it is ``RecordQueued``: the record is
                in the queue and goes in when that is drained.
        """
        return self._sender.run(self._verbs.notarize(record))

    def notarize_chunk(self, records: Sequence[Record]) -> list[Outcome]:
        """Notarize up to 500 records of one ledger in one call; each outcome stands where its record stood."""
        return self._sender.run(self._verbs.chunk(records))

    def notarize_many(self, records: Iterable[Given], *, progress: Progress | None = None) -> Iterator[Outcome]:
        """Notarize any number of records of any ledgers, in memory for two windows of them.

        Records reach the service in the order given; a window is sent again from its first unanswered record when an
        answer is cut, and while the service is away for a moment.

        Args:
            records: Read no further than two windows ahead of what is yielded.
            progress: Called with (answered, in all or None) after each window.

        Yields:
            For each record in order its receipt or its error.

        Raises:
            Unavailable: The service is away; send the rest, or all, again later. With a queue the rest is queued, and
                the outcome of each such record is a ``RecordQueued``.
            QueueFull: The queue takes no more.
            SignatureRefused: An answer that is not the service's promise for what was sent.
        """
        stream = self._verbs.many(progress, total_of(records))
        try:
            for window in windows(records, self._window):
                yield from self._sender.run(stream.push(window))
            yield from self._sender.run(stream.finish())
        finally:
            stream.abandon()

    def status(self, record_id: RecordId, *, with_record: bool = False) -> RecordStatus:
        """Return where a record stands; ``with_record`` needs the scope ``disclose``.

        Raises:
            NotFound: No such record.
        """
        return self._sender.run(self._verbs.status(record_id, with_record=with_record))

    def find(
        self, ledger: str, reference: str, revision: int | None = None, *, with_record: bool = False
    ) -> RecordStatus:
        """Return where a record stands by its reference; the latest revision when none is named.

        Raises:
            NotFound: No such record.
        """
        return self._sender.run(self._verbs.find(ledger, reference, revision, with_record=with_record))

    def receipt(self, record_id: RecordId) -> tuple[bytes, Receipt]:
        """Return the ledger id and the receipt that is signed for it."""
        return self._sender.do(calls.receipt_of(id_of(record_id)))

    def erase(self, record_id: RecordId, reason: str) -> Erasure:
        """Erase a record's content for good, here and at the service; the chain still verifies."""
        return self._sender.run(self._verbs.erase(record_id, reason))

    # queue

    @property
    def queue(self) -> Queue:
        """The local queue.

        Raises:
            ValueError: The client has none.
        """
        return self._verbs.with_queue.queue

    def enqueue(self, record: Record | Mapping[str, Any]) -> Queued:
        """Add a record to the queue; it is durable when this returns, and goes in when the queue is drained.

        Raises:
            RecordRefused: It breaks its schema.
            ReferenceConflict: The reference waits there with other content.
            QueueFull: The queue or the disk takes no more; nothing was added.
        """
        return self._verbs.enqueue(record)

    def drain(self, progress: Progress | None = None) -> Drained:
        """Send what waits in the queue, in order, each exactly once; its outcomes are in the queue.

        Raises:
            Unavailable: The service is away; what was answered is kept, the rest waits.
            QueueBusy: Another process is draining.
        """
        return self._sender.run(self._verbs.drain(progress))

    @property
    def drain_error(self) -> ChainsvcError | None:
        """Why the last drain in the background ended early, None when it did not."""
        return None if self._drainer is None else self._drainer.pauses.error

    # evidence

    def wait(
        self, record_id: RecordId, timeout: float = 60.0, *, disclose: Disclose = (), proof: bool = False
    ) -> Evidence:
        """Wait until a record is final and return its evidence.

        Raises:
            NotReady: Not final within ``timeout`` seconds; it goes on all the same.
        """
        return self._sender.run(self._verbs.wait(record_id, timeout, disclose, proof=proof))

    def evidence(self, record_id: RecordId, *, disclose: Disclose = (), proof: bool = False) -> Evidence:
        """Return a record's evidence, showing the paths of ``disclose`` besides those that all evidence shows.

        Args:
            record_id: The record.
            disclose: JSON Pointers, or ``"all"``.
            proof: With state proofs, for verification against a checkpoint.

        Raises:
            NotReady: It is not final yet.
            NotFound: No such record, or only the holder of its private store can make the evidence.
        """
        return self._sender.run(self._verbs.evidence(record_id, disclose, proof=proof))

    def evidences(
        self, ledger: str, *, disclose: Disclose = (), proof: bool = False, after: int | None = None
    ) -> Iterator[Evidence]:
        """Yield the evidence of a whole ledger in the order of its entries, a few hundred in memory at a time.

        Left out are erased records, and private ones whose store is not open here. With proofs all files are for the
        newest checkpoint, and entries anchored later than it are left for the next one.

        Args:
            ledger: Its name.
            disclose: JSON Pointers, shown where a record has them, or ``"all"``.
            proof: With state proofs, for verification against a checkpoint.
            after: Seq to begin after, e.g. that of the last file that is there already.

        Raises:
            NotFound: No such ledger; a proof is asked for and no checkpoint was made.
        """
        block = self._sender.run(self._verbs.proof_block()) if proof else None
        begin: int | None = after
        while True:
            found, begin = self._sender.run(self._verbs.evidences(ledger, disclose, begin, block))
            yield from found
            if begin is None:
                return

    def verify(
        self,
        evidence: Evidence | bytes,
        *,
        node: str | Source | None = None,
        checkpoint: Checkpoint | bytes | str | None = None,
        network: Network | None = None,
        at: int | None = None,
    ) -> Verdict:
        """Verify evidence on this machine, against a node of one's own or a checkpoint.

        Args:
            evidence: Parsed, or the file's bytes.
            node: JSON-RPC URL, or another source of chain state.
            checkpoint: The note of a block that one trusts.
            network: The descriptor that one trusts; else the client's, else the service's, which the verdict then says.
            at: Block at which the standing is asked for.

        Raises:
            ValueError: Both a node and a checkpoint.
        """
        pinned = network or self._verbs.network
        return verify_locally(
            evidence, pinned or self.network(), node=node, checkpoint=checkpoint, at=at, first_use=pinned is None
        )

    # standing

    def standing(self, record_id: RecordId) -> Standing:
        """Return an entry's standing and its changes."""
        return self._sender.do(calls.standing_of(id_of(record_id)))

    def change_standing(self, record_id: RecordId, status: Status | str, cause: RecordId) -> StandingChange:
        """Ask for a change of standing, whose cause is an entry of one's own organization.

        Raises:
            StandingRefused: Not an allowed move.
        """
        return self._sender.run(self._verbs.change_standing(record_id, status, cause))

    # ledgers

    def ledger(self, name: str) -> LedgerFacts:
        """Return a ledger's facts and totals."""
        return self._sender.do(calls.ledger(name))

    def ledgers(self) -> Iterator[LedgerFacts]:
        """Yield all ledgers, ascending by name."""
        return self._sender.pages(calls.ledgers)

    def entries(self, name: str) -> Iterator[LedgerEntry]:
        """Yield a ledger's entries in order."""
        return self._sender.pages(lambda after: calls.entries(name, after))

    def batches(self, name: str) -> Iterator[LedgerBatch]:
        """Yield a ledger's batches in order."""
        return self._sender.pages(lambda after: calls.batches(name, after))

    def open_ledger(self, name: str, *, suite: Suite = SHA256, signed: bool = False) -> LedgerFacts:
        """Open a ledger on chain, or return the one that is open."""
        return self._sender.do(calls.open_ledger(name, suite, signed=signed))

    def close_ledger(self, name: str) -> LedgerFacts:
        """Close a ledger on chain."""
        return self._sender.do(calls.close_ledger(name))

    def export(self, name: str, path: Path, *, disclose: bool = False) -> None:
        """Write a ledger's export to a file, whole or not at all."""
        self._sender.save(calls.export(name, disclose=disclose), path)

    # network

    def network(self) -> Network:
        """Return the descriptor as the service gives it; a verifier pins its own."""
        return self._sender.do(calls.network())

    def checkpoint(self, *, new: bool = True) -> str:
        """Return a checkpoint's note of the newest final block; with ``new=False`` the last one made."""
        return self._sender.do(calls.checkpoint(new=new))
