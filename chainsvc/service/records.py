"""Records as the journal knows them: status, receipt, erasure."""

from collections.abc import Callable
from typing import cast

from sqlalchemy import Connection, Engine

from chainsvc import metrics
from chainsvc.client.answers import EntryState, Erasure, RecordStatus
from chainsvc.crypto.envelope import Envelope
from chainsvc.drafts import MAX_REVISION
from chainsvc.erasure_log import ErasedRecord, ErasureLog
from chainsvc.errors import InputRefused, NotFound
from chainsvc.heads import Status
from chainsvc.journal import batches, chunks, entries, ledgers, marks, payloads, references
from chainsvc.journal.entries import Entry
from chainsvc.promises import Promises
from chainsvc.receipt import Receipt
from chainsvc.stored import Opener


def entry_of(conn: Connection, record_id: bytes) -> Entry:
    """Return the entry of a commitment, in whichever ledger it is.

    Raises:
        NotFound: No such record.
    """
    found = entries.find(conn, record_id)
    if not found:
        raise NotFound("no such record", got=record_id.hex(), hint="A record's id is its commitment, 64 hex digits.")
    return found[0]


def is_private(conn: Connection, entry: Entry) -> bool:
    """Whether the service was given the commitment only: such a chunk has no key, erased or not."""
    return chunks.get(conn, entry.ledger_id, entry.chunk_id).wrapped_key is None


def standing_of(conn: Connection, entry: Entry) -> Status:
    """Return an entry's standing by its final changes."""
    changes = marks.history(conn, entry.ledger_id, entry.entry_id)
    return Status(changes[-1].status) if changes else Status.CURRENT


def state_of(conn: Connection, entry: Entry) -> EntryState:
    """Return how far an entry has come."""
    if entry.k is None:
        return "accepted"
    return cast("EntryState", batches.get(conn, entry.ledger_id, entry.k).state)


class Records:
    """Answers about single records."""

    def __init__(self, engine: Engine, envelope: Envelope, clock: Callable[[], float], erasure_log: ErasureLog) -> None:
        """Read this journal, and write erasures to this log too."""
        self._engine = engine
        self._envelope = envelope
        self._opener = Opener(envelope)
        self._clock = clock
        self._erasure_log = erasure_log

    def status(self, record_id: bytes, *, disclose: bool) -> RecordStatus:
        """Return where a record stands."""
        with self._engine.connect() as conn:
            return self._status(conn, entry_of(conn, record_id), disclose=disclose)

    def by_reference(self, ledger: str, reference: str, revision: int | None, *, disclose: bool) -> RecordStatus:
        """Return where a revision of a reference stands, the latest when None."""
        with self._engine.connect() as conn:
            ledger_id = ledgers.by_name(conn, ledger).ledger_id
            index = self._envelope.reference_index(ledger_id, reference)
            if revision is None:
                known = references.latest(conn, ledger_id, index)
            elif revision > MAX_REVISION:
                known = None
            else:
                known = references.by_reference(conn, ledger_id, index, revision)
            if known is None:
                raise NotFound("the ledger has no such reference", got=reference[:128], where=ledger)
            return self._status(conn, known.entry, disclose=disclose)

    def _status(self, conn: Connection, entry: Entry, *, disclose: bool) -> RecordStatus:
        opened = self._opener.record(conn, entry)
        record = None if opened is None else opened[0]
        return RecordStatus(
            commitment=entry.commitment,
            ledger=ledgers.by_id(conn, entry.ledger_id).name,
            reference=None if record is None else record.reference,
            revision=None if record is None else record.revision,
            state=state_of(conn, entry),
            seq=entry.seq,
            batch=entry.k,
            standing=standing_of(conn, entry),
            accepted_at=entry.accepted_at,
            anchor_by=entry.anchor_by,
            erased=record is None and payloads.erasure_of(conn, entry.ledger_id, entry.entry_id) is not None,
            private=record is None and is_private(conn, entry),
            record=record.to_json() if record is not None and disclose else None,
        )

    def receipt(self, record_id: bytes) -> Receipt:
        """Return a record's receipt."""
        with self._engine.connect() as conn:
            return Promises(conn).receipt(entry_of(conn, record_id))

    def erase(self, record_id: bytes, reason: str, erased_by: str) -> Erasure:
        """Delete a record's body, seed and reference; what the tree needs stays.

        Of an entry whose record the service never saw only the erasure itself is kept: its holder erases the record,
        and until then makes evidence of it.

        Raises:
            NotFound: No such record.
            InputRefused: A reason that the database can't keep.
            DatabaseUnavailable: The erasure log can't be written; nothing was erased.
        """
        if "\0" in reason:
            raise InputRefused("an erasure's reason is text", expected="no NUL character", where="/reason")
        with self._engine.begin() as conn:
            entry = entry_of(conn, record_id)
            kept = payloads.erase(
                conn,
                entry.ledger_id,
                entry.entry_id,
                erased_at=int(self._clock()),
                erased_by=erased_by,
                reason=reason,
            )
            # Before the commit: what is in the log and was not done is done by the request sent again; what was done
            # and is not in the log would come back with an older backup.
            self._erasure_log.append(
                ErasedRecord(entry.ledger_id, record_id, kept.erased_at, kept.erased_by, kept.reason)
            )
        metrics.ERASURES.inc()
        return Erasure(record_id, kept.erased_at, kept.erased_by, kept.reason)
