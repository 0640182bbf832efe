"""Drafting a chunk of bulk lines: read, check, commit, encrypt, pack. Pure, so that any process can do it.

What needs no look into the journal takes this way: first revisions without effect on another record. A chunk that
holds anything else, or two of the same, is left to the way that asks first.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from chainsvc import jcs
from chainsvc.bodies import committed_item, record_item
from chainsvc.client.problems import problem_of
from chainsvc.commitment import SEED_BYTES
from chainsvc.crypto.envelope import ChunkCipher, ReferenceIndex
from chainsvc.crypto.suites import suite_of
from chainsvc.errors import ChainsvcError
from chainsvc.journal.at_once import Rows
from chainsvc.journal.copying import Packing
from chainsvc.record import MAX_BYTES, MAX_DEPTH, Record
from chainsvc.schemas import check_record, schema_of
from chainsvc.shape import shape_of


@dataclass(frozen=True, slots=True)
class Task:
    """A chunk to draft.

    Attributes:
        ledger: Name.
        ledger_id: 32 bytes.
        suite: 1 = SHA-256, 2 = SM3.
        chunk_id: Drawn for this attempt alone.
        chunk_key: 32 bytes, random; None for commitments without their records.
        references: The journal's.
        lines: What came, a record or a commitment each.
    """

    ledger: str
    ledger_id: bytes
    suite: int
    chunk_id: int
    chunk_key: bytes | None = field(repr=False)
    references: ReferenceIndex = field(repr=False)
    lines: Sequence[bytes] = field(repr=False)


@dataclass(slots=True)
class Drafted:
    """A chunk that can go in as it is, if none of it is there already.

    Attributes:
        commitments: In the order of lines.
        references: Of the records, in the same order; none of commitments.
        places: Position in ``Task.lines`` of each.
        credit: Their sum, fen.
        debit: Their sum, fen.
        packed: Rows by table; none where the drafter gave rows of its own to fill.
        refused: Position and problem (RFC 9457) of each line that can't go in.
    """

    commitments: list[bytes] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    credit: int = 0
    debit: int = 0
    packed: dict[str, bytes] = field(default_factory=dict)
    refused: list[tuple[int, dict[str, Any]]] = field(default_factory=list)


class NeedsJournal(Exception):
    """A line whose answer depends on what the journal holds."""


def draft(task: Task, rows: Rows | None = None) -> Drafted | None:
    """Draft a chunk; None when it has to go the way that asks the journal first.

    Args:
        task: What to draft.
        rows: Are filled instead of packing the rows for COPY.
    """
    drafting = _Drafting(task, Packing(task.ledger_id, task.chunk_id) if rows is None else rows)
    each = drafting.commitment if task.chunk_key is None else drafting.record
    try:
        for place, line in enumerate(task.lines):
            drafting.attempt(each, place, line)
    except NeedsJournal:
        return None
    return drafting.finished()


class _Drafting:
    """One chunk under way."""

    def __init__(self, task: Task, rows: Packing | Rows) -> None:
        self._task = task
        self._suite = suite_of(task.suite)
        self._rows = rows
        self._cipher = None if task.chunk_key is None else ChunkCipher(task.ledger_id, task.chunk_id, task.chunk_key)
        self._seeds = os.urandom(SEED_BYTES * len(task.lines) if self._cipher else 0)
        self._references: set[str] = set()
        self._done = Drafted()

    def attempt(self, each: Callable[[bytes], None], place: int, line: bytes) -> None:
        try:
            each(line)
        except ChainsvcError as error:
            self._done.refused.append((place, problem_of(error)))
        else:
            self._done.places.append(place)

    def finished(self) -> Drafted | None:
        done = self._done
        if len(set(done.commitments)) < len(done.commitments):
            return None
        if isinstance(self._rows, Packing):
            done.packed = self._rows.packed()
        return done

    def record(self, line: bytes) -> None:
        record = _first_revision(line, self._task.ledger)
        self._once(record.reference)
        assert self._cipher is not None
        shape, document = shape_of(record.schema), record.to_json()
        values = shape.values(document)
        index = len(self._done.commitments)
        seed = self._seeds[SEED_BYTES * index : SEED_BYTES * (index + 1)]
        self._entry(index, shape.commit(self._suite, values, seed), record.credit, record.debit)
        found_by = self._task.references.of(self._task.ledger_id, record.reference)
        data = _canonical(record, document)
        sealed_seed, sealed = self._cipher.seal_seed(index, seed), self._cipher.seal_record(index, seed, data)
        self._rows.record(index, found_by, sealed_seed, sealed)
        self._done.references.append(record.reference)

    def commitment(self, line: bytes) -> None:
        value = _read(line, 4)
        if type(value) is dict and ("commitments" in value or value.get("previous") is not None):
            raise NeedsJournal
        item = committed_item(value)
        self._entry(len(self._done.commitments), item.commitment, item.credit, item.debit)

    def _entry(self, index: int, commitment: bytes, credit: int, debit: int) -> None:
        done = self._done
        self._rows.entry(index, commitment, credit, debit)
        done.commitments.append(commitment)
        done.credit += credit
        done.debit += debit

    def _once(self, reference: str) -> None:
        if reference in self._references:
            raise NeedsJournal
        self._references.add(reference)


def _first_revision(line: bytes, ledger: str) -> Record:
    value = _read(line, MAX_DEPTH)
    if type(value) is dict and "records" in value:
        raise NeedsJournal
    item = record_item(value, None, ledger)
    if isinstance(item, ChainsvcError):
        raise item
    record = item[0]
    if record.revision != 0 or schema_of(record.schema).effect is not None:
        raise NeedsJournal
    check_record(record)
    return record


def _read(line: bytes, depth: int) -> Any:
    """Read strict JSON; canonical text, which the SDK sends, is proved so by writing it again.

    A float passes that proof; the schema and the shape refuse it.
    """
    try:
        value = orjson.loads(line)
        if orjson.dumps(value, option=orjson.OPT_SORT_KEYS) == line:
            return value
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        pass
    return jcs.loads(line, max_bytes=len(line), max_depth=depth)


def _canonical(record: Record, document: dict[str, Any]) -> bytes:
    """Return the bytes of a record that schema and shape have passed, which leaves nothing but its size to refuse."""
    data = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return data if len(data) <= MAX_BYTES else record.to_bytes()
