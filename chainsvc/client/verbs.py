"""What the SDK can do, as steps: everything but the I/O, shared by the blocking and the asynchronous client."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import orjson

from chainsvc.checkpoint import Checkpoint
from chainsvc.client import calls
from chainsvc.client.answers import Accepted, Erasure, LedgerFacts, RecordStatus, StandingChange, standing_named
from chainsvc.client.assemble import assemble, check_commitment
from chainsvc.client.bulk.delivery import Service
from chainsvc.client.bulk.stream import Progress, Stream
from chainsvc.client.bulk.windows import WindowSize
from chainsvc.client.exchange import Pause, Steps
from chainsvc.client.handover import Handover, Outcome
from chainsvc.client.queue import Drained, Queue, Queued
from chainsvc.client.queue.carrying import CarriedStream, Carrying
from chainsvc.errors import ChainsvcError, MalformedInput, NetworkMismatch, NotFound, NotReady
from chainsvc.evidence import Evidence
from chainsvc.heads import Status
from chainsvc.network import Network
from chainsvc.reading import unhex
from chainsvc.record import LedgerName, Record

RecordId = Accepted | RecordStatus | str | bytes
"""How a record is named: what notarizing returned, its status, or its id in hex or bytes."""

Disclose = Collection[str] | Literal["all"]
"""Paths that evidence shows besides those that all evidence shows; a path stands for all below it."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _SLOWER = 0.1, 5.0, 1.5


