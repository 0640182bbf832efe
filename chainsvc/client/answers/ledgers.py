"""Answers about a ledger: its facts, its entries, its batches."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Self, TypeVar

from chainsvc.client.answers.fields import BatchState, EntryState, hex_or_none, maybe, one_of, standing_named, truth
from chainsvc.crypto.suites import Suite, suite_named
from chainsvc.errors import MalformedInput
from chainsvc.heads import Status
from chainsvc.reading import text, unhex, whole
from chainsvc.record import FLAG_SIGNED, ledger_id

T = TypeVar("T")
_COUNTS = ("entries", "credit", "debit", "batches", "anchored_entries", "anchored_credit", "anchored_debit")


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """A ledger, and how far it has come.

    Attributes:
        name: ``kind/uscc/book``.
        network: Network id, 32 bytes.
        contract: Its contract, 20 bytes.
        suite: Its hash suite.
        flags: Bit 0: every submission is signed by the organization.
        closed: It takes no more entries.
        entries: Accepted entries; another organization's key is told ``anchored_entries``.
        credit: Sum of all accepted entries, fen; another organization's key is told ``anchored_credit``.
        debit: Sum of all accepted entries, fen; another organization's key is told ``anchored_debit``.
        batches: Batches final on chain.
        anchored_entries: Entries final on chain.
        anchored_credit: Sum of those, fen.
        anchored_debit: Sum of those, fen.
        budget: What the net debit may not pass, fen; None where no budget applies.
    """

    name: str
    network: bytes
    contract: bytes
    suite: Suite
    flags: int
    closed: bool
    entries: int = 0
    credit: int = 0
    debit: int = 0
    batches: int = 0
    anchored_entries: int = 0
    anchored_credit: int = 0
    anchored_debit: int = 0
    budget: int | None = None

    @property
    def ledger_id(self) -> bytes:
        """The ledger's id, recomputed from the facts that make it; 32 bytes."""
        return ledger_id(self.network, self.contract, self.suite.id, self.flags, self.name)

    @property
    def signed(self) -> bool:
        """Whether every submission must be signed by the organization."""
        return bool(self.flags & FLAG_SIGNED)

    def anchored(self) -> Self:
        """Return the facts as the chain publishes them: running sums of what was accepted would tell each amount."""
        return replace(self, entries=self.anchored_entries, credit=self.anchored_credit, debit=self.anchored_debit)

    def to_json(self) -> dict[str, Any]:
        """Return the answer, with ``ledger_id`` and ``signed`` beside what they follow from."""
        return {
            "name": self.name,
            "ledger_id": self.ledger_id.hex(),
            "network": self.network.hex(),
            "contract": self.contract.hex(),
            "suite": self.suite.name,
            "flags": self.flags,
            "signed": self.signed,
            "closed": self.closed,
            **{count: getattr(self, count) for count in _COUNTS},
            "budget": self.budget,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read an answer, and recompute the ledger id.

        Raises:
            MalformedInput: A member of another type, or another ledger id than the facts give.
        """
        facts = cls(
            name=text(value["name"], "/name"),
            network=unhex(value["network"], "/network", 32),
            contract=unhex(value["contract"], "/contract", 20),
            suite=suite_named(text(value["suite"], "/suite")),
            flags=whole(value["flags"], "/flags", 255),
            closed=truth(value["closed"], "/closed"),
            **{count: whole(value[count], f"/{count}") for count in _COUNTS},
            budget=maybe(whole, value["budget"], "/budget"),
        )
        if facts.ledger_id.hex() != value["ledger_id"]:
            raise MalformedInput(
                "the service's ledger id is not that of its facts",
                expected=facts.ledger_id.hex(),
                got=value["ledger_id"],
                where="/ledger_id",
            )
        return facts


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One entry in a ledger's list.

    Attributes:
        commitment: 32 bytes.
        state: See :data:`EntryState`.
        seq: Position in the ledger, from sealing on.
        batch: Batch number, from sealing on.
        credit: Fen.
        debit: Fen.
        previous: Commitment of the prior revision, 32 bytes.
        standing: By the journal's final changes.
        accepted_at: Unix seconds.
    """

    commitment: bytes
    state: EntryState
    seq: int | None
    batch: int | None
    credit: int
    debit: int
    previous: bytes | None
    standing: Status
    accepted_at: int

    @property
    def id(self) -> str:
        """The record's id: its commitment in hex."""
        return self.commitment.hex()

    def to_json(self) -> dict[str, Any]:
        """Return the answer."""
        return {
            "id": self.id,
            "state": self.state,
            "seq": self.seq,
            "batch": self.batch,
            "credit": self.credit,
            "debit": self.debit,
            "previous": hex_or_none(self.previous),
            "standing": self.standing.label,
            "accepted_at": self.accepted_at,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read an answer.

        Raises:
            MalformedInput: A member of another type.
        """
        return cls(
            commitment=unhex(value["id"], "/id", 32),
            state=one_of(value["state"], ("accepted", "sealed", "submitted", "final"), "/state"),
            seq=maybe(whole, value["seq"], "/seq"),
            batch=maybe(whole, value["batch"], "/batch"),
            credit=whole(value["credit"], "/credit"),
            debit=whole(value["debit"], "/debit"),
            previous=maybe(unhex, value["previous"], "/previous"),
            standing=standing_named(value["standing"]),
            accepted_at=whole(value["accepted_at"], "/accepted_at"),
        )


@dataclass(frozen=True, slots=True)
class LedgerBatch:
    """One batch in a ledger's list; the facts of the chain are None until it is final.

    Attributes:
        index: Batch number ``k``.
        first: Seq of its first entry.
        count: Its entries.
        root: Hash of the sum tree's root, 32 bytes.
        credit: Sum in fen.
        debit: Sum in fen.
        state: See :data:`BatchState`.
        transaction: Hash of the transaction that carries it, 32 bytes.
        prev: Head before it, 32 bytes.
        head: Head after it, 32 bytes.
        actor: Account that anchored it, 20 bytes.
        block: Block number.
        block_hash: 32 bytes.
        time: Block time.
    """

    index: int
    first: int
    count: int
    root: bytes
    credit: int
    debit: int
    state: BatchState
    transaction: bytes | None = None
    prev: bytes | None = None
    head: bytes | None = None
    actor: bytes | None = None
    block: int | None = None
    block_hash: bytes | None = None
    time: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the answer."""
        return {
            "index": self.index,
            "first": self.first,
            "count": self.count,
            "root": self.root.hex(),
            "credit": self.credit,
            "debit": self.debit,
            "state": self.state,
            "transaction": hex_or_none(self.transaction),
            "prev": hex_or_none(self.prev),
            "head": hex_or_none(self.head),
            "actor": hex_or_none(self.actor),
            "block": self.block,
            "block_hash": hex_or_none(self.block_hash),
            "time": self.time,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read an answer.

        Raises:
            MalformedInput: A member of another type.
        """
        return cls(
            index=whole(value["index"], "/index"),
            first=whole(value["first"], "/first"),
            count=whole(value["count"], "/count"),
            root=unhex(value["root"], "/root", 32),
            credit=whole(value["credit"], "/credit"),
            debit=whole(value["debit"], "/debit"),
            state=one_of(value["state"], ("sealed", "submitted", "final"), "/state"),
            transaction=maybe(unhex, value["transaction"], "/transaction"),
            prev=maybe(unhex, value["prev"], "/prev"),
            head=maybe(unhex, value["head"], "/head"),
            actor=maybe(unhex, value["actor"], "/actor"),
            block=maybe(whole, value["block"], "/block"),
            block_hash=maybe(unhex, value["block_hash"], "/block_hash"),
            time=maybe(whole, value["time"], "/time"),
        )


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list.

    Attributes:
        items: In order.
        next: Where the next part begins, None at the end. A position of the service's own, no index.
    """

    items: tuple[T, ...]
    next: int | str | None
