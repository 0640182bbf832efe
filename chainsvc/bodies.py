"""Reading the bodies that hand records or commitments over, item by item, so that a bad one spoils no other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from chainsvc import jcs
from chainsvc.client.answers import Accepted
from chainsvc.errors import ChainsvcError, MalformedInput
from chainsvc.reading import array_of, members_of, unhex, whole
from chainsvc.receipt import Submission
from chainsvc.record import MAX_DEPTH, Record
from chainsvc.sumtree import MAX_SUM

Item = tuple[Record, bytes | None]
"""A record and its seed, None where the service makes it."""

_CHUNK = frozenset({"records", "seeds", "submission"})
_COMMITMENTS = frozenset({"commitments", "submission"})
_COMMITMENT = frozenset({"commitment", "credit", "debit", "previous"})


class CommittedItem(NamedTuple):
    """One commitment handed over without its record.

    Attributes:
        commitment: 32 bytes.
        credit: Fen, 0 to 2^53-1.
        debit: Fen, 0 to 2^53-1.
        previous: Commitment of the prior revision, 32 bytes.
    """

    commitment: bytes
    credit: int
    debit: int
    previous: bytes | None


@dataclass(frozen=True, slots=True)
class RecordChunk:
    """A body of ``…/records``.

    Attributes:
        items: What can go in, and for every other record its error, in order.
        submission: The issuer's signature over the chunk.
        single: The body was one bare record.
    """

    items: Sequence[Item | ChainsvcError]
    submission: Submission | None
    single: bool

    def accept(self, send: Callable[[list[Item]], list[Accepted | ChainsvcError]]) -> list[Accepted | ChainsvcError]:
        """Return each record's answer: its own error, or what ``send`` answers for the others together."""
        good = [item for item in self.items if not isinstance(item, ChainsvcError)]
        answers = iter(send(good) if good else [])
        return [item if isinstance(item, ChainsvcError) else next(answers) for item in self.items]


def record_chunk(data: bytes, ledger: str, largest: int) -> RecordChunk:
    """Read one record, or ``{records, seeds, submission}`` of at most ``largest`` records.

    Raises:
        MalformedInput: Not JSON of the strict kind, or not such a chunk; for a signed one also any bad record.
    """
    value = jcs.loads(data, max_bytes=len(data), max_depth=MAX_DEPTH + 2)
    if type(value) is not dict or "records" not in value:
        return RecordChunk([record_item(value, None, ledger)], None, single=True)
    value = members_of({"seeds": None, "submission": None, **value}, _CHUNK)
    records = _some(value["records"], "/records", largest)
    seeds = [None] * len(records) if value["seeds"] is None else array_of(value["seeds"], "/seeds", len(records))
    submission = _submission(value["submission"], len(records))
    items = [
        record_item(record, None if seed is None else unhex(seed, f"/seeds/{index}", 32), ledger)
        for index, (record, seed) in enumerate(zip(records, seeds, strict=True))
    ]
    if submission is not None:
        _refuse_any(items)
    return RecordChunk(items, submission, single=False)


def commitment_chunk(data: bytes, largest: int) -> tuple[list[CommittedItem], Submission | None]:
    """Read ``{commitments, submission}`` of at most ``largest`` commitments.

    Raises:
        MalformedInput: Not JSON of the strict kind, or not such a chunk.
    """
    value = jcs.loads(data, max_bytes=len(data), max_depth=4)
    if type(value) is dict:
        value = {"submission": None, **value}
    value = members_of(value, _COMMITMENTS)
    commitments = _some(value["commitments"], "/commitments", largest)
    items = [committed_item(item, f"/commitments/{index}") for index, item in enumerate(commitments)]
    return items, _submission(value["submission"], len(items))


def record_item(value: Any, seed: bytes | None, ledger: str) -> Item | ChainsvcError:
    """Read a record that names the ledger; its error where it can't go in."""
    try:
        record = Record.from_json(value)
    except MalformedInput as error:
        return error
    if record.ledger != ledger:
        return MalformedInput(
            "the record names another ledger than the path", expected=ledger, got=record.ledger[:80], where="/ledger"
        )
    return record, seed


def record_line(data: bytes, ledger: str) -> Item | ChainsvcError:
    """Read text that holds one record and nothing else; its error where it can't go in."""
    try:
        return record_item(jcs.loads(data, max_bytes=len(data), max_depth=MAX_DEPTH + 2), None, ledger)
    except ChainsvcError as error:
        return error


def _refuse_any(items: Sequence[Item | ChainsvcError]) -> None:
    """A signature covers the chunk as a whole, so one bad record refuses it."""
    for index, item in enumerate(items):
        if isinstance(item, ChainsvcError):
            item.where = f"/records/{index}{item.where or ''}"
            raise item


def committed_item(value: Any, where: str = "") -> CommittedItem:
    """Read ``{commitment, credit, debit, previous}``.

    Raises:
        MalformedInput: Another type, or a member too many or too few.
    """
    value = members_of(value, _COMMITMENT, where)
    previous = value["previous"]
    return CommittedItem(
        commitment=unhex(value["commitment"], f"{where}/commitment", 32),
        credit=whole(value["credit"], f"{where}/credit", MAX_SUM),
        debit=whole(value["debit"], f"{where}/debit", MAX_SUM),
        previous=None if previous is None else unhex(previous, f"{where}/previous", 32),
    )


def _some(value: Any, where: str, largest: int) -> list[Any]:
    items = array_of(value, where)
    if not 1 <= len(items) <= largest:
        hint = "Send the rest in further calls; repeating a record is safe."
        raise MalformedInput("not such a chunk", expected=f"1 to {largest}", got=len(items), where=where, hint=hint)
    return items


def _submission(value: Any, count: int) -> Submission | None:
    if value is None:
        return None
    submission = Submission.from_json(value)
    if (submission.index, submission.count) != (0, count):
        raise MalformedInput(
            "the submission is not that of this chunk",
            expected=f"index 0 of {count}",
            got=f"index {submission.index} of {submission.count}",
            where="/submission",
        )
    return submission
