"""Answers about one record: accepted, where it stands, erased."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from chainsvc.client.answers.fields import EntryState, maybe, one_of, standing_named, truth
from chainsvc.heads import Status
from chainsvc.reading import text, unhex, whole
from chainsvc.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Accepted:
    """One record or commitment that is durable in the journal.

    Attributes:
        commitment: 32 bytes; in hex it is the record's id.
        reference: The record's reference, None for a commitment.
        revision: The record's revision, None for a commitment.
        receipt: The service's signed promise.
        again: It was there already; ``receipt`` is the first one.
    """

    commitment: bytes
    reference: str | None
    revision: int | None
    receipt: Receipt
    again: bool

    @property
    def id(self) -> str:
        """The record's id: its commitment in hex."""
        return self.commitment.hex()

    def to_json(self) -> dict[str, Any]:
        """Return ``{id, reference, revision, again, receipt}``."""
        return {
            "id": self.id,
            "reference": self.reference,
            "revision": self.revision,
            "again": self.again,
            "receipt": self.receipt.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read an answer.

        Raises:
            MalformedInput: A member of another type.
        """
        return cls(
            commitment=unhex(value["id"], "/id", 32),
            reference=maybe(text, value["reference"], "/reference"),
            revision=maybe(whole, value["revision"], "/revision"),
            receipt=Receipt.from_json(value["receipt"]),
            again=truth(value["again"], "/again"),
        )


@dataclass(frozen=True, slots=True)
class RecordStatus:
    """Where a record stands on its way to the chain, and what is known of it.

    Attributes:
        commitment: 32 bytes.
        ledger: Ledger name.
        reference: None where the service never knew it (private mode) or it was erased.
        revision: As ``reference``.
        state: See :data:`EntryState`.
        seq: Position in the ledger, from sealing on.
        batch: Batch number in the ledger, from sealing on.
        standing: Its standing by the journal's final changes.
        accepted_at: Unix seconds.
        anchor_by: Latest block time promised, Unix seconds.
        erased: Its record and seed were deleted.
        private: The service was given the commitment only.
        record: The record's JSON, where it was asked for and is kept.
    """

    commitment: bytes
    ledger: str
    reference: str | None
    revision: int | None
    state: EntryState
    seq: int | None
    batch: int | None
    standing: Status
    accepted_at: int
    anchor_by: int
    erased: bool
    private: bool
    record: Mapping[str, Any] | None = None

    @property
    def id(self) -> str:
        """The record's id: its commitment in hex."""
        return self.commitment.hex()

    def to_json(self) -> dict[str, Any]:
        """Return the answer; ``record`` is left out where there is none to show."""
        shown = {} if self.record is None else {"record": dict(self.record)}
        return {
            "id": self.id,
            "ledger": self.ledger,
            "reference": self.reference,
            "revision": self.revision,
            "state": self.state,
            "seq": self.seq,
            "batch": self.batch,
            "standing": self.standing.label,
            "accepted_at": self.accepted_at,
            "anchor_by": self.anchor_by,
            "erased": self.erased,
            "private": self.private,
            **shown,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read an answer.

        Raises:
            MalformedInput: A member of another type.
        """
        return cls(
            commitment=unhex(value["id"], "/id", 32),
            ledger=text(value["ledger"], "/ledger"),
            reference=maybe(text, value["reference"], "/reference"),
            revision=maybe(whole, value["revision"], "/revision"),
            state=one_of(value["state"], ("accepted", "sealed", "submitted", "final"), "/state"),
            seq=maybe(whole, value["seq"], "/seq"),
            batch=maybe(whole, value["batch"], "/batch"),
            standing=standing_named(value["standing"]),
            accepted_at=whole(value["accepted_at"], "/accepted_at"),
            anchor_by=whole(value["anchor_by"], "/anchor_by"),
            erased=truth(value["erased"], "/erased"),
            private=truth(value["private"], "/private"),
            record=value.get("record"),
        )


@dataclass(frozen=True, slots=True)
class Erasure:
    """What is left of a record that was erased.

    Attributes:
        commitment: 32 bytes; stays, since the tree needs it.
        erased_at: Unix seconds.
        erased_by: Id of the API key, or of another actor.
        reason: As given.
    """

    commitment: bytes
    erased_at: int
    erased_by: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return ``{id, erased_at, erased_by, reason}``."""
        return {
            "id": self.commitment.hex(),
            "erased_at": self.erased_at,
            "erased_by": self.erased_by,
            "reason": self.reason,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read an answer.

        Raises:
            MalformedInput: A member of another type.
        """
        return cls(
            unhex(value["id"], "/id", 32),
            whole(value["erased_at"], "/erased_at"),
            text(value["erased_by"], "/erased_by"),
            text(value["reason"], "/reason"),
        )
