"""What the routes ask of the service: one Protocol, and the values that only the service side knows.

The values that also travel to the client are in :mod:`chainsvc.client.answers`. The routes have already
checked the key, its scopes and its organization before they call anything here; the service checks the rest.
Every method raises the leaves of :mod:`chainsvc.errors` and nothing else.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from chainsvc.api.webhook_port import WebhookPort
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
from chainsvc.errors import ChainsvcError
from chainsvc.heads import Status
from chainsvc.receipt import Receipt, Submission
from chainsvc.record import Record
from chainsvc.verify import Verdict


class Scope(StrEnum):
    """What a key may do; each is given by name.

    ``audit`` lifts the organization check of reading calls: for regulators and auditors.
    """

    NOTARIZE = "notarize"
    READ = "read"
    DISCLOSE = "disclose"
    STANDING = "standing"
    ERASE = "erase"
    LEDGER = "ledger"
    WEBHOOK = "webhook"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a key of one organization.

    Attributes:
        uscc: The organization's unified social credit code.
        scopes: Words of :class:`Scope`.
        key_id: The key's public part, for logs and the journal.
    """

    uscc: str
    scopes: frozenset[str]
    key_id: str


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """Evidence as bytes.

    Attributes:
        data: The file; for an entry whose record the service never saw the same object with ``pairs: []``.
        skeleton: Whether it is such a one.
    """

    data: bytes
    skeleton: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the service can do its work now.

    Attributes:
        ready: It takes records.
        parts: Name of a part to ``ok``, or to what is wrong with it.
    """

    ready: bool
    parts: Mapping[str, str]


class BulkPort(Protocol):
    """A bulk stream into one ledger, used by one thread; answers are emitted as they are ready.

    Every method raises an error of :mod:`chainsvc.errors` when the stream has to stop.
    """

    def put(self, lines: Sequence[tuple[int, bytes]]) -> None:
        """Take a chunk of lines, number and content each."""
        ...

    def catch_up(self) -> None:
        """Answer everything put so far."""
        ...

    def finish(self) -> None:
        """Answer everything, and say that it was all."""
        ...

    def stop(self, error: ChainsvcError) -> None:
        """Say why the stream stops, and from which line on nothing is answered."""
        ...

    def leave(self) -> None:
        """End without a word, when nothing of the stream is under way any more: its sender is gone."""
        ...


@dataclass(frozen=True, slots=True)
class EvidenceWanted:
    """What evidence of a whole ledger is asked for.

    Attributes:
        disclose: Paths to show besides those always shown, where a record has them; None shows all.
        proof: With state proofs.
        block: Block to prove for, that of a checkpoint; None for the newest one.
        after: Seq after which to begin, None for the first entry.
        limit: Most lines, None for all that there are.
    """

    disclose: Collection[str] | None = ()
    proof: bool = False
    block: int | None = None
    after: int | None = None
    limit: int | None = None


class ServicePort(Protocol):
    """What the API calls. ``record_id`` is a commitment, 32 bytes; ``ledger`` is a name."""

    @property
    def webhooks(self) -> WebhookPort:
        """Who is told of what."""
        ...

    def authenticate(self, token: str) -> Caller:
        """Return the caller of a key ``csk_<id>_<secret>``.

        Raises:
            AccessDenied: Unknown, revoked or expired.
        """
        ...

    def accept_records(
        self,
        ledger: str,
        items: Sequence[tuple[Record, bytes | None]],
        submission: Submission | None,
        caller: Caller,
    ) -> list[Accepted | ChainsvcError]:
        """Make records durable; each answer stands where its record stood.

        Args:
            ledger: All records name this one.
            items: Records with their seeds (32 bytes), None where the service makes it.
            submission: The chunk's signed submission, as part of its first commitment; None in unsigned ledgers.
            caller: A key of the ledger's organization.

        Raises:
            NotFound: No such ledger.
            LedgerClosed: It takes no more.
            SignatureRefused: A signed ledger without, or with a wrong submission; nothing was stored.
            ChunkMixed: In a signed ledger a part was there already or is refused; nothing was stored. Its ``results``
                say for each item: Accepted, the error, or None for one that would go in.
        """
        ...

    def accept_commitments(
        self, ledger: str, items: Sequence[CommittedItem], submission: Submission | None, caller: Caller
    ) -> list[Accepted | ChainsvcError]:
        """Make commitments durable, as :meth:`accept_records` does with records."""
        ...

    def remembered(self, token: str) -> Caller | None:
        """Return the caller of a key that was authenticated a moment ago; never waits."""
        ...

    def accept_record(self, ledger: str, record: bytes, caller: Caller) -> Future[Accepted | ChainsvcError]:
        """Make one record durable, together with those that arrive meanwhile; never waits.

        Args:
            ledger: Name.
            record: Its JSON.
            caller: Who hands it over.
        """
        ...

    def bulk(
        self, ledger: str, noun: Literal["records", "commitments"], caller: Caller
    ) -> Callable[[Callable[[bytes], None]], BulkPort]:
        """Return what opens a bulk stream, given where its answers go, a line each.

        Raises:
            NotFound: No such ledger.
        """
        ...

    def record(self, record_id: bytes, *, disclose: bool) -> RecordStatus:
        """Return a record's status, with the record itself when ``disclose`` is set and it is kept.

        Raises:
            NotFound: No such record.
        """
        ...

    def record_by_reference(self, ledger: str, reference: str, revision: int | None, *, disclose: bool) -> RecordStatus:
        """Return the status of a revision, of the latest when None.

        Raises:
            NotFound: No such ledger or record.
        """
        ...

    def evidence(self, record_id: bytes, disclose: Collection[str] | None, *, proof: bool) -> EvidenceFile:
        """Return the evidence file of a final entry.

        Args:
            record_id: 32 bytes.
            disclose: Paths to show besides those always shown; None shows all. Ignored for a skeleton.
            proof: With state proofs against a block header.

        Raises:
            NotFound: No such record.
            NotReady: It is not final yet.
            RecordErased: Its record and seed were deleted.
            MalformedInput: A path that the record has not.
        """
        ...

    def standing(self, record_id: bytes) -> Standing:
        """Return an entry's standing and its changes.

        Raises:
            NotFound: No such record.
        """
        ...

    def change_standing(self, record_id: bytes, status: Status, cause: bytes, caller: Caller) -> StandingChange:
        """Ask for a change of standing; the worker carries it to the chain.

        Args:
            record_id: The entry whose standing changes.
            status: The new standing.
            cause: Commitment of the entry that is the cause, in a ledger of the caller's organization.
            caller: Who asks.

        Raises:
            NotFound: No such record or cause.
            StandingRefused: Not an allowed move.
        """
        ...

    def evidences(self, ledger: str, wanted: EvidenceWanted) -> Iterator[bytes]:
        """Yield a line for each final entry in the order of seq, with its line feed: its evidence.

        A private record's is ``{"commitment": HEX, "skeleton": EVIDENCE}``; an erased one has no line.

        Raises:
            NotFound: No such ledger, or no checkpoint of that block; all of these by the first ``next`` at the latest.
            NotReady: A proof was asked for, and there is no checkpoint, or the node has forgotten its state.
        """
        ...

    def erase(self, record_id: bytes, reason: str, caller: Caller) -> Erasure:
        """Delete a record's body, seed and reference; repeating it returns the first erasure.

        Raises:
            NotFound: No such record.
        """
        ...

    def receipt(self, record_id: bytes) -> Receipt:
        """Return an entry's receipt.

        Raises:
            NotFound: No such record.
        """
        ...

    def ledgers(self, after: str | None, limit: int) -> Page[LedgerFacts]:
        """Return ledgers of the network that the journal knows, ascending by name, from the one after ``after``."""
        ...

    def ledger(self, name: str) -> LedgerFacts:
        """Return one ledger.

        Raises:
            NotFound: No such ledger.
        """
        ...

    def open_ledger(self, name: str, suite: Suite, *, signed: bool, caller: Caller) -> LedgerFacts:
        """Open a ledger on chain; opening it again with the same suite and flags returns it.

        Raises:
            Conflict: It is open with another suite or flags.
            ChainRefused: The contract refused.
            NodeUnavailable: The node does not answer.
        """
        ...

    def close_ledger(self, name: str, caller: Caller) -> LedgerFacts:
        """Close a ledger on chain.

        Raises:
            NotFound: No such ledger.
            NodeUnavailable: The node does not answer.
        """
        ...

    def entries(self, ledger: str, after: int | None, limit: int) -> Page[LedgerEntry]:
        """Return entries after a position of an earlier page, in the order of that position.

        Raises:
            NotFound: No such ledger.
        """
        ...

    def batches(self, ledger: str, after: int | None, limit: int) -> Page[LedgerBatch]:
        """Return batches after a position of an earlier page, ascending by number.

        Raises:
            NotFound: No such ledger.
        """
        ...

    def export(self, ledger: str, *, disclose: bool) -> Iterator[bytes]:
        """Yield the lines of ``chainsvc-export/1``, each with its line feed; with the records if ``disclose``.

        Raises:
            NotFound: No such ledger; raised by the call, not by the first ``next``.
        """
        ...

    def network_bytes(self) -> bytes:
        """Return the network descriptor's canonical bytes."""
        ...

    def verify(self, data: bytes) -> Verdict:
        """Return the verdict on evidence bytes; hostile bytes get ``invalid``, never an error.

        Raises:
            NodeUnavailable: The node does not answer.
        """
        ...

    def checkpoint(self) -> str:
        """Sign a checkpoint of the newest final block and return the note's text.

        Raises:
            NodeUnavailable: The node does not answer.
        """
        ...

    def latest_checkpoint(self) -> str:
        """Return the newest checkpoint's note text.

        Raises:
            NotFound: None was made yet.
        """
        ...

    def ready(self) -> Readiness:
        """Tell whether the service can work; never raises."""
        ...
