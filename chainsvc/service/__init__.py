"""The service: everything that the API and the command line ask of it, in one object.

It implements :class:`chainsvc.api.ports.ServicePort`. Intake and reading need the journal alone; opening and closing
ledgers, proofs and checkpoints need the node.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Literal

from sqlalchemy import Engine, text

from chainsvc.api.ports import Caller, EvidenceFile, EvidenceWanted, Readiness
from chainsvc.bodies import CommittedItem
from chainsvc.client.answers import (
    Accepted,
    Erasure,
    LedgerBatch,
    LedgerEntry,
    LedgerFacts,
    Page,
    RecordStatus,
    Standing,
    StandingChange,
)
from chainsvc.crypto.suites import Suite
from chainsvc.drafts import Draft
from chainsvc.errors import ChainsvcError
from chainsvc.heads import Status
from chainsvc.intake import Intake
from chainsvc.intake.bulk import Bulk, BulkIntake
from chainsvc.intake.gathering import Book, Gathering
from chainsvc.journal import keys
from chainsvc.network import Network
from chainsvc.receipt import Receipt, Submission
from chainsvc.recent import Recent
from chainsvc.record import Record
from chainsvc.service.checkpoints import Checkpoints
from chainsvc.service.evidence import Issuer
from chainsvc.service.evidence_stream import EvidenceStream
from chainsvc.service.export import Exporter
from chainsvc.service.ledgers import Ledgers
from chainsvc.service.records import Records
from chainsvc.service.standings import Standings
from chainsvc.service.webhooks import Webhooks
from chainsvc.verify import Source, Verdict, verify

__all__ = ["Parts", "Service"]

_KEY_FRESH_S = 1.0  # a revoked key may still work for so long, so that not every request asks the database


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service is made of; ``bootstrap`` builds it.

    Attributes:
        engine: The journal.
        network: Gives the descriptor in use.
        intake: The door.
        gathering: The same door, for single records that arrive together.
        bulk: The same door, for streams.
        records: Status, receipts, erasure.
        issuer: Evidence.
        evidence_stream: Evidence of whole ledgers.
        standings: Changes of standing.
        ledgers: Opening, closing, lists.
        exporter: Exports.
        checkpoints: Signed notes.
        webhooks: Who is told of what.
        source: The node that ``verify`` asks.
        health: Name of a part to what is wrong with it, None when all is well.
    """

    engine: Engine
    network: Callable[[], Network]
    intake: Intake
    gathering: Gathering
    bulk: BulkIntake
    records: Records
    issuer: Issuer
    evidence_stream: EvidenceStream
    standings: Standings
    ledgers: Ledgers
    exporter: Exporter
    checkpoints: Checkpoints
    webhooks: Webhooks
    source: Source
    health: Mapping[str, Callable[[], str | None]]


