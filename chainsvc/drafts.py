"""From a record to what the journal stores of it: pure, and the same for one record and for a chunk."""

from dataclasses import dataclass

from chainsvc.commitment import new_seed
from chainsvc.crypto.suites import Suite
from chainsvc.errors import MalformedInput, Problem, RecordRefused
from chainsvc.record import Record
from chainsvc.schemas import check_record, schema_of
from chainsvc.shape import commit_record
from chainsvc.sumtree import MAX_SUM

MAX_REVISION = 2**31 - 1
"""Largest revision that the journal's column takes; one beyond it must not fail the chunk's other records."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that is checked and committed to, but not stored.

    Attributes:
        commitment: 32 bytes.
        credit: Fen.
        debit: Fen.
        previous: Commitment of the prior revision, or None.
        record: The record; None in private mode.
        seed: Its seed, 32 bytes; None in private mode.
        fresh: Whether the seed was made here, so that nobody can have handed this commitment over before.
    """

    commitment: bytes
    credit: int
    debit: int
    previous: bytes | None
    record: Record | None = None
    seed: bytes | None = None
    fresh: bool = False

    @property
    def key(self) -> tuple[str, int] | None:
        """(reference, revision), by which a repeated record is recognized; None in private mode."""
        return None if self.record is None else (self.record.reference, self.record.revision)


def draft_of(suite: Suite, ledger: str, record: Record, seed: bytes | None) -> Draft:
    """Check a record and commit to it.

    Args:
        suite: The ledger's suite.
        ledger: The ledger's name.
        record: The record.
        seed: 32 bytes by the holder, or None to make them here.

    Raises:
        RecordRefused: Another ledger, or the schema's problems.
        SchemaUnknown: No such schema.
        MalformedInput: A value that no record may hold.
    """
    if record.ledger != ledger:
        problem = Problem("/ledger", "the record is of another ledger", ledger, record.ledger[:80])
        raise RecordRefused("the record is refused", (problem,))
    check_record(record)
    if record.revision > MAX_REVISION:
        problem = Problem("/revision", "a revision counts 0, 1, 2, …", f"at most {MAX_REVISION}", str(record.revision))
        raise RecordRefused("the record is refused", (problem,))
    chosen = new_seed() if seed is None else seed
    previous = None if record.previous is None else bytes.fromhex(record.previous)
    record.to_bytes()  # no larger and no deeper than a record may be
    commitment = commit_record(suite, record, chosen)
    return Draft(commitment, record.credit, record.debit, previous, record, chosen, fresh=seed is None)


def check_revision(record: Record, before: Record | None) -> None:
    """Refuse a later revision that does not follow from the one before.

    Args:
        record: Revision n > 0.
        before: Revision n-1, None where it was erased: then its amounts can't be compared.

    Raises:
        RecordRefused: Another schema, or a net change that is not the difference of the two bodies.
    """
    if before is None:
        return
    if record.schema != before.schema:
        problem = Problem("/schema", "a revision keeps its schema", before.schema, record.schema)
        raise RecordRefused("the revision is refused", (problem,))
    expected = _net(record) - _net(before)
    if record.credit - record.debit != expected:
        side, amount = ("credit", expected) if expected >= 0 else ("debit", -expected)
        problem = Problem(
            f"/{side}",
            "a revision carries the adjustment between the two bodies",
            f"{side} {amount}",
            f"credit {record.credit}, debit {record.debit}",
        )
        raise RecordRefused("the revision is refused", (problem,))


def _net(record: Record) -> int:
    credit, debit = schema_of(record.schema).amounts(record.body)
    return credit - debit


def checked(draft: Draft) -> Draft:
    """Return a draft whose record is not seen, if its amounts may be those of an entry.

    Raises:
        MalformedInput: Both sides of a revision, or an amount out of range.
    """
    if not (0 <= draft.credit <= MAX_SUM and 0 <= draft.debit <= MAX_SUM):
        raise MalformedInput("an amount is out of range", expected="0 to 2^53-1 fen", where="/credit")
    if draft.previous is not None and draft.credit and draft.debit:
        raise MalformedInput("a revision changes one side only", expected="credit or debit 0", where="/debit")
    return draft
