"""Stored records, opened: the one place that joins the journal's rows with the keys that read them."""

from sqlalchemy import Connection

from chainsvc.crypto.envelope import Envelope
from chainsvc.journal import chunks, payloads
from chainsvc.journal.entries import Entry
from chainsvc.journal.payloads import Payload
from chainsvc.journal.references import Known
from chainsvc.record import Record


class Opener:
    """Opens what the journal keeps encrypted."""

    def __init__(self, envelope: Envelope) -> None:
        """Read with this envelope."""
        self._envelope = envelope

    def record(self, conn: Connection, entry: Entry) -> tuple[Record, bytes] | None:
        """Return an entry's record and seed; None after erasure, and where only the commitment was handed over.

        Raises:
            KeyMismatch: The rows were written with another key.
        """
        payload = payloads.get(conn, entry.ledger_id, entry.entry_id)
        return None if payload is None else self.open(entry.ledger_id, payload)

    def open(self, ledger_id: bytes, payload: Payload) -> tuple[Record, bytes]:
        """Return the record and seed of a payload."""
        cipher = self._envelope.unwrap(ledger_id, payload.chunk_id, payload.wrapped_key)
        seed = cipher.open_seed(payload.chunk_index, payload.sealed_seed)
        return Record.parse(cipher.open_record(payload.chunk_index, seed, payload.sealed_record)), seed

    def seed(self, ledger_id: bytes, known: Known) -> bytes | None:
        """Return the seed of an entry found by its reference; None where the service keeps no record."""
        if known.wrapped_key is None or known.sealed_seed is None:
            return None
        entry_id = known.entry.entry_id
        cipher = self._envelope.unwrap(ledger_id, chunks.chunk_of(entry_id), known.wrapped_key)
        return cipher.open_seed(chunks.index_of(entry_id), known.sealed_seed)