class Service:
    """Answers every call of the API; thread-safe."""

    def __init__(self, parts: Parts, clock: Callable[[], float] = time.time) -> None:
        """Serve with these parts."""
        self._parts = parts
        self._clock = clock
        self._callers: Recent[str, Caller] = Recent(_KEY_FRESH_S)
        self.webhooks = parts.webhooks

    def authenticate(self, token: str) -> Caller:
        """Return the caller of an API key."""
        with self._parts.engine.connect() as conn:
            key = keys.authenticate(conn, token, now=int(self._clock()))
        return self._callers.keep(token, Caller(key.uscc, key.scopes, key.key_id))

    def remembered(self, token: str) -> Caller | None:
        """Return the caller of a key that was authenticated a moment ago."""
        return self._callers.get(token)

    def accept_records(
        self,
        ledger: str,
        items: Sequence[tuple[Record, bytes | None]],
        submission: Submission | None,
        caller: Caller,
    ) -> list[Accepted | ChainsvcError]:
        """Make records durable."""
        stored = self._parts.ledgers.stored(ledger)
        return self._parts.intake.accept_records(stored, items, submission, caller.key_id)

    def accept_commitments(
        self, ledger: str, items: Sequence[CommittedItem], submission: Submission | None, caller: Caller
    ) -> list[Accepted | ChainsvcError]:
        """Make commitments durable."""
        drafts = [Draft(item.commitment, item.credit, item.debit, item.previous) for item in items]
        stored = self._parts.ledgers.stored(ledger)
        return self._parts.intake.accept_commitments(stored, drafts, submission, caller.key_id)

    def accept_record(self, ledger: str, record: bytes, caller: Caller) -> Future[Accepted | ChainsvcError]:
        """Make one record durable, together with those that arrive meanwhile."""
        return self._parts.gathering.add(Book(ledger, caller.key_id), record)

    def bulk(
        self, ledger: str, noun: Literal["records", "commitments"], caller: Caller
    ) -> Callable[[Callable[[bytes], None]], Bulk]:
        """Return what opens a bulk stream."""
        return partial(self._parts.bulk.open, self._parts.ledgers.stored(ledger), noun, caller.key_id)

    def record(self, record_id: bytes, *, disclose: bool) -> RecordStatus:
        """Return a record's status."""
        return self._parts.records.status(record_id, disclose=disclose)

    def record_by_reference(self, ledger: str, reference: str, revision: int | None, *, disclose: bool) -> RecordStatus:
        """Return the status of a revision, of the latest when None."""
        return self._parts.records.by_reference(ledger, reference, revision, disclose=disclose)

    def evidence(self, record_id: bytes, disclose: Collection[str] | None, *, proof: bool) -> EvidenceFile:
        """Return the evidence file of a final entry."""
        return self._parts.issuer.issue(record_id, disclose, proof=proof)

    def evidences(self, ledger: str, wanted: EvidenceWanted) -> Iterator[bytes]:
        """Yield the evidence of a ledger's final entries, a line each; an unknown ledger is refused by the call."""
        return self._parts.evidence_stream.stream(self._parts.ledgers.stored(ledger), wanted)

    def standing(self, record_id: bytes) -> Standing:
        """Return an entry's standing and its changes."""
        return self._parts.standings.of(record_id)

    def change_standing(self, record_id: bytes, status: Status, cause: bytes, caller: Caller) -> StandingChange:  # noqa: ARG002 - the routes have checked whose cause it is
        """Ask for a change of standing."""
        return self._parts.standings.change(record_id, status, cause)

    def erase(self, record_id: bytes, reason: str, caller: Caller) -> Erasure:
        """Delete a record's body, seed and reference."""
        return self._parts.records.erase(record_id, reason, caller.key_id)

    def receipt(self, record_id: bytes) -> Receipt:
        """Return an entry's receipt."""
        return self._parts.records.receipt(record_id)

    def ledgers(self, after: str | None, limit: int) -> Page[LedgerFacts]:
        """Return ledgers ascending by name."""
        return self._parts.ledgers.page(after, limit)

    def ledger(self, name: str) -> LedgerFacts:
        """Return one ledger."""
        return self._parts.ledgers.facts(name)

    def open_ledger(self, name: str, suite: Suite, *, signed: bool, caller: Caller) -> LedgerFacts:  # noqa: ARG002 - the routes have checked whose ledger it is
        """Open a ledger on chain."""
        return self._parts.ledgers.open(name, suite, signed=signed)

    def close_ledger(self, name: str, caller: Caller) -> LedgerFacts:  # noqa: ARG002 - the routes have checked whose ledger it is
        """Close a ledger on chain."""
        return self._parts.ledgers.close(name)

    def entries(self, ledger: str, after: int | None, limit: int) -> Page[LedgerEntry]:
        """Return sealed entries in the order of seq."""
        return self._parts.ledgers.entries(ledger, after, limit)

    def batches(self, ledger: str, after: int | None, limit: int) -> Page[LedgerBatch]:
        """Return batches in order."""
        return self._parts.ledgers.batches(ledger, after, limit)

    def export(self, ledger: str, *, disclose: bool) -> Iterator[bytes]:
        """Yield the lines of a ledger's export; an unknown ledger is refused by the call itself."""
        return self._parts.exporter.export(self._parts.ledgers.stored(ledger), disclose=disclose)

    def network_bytes(self) -> bytes:
        """Return the network descriptor's canonical bytes."""
        return self._parts.network().to_bytes()

    def verify(self, data: bytes) -> Verdict:
        """Return the verdict on evidence bytes, read from the service's own node."""
        return verify(data, self._parts.network(), self._parts.source)

    def checkpoint(self) -> str:
        """Sign a checkpoint of the newest final block."""
        return self._parts.checkpoints.make()

    def latest_checkpoint(self) -> str:
        """Return the newest checkpoint's note."""
        return self._parts.checkpoints.latest()

    def ready(self) -> Readiness:
        """Tell whether records can be taken; an unreachable node is named, but does not stop intake."""
        found = {"database": _look(self._database)} | {name: _look(check) for name, check in self._parts.health.items()}
        return Readiness(found["database"] is None, {name: fault or "ok" for name, fault in found.items()})

    def _database(self) -> str | None:
        with self._parts.engine.connect() as conn:
            conn.execute(text("SELECT 1"))
        return None


def _look(check: Callable[[], str | None]) -> str | None:
    try:
        return check()
    except ChainsvcError as error:
        return str(error)