@dataclass(slots=True)
class Verbs:
    """The steps of one client.

    Attributes:
        handover: How records are handed over.
        network: The pinned network; None trusts what the service says of its ledgers.
        clock: Monotonic seconds.
        compress: Long bodies are compressed: the service is on another machine.
        retry_s: Seconds in which a call is repeated while the service is away.
        queue: Where records wait while the service is away; None for nowhere.
        size: Bounds of one request with many records.
        service: Where many records go.
        carrying: How the queue is used, None without one.
    """

    handover: Handover
    network: Network | None
    clock: Callable[[], float] = time.monotonic
    compress: bool = False
    retry_s: float = 0.0
    queue: Queue | None = None
    size: WindowSize = WindowSize()  # noqa: RUF009 - it is immutable
    service: Service = field(init=False)
    carrying: Carrying | None = field(init=False, default=None)
    _facts: dict[str, LedgerFacts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.service = Service(self.handover, self.facts, self.clock, self.compress, self.retry_s)
        if self.queue is not None:
            self.queue.bind("custody" if self.handover.store is None else "private")
            self.carrying = Carrying(self.queue, self._stream, self._notarize, self.size)

    def _stream(self, progress: Progress | None, total: int | None) -> Stream:
        return Stream(self.service, progress, total)

    def many(self, progress: Progress | None, total: int | None) -> Stream | CarriedStream:
        """Return a way for many records, over the queue where there is one."""
        return (self._stream if self.carrying is None else self.carrying.many)(progress, total)

    def drain(self, progress: Progress | None) -> Steps[Drained]:
        """Send what waits in the queue."""
        return (yield from self.with_queue.drain(progress))

    def enqueue(self, record: Record | Mapping[str, Any]) -> Queued:
        """Add a record to the queue.

        Raises:
            ChainsvcError: Its refusal.
        """
        (queued,) = self.with_queue.queue.add([record])
        if isinstance(queued, ChainsvcError):
            raise queued
        return queued

    @property
    def with_queue(self) -> Carrying:
        """How the queue is used.

        Raises:
            ValueError: The client has none.
        """
        if self.carrying is None:
            raise ValueError("the client has no queue: give it one, queue=PATH")
        return self.carrying

    def close(self) -> None:
        """Close the files."""
        if self.queue is not None:
            self.queue.close()
        if self.handover.store is not None:
            self.handover.store.close()

    def facts(self, name: str) -> Steps[LedgerFacts]:
        """Return what makes a ledger's id, asked for once; its id is recomputed here.

        Raises:
            NetworkMismatch: The ledger is not of the pinned network.
        """
        if name not in self._facts:
            facts: LedgerFacts = yield calls.ledger(name)
            self._check_facts(name, facts)
            self._facts[name] = facts
        return self._facts[name]

    def _check_facts(self, name: str, facts: LedgerFacts) -> None:
        if facts.name != name:
            raise MalformedInput("the service answers for another ledger", expected=name, got=facts.name)
        if self.network is None:
            return
        contract = self.network.contract_of(LedgerName.parse(name).kind)
        expected = (self.network.network_id, None if contract is None else contract.address)
        if (facts.network, facts.contract) != expected:
            raise NetworkMismatch(
                "the service's ledger is not of the pinned network",
                expected=self.network.network_id.hex(),
                got=f"network {facts.network.hex()}, contract {facts.contract.hex()}",
            )

    def notarize(self, record: Record | Mapping[str, Any]) -> Steps[Accepted]:
        """Notarize one record, or queue it while the service is away.

        Raises:
            ChainsvcError: Its refusal, or ``RecordQueued``.
        """
        notarize = self._notarize if self.carrying is None else self.carrying.notarize
        return (yield from notarize(_record(record)))

    def _notarize(self, record: Record) -> Steps[Accepted]:
        (outcome,) = yield from self.chunk([record])
        if isinstance(outcome, ChainsvcError):
            raise outcome
        return outcome

    def chunk(self, records: Sequence[Record]) -> Steps[list[Outcome]]:
        """Notarize records of one ledger in one call."""
        if not records:
            return []
        facts = yield from self.facts(records[0].ledger)
        return (yield from self.handover.chunk(facts, records))

    def status(self, record_id: RecordId, *, with_record: bool) -> Steps[RecordStatus]:
        """Ask where a record stands; in private mode with what the store knows."""
        status = yield calls.status_of(id_of(record_id), with_record=with_record)
        return self._completed(status, with_record=with_record)

    def find(self, ledger: str, reference: str, revision: int | None, *, with_record: bool) -> Steps[RecordStatus]:
        """Ask for a record by its reference; in private mode the store knows which commitment that is."""
        store = self.handover.store
        if store is None:
            status: RecordStatus = yield calls.find(ledger, reference, revision, with_record=with_record)
            return status
        stored = store.find(ledger, reference, revision)
        if stored is None:
            raise NotFound("the store has no such record", got=reference, where="reference")
        return (yield from self.status(stored.commitment, with_record=with_record))

    def _completed(self, status: RecordStatus, *, with_record: bool) -> RecordStatus:
        store = self.handover.store
        stored = None if store is None else store.get(status.commitment)
        if stored is None:
            return status
        record = stored.record
        shown = record.to_json() if with_record else None
        return replace(status, reference=record.reference, revision=record.revision, record=shown)

    def wait(self, record_id: RecordId, timeout_s: float, disclose: Disclose, *, proof: bool) -> Steps[Evidence]:
        """Ask until the record is final and its evidence can be had; a proof may need a checkpoint still to come.

        Raises:
            NotReady: It is not final in time; it goes on all the same.
        """
        deadline, pause = self.clock() + timeout_s, _FIRST_PAUSE_S
        while True:
            status: RecordStatus = yield calls.status_of(id_of(record_id))
            late = _late(status, timeout_s)
            if status.state == "final":
                try:
                    return (yield from self.evidence(record_id, disclose, proof=proof))
                except NotReady as error:
                    late = error
            left = deadline - self.clock()
            if left <= 0:
                raise late
            yield Pause(min(pause, left))
            pause = min(pause * _SLOWER, _LONGEST_PAUSE_S)

    def evidence(self, record_id: RecordId, disclose: Disclose, *, proof: bool) -> Steps[Evidence]:
        """Return a record's evidence, completed from the store where the service has only a skeleton."""
        commitment = id_of(record_id)
        store = self.handover.store
        stored = None if store is None else store.get(commitment)
        asked = "" if stored is not None else _words(disclose)
        data, skeleton = yield calls.evidence_of(commitment, asked, proof=proof)
        if not skeleton:
            return check_commitment(Evidence.parse(data), commitment)
        if stored is None:
            raise NotFound(
                "only the holder of the record can make its evidence",
                got=commitment.hex(),
                hint="Open the client with the private store it was notarized from; a record erased there is gone.",
            )
        whole = check_commitment(assemble(data, stored.record, stored.seed), commitment)
        return whole if disclose == "all" else whole.disclose(disclose)

    def proof_block(self) -> Steps[int]:
        """Return the block of the newest checkpoint: all files of one ledger are proven for it."""
        note: str = yield calls.checkpoint(new=False)
        return Checkpoint.parse(note.encode()).block

    def evidences(
        self, ledger: str, disclose: Disclose, after: int | None, block: int | None
    ) -> Steps[tuple[list[Evidence], int | None]]:
        """Return the evidence of a ledger's next entries, and the seq to go on after, None at the end.

        Left out are records that were erased, and those of a private store that is not this one.
        """
        proof = block is not None
        lines: list[bytes] = yield calls.evidences(ledger, after, _words(disclose), proof=proof, block=block)
        if not lines:
            return [], None
        found = [evidence for line in lines if (evidence := self._of_line(line, disclose)) is not None]
        last = orjson.loads(lines[-1])
        seq: int = last.get("skeleton", last)["seq"]
        return found, seq if len(lines) == calls.EVIDENCE_PAGE else None

    def _of_line(self, line: bytes, disclose: Disclose) -> Evidence | None:
        if not line.startswith(_SKELETON_LINE):
            return Evidence.parse(line)
        value = orjson.loads(line)
        commitment = unhex(value["commitment"], "/commitment", 32)
        stored = None if self.handover.store is None else self.handover.store.get(commitment)
        if stored is None:
            return None
        skeleton = orjson.dumps(value["skeleton"], option=orjson.OPT_SORT_KEYS)
        whole = check_commitment(assemble(skeleton, stored.record, stored.seed), commitment)
        return whole if disclose == "all" else whole.disclose(whole.having(disclose))

    def change_standing(self, record_id: RecordId, status: Status | str, cause: RecordId) -> Steps[StandingChange]:
        """Ask for a change of standing."""
        named = status if isinstance(status, Status) else standing_named(status)
        change: StandingChange = yield calls.change_standing(id_of(record_id), named, id_of(cause))
        return change

    def erase(self, record_id: RecordId, reason: str) -> Steps[Erasure]:
        """Erase a record at the service, then in the store."""
        commitment = id_of(record_id)
        erasure: Erasure = yield calls.erase(commitment, reason)
        if self.handover.store is not None:
            self.handover.store.forget(commitment)
        return erasure


_SKELETON_LINE = b'{"commitment":'


def id_of(record_id: RecordId) -> bytes:
    """Return the commitment that names a record, 32 bytes.

    Raises:
        MalformedInput: Not an id.
    """
    if isinstance(record_id, Accepted | RecordStatus):
        return record_id.commitment
    return unhex(record_id.hex() if isinstance(record_id, bytes) else record_id, "id", 32)


def _late(status: RecordStatus, timeout_s: float) -> NotReady:
    return NotReady(
        "the record is not final in time",
        expected=f"final within {timeout_s:g} s",
        got=status.state,
        hint=f"Wait again; the receipt promises it by Unix time {status.anchor_by}.",
    )


def _record(value: Record | Mapping[str, Any]) -> Record:
    return value if isinstance(value, Record) else Record.from_json(dict(value))


def _words(disclose: Disclose) -> str:
    return disclose if isinstance(disclose, str) else ",".join(disclose)
