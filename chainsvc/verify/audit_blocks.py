"""Entries of an export checked a block at a time, in any process: almost every block is plainly right.

What is not plainly right is not judged here: the audit then goes through the block line by line and names what it
finds. So a block that passes must be one in which the audit would find nothing.
"""

import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from chainsvc import jcs
from chainsvc.commitment import SALT_BYTES, commit_paths, pair_digests
from chainsvc.errors import ChainsvcError, SchemaUnknown
from chainsvc.evidence.parts import PATH, VALUE_DEPTH
from chainsvc.network import Network
from chainsvc.reading import unhex, unhex_each
from chainsvc.record import MAX_PAIRS, Record, check_value, ledger_id
from chainsvc.schemas import Schema, check_record, schema_of
from chainsvc.sumtree import encoded_leaves
from chainsvc.verify.export import MAX_LINE, ExportHeader, parse_line
from chainsvc.verify.links import Meaning, Row, row_of

BLOCK_LINES = 512
"""Most lines of a block."""

BLOCK_BYTES = 1_048_576
"""A block that has more is full."""

_ENTRY = b'{"commitment":'
_MEMBERS = ("commitment", "credit", "debit", "pairs", "seq")  # in canonical order
_PATH = re.compile(PATH)
_SCALARS = {str, int, bool, type(None)}


class Block(NamedTuple):
    """Consecutive entries in which nothing is wrong.

    Attributes:
        first: Seq of the first.
        lowest: Commitment of the first entry; they ascend.
        highest: Commitment of the last entry.
        leaves: Leaf of each, 48 bytes.
        rows: What the links keep of each.
        readable: Entries whose record was there.
        unknown: Schemas that the descriptor does not pin or this version does not have.
    """

    first: int
    lowest: bytes
    highest: bytes
    leaves: list[bytes]
    rows: list[Row]
    readable: int
    unknown: frozenset[str]


def in_blocks(lines: Iterable[bytes]) -> Iterator[bytes | list[bytes]]:
    """Yield lines; those that begin like an entry are gathered in lists."""
    block: list[bytes] = []
    size = 0
    for line in lines:
        if line.startswith(_ENTRY):
            block.append(line)
            size += len(line)
            if len(block) < BLOCK_LINES and size < BLOCK_BYTES:
                continue
        if block:
            yield block
            block, size = [], 0
        if not line.startswith(_ENTRY):
            yield line
    if block:
        yield block


def is_block(item: bytes | list[bytes]) -> bool:
    """Whether it is a list of entries."""
    return isinstance(item, list)


class BlockCheck:
    """Checks the blocks of one ledger."""

    def __init__(self, network: bytes, header: bytes) -> None:
        """Take the descriptor's bytes and the export's first line, as they can be handed to another process."""
        self._network = Network.parse(network)
        found = parse_line(header)
        assert isinstance(found, ExportHeader)  # the audit has read it
        self._suite, self._name = found.suite, str(found.name)
        self._ledger_id = ledger_id(found.network, found.contract, found.suite.id, found.flags, self._name)
        self._pinned = lru_cache(maxsize=64)(self._schema)

    def __call__(self, lines: bytes | list[bytes]) -> Block | None:
        """Return the block of entries, or None at the slightest doubt."""
        assert isinstance(lines, list)  # see is_block
        try:
            return self._block(lines)
        except (ChainsvcError, ValueError, TypeError, KeyError, struct.error):
            return None

    def _block(self, lines: Sequence[bytes]) -> Block:
        unknown: set[str] = set()
        # One line at a time: half a thousand parsed records at once would not fit a processor's cache.
        found = [self._entry(line, unknown) for line in lines]
        rows, credits_, debits, readable = zip(*found, strict=True)
        seqs, commitments = [row[0] for row in rows], [row[1] for row in rows]
        first = seqs[0]
        _require(seqs == list(range(first, first + len(seqs))) and 0 <= first <= jcs.MAX_INTEGER - len(seqs))
        _require(all(map(bytes.__lt__, commitments, commitments[1:])))
        entries = zip(commitments, credits_, debits, strict=True)
        leaves = encoded_leaves(self._suite, self._ledger_id, first, entries)
        return Block(first, commitments[0], commitments[-1], leaves, list(rows), sum(readable), frozenset(unknown))

    def _entry(self, line: bytes, unknown: set[str]) -> tuple[Row, int, int, bool]:
        """Return what the links keep, credit, debit, and whether the record is there."""
        hexed, credit, debit, pairs, seq = _parsed(line).values()
        _require(type(credit) is type(debit) is type(seq) is int)
        commitment = unhex(hexed, "/commitment", 32)
        meaning = None
        if pairs is not None:
            paths, salts, values = zip(*pairs, strict=True)
            _require(set(map(type, paths)) == {str} and set(map(type, pairs)) == {list} and len(paths) <= MAX_PAIRS)
            digests = pair_digests(self._suite, unhex_each(salts, "/pairs", SALT_BYTES), values)
            _require(commit_paths(self._suite, paths, digests) == commitment)
            _check_values(paths, values)
            record = Record.from_json(_built(_shape(paths), values))
            _require((record.credit, record.debit, record.ledger) == (credit, debit, self._name))
            meaning = self._meaning(record, unknown)
        return row_of(seq, commitment, credit - debit, meaning), credit, debit, pairs is not None

    def _meaning(self, record: Record, unknown: set[str]) -> Meaning:
        schema = self._pinned(record.schema)
        if schema is None:
            unknown.add(record.schema[:80])
        else:
            check_record(record)
        return Meaning.of(record, schema)

    def _schema(self, identifier: str) -> Schema | None:
        """Return the schema when it is the one that the descriptor pins."""
        try:
            schema = schema_of(identifier)
        except SchemaUnknown:
            return None
        return schema if self._network.schemas.get(identifier) == schema.sha256 else None


def _parsed(line: bytes) -> dict[str, Any]:
    """Parse a canonical line, which has no member twice and no number in another form."""
    _require(len(line) <= MAX_LINE)
    value = orjson.loads(line)
    _require(orjson.dumps(value, None, orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE) == line)
    _require(tuple(value) == _MEMBERS)
    assert isinstance(value, dict)  # nothing else has members
    return value


def _require(holds: bool) -> None:  # noqa: FBT001 - a statement, not an option
    if not holds:
        raise ValueError


class _Shape(NamedTuple):
    """How an object is built from the values of a record's pairs.

    Attributes:
        names: Of the members that are values.
        values: Takes these from all values.
        objects: The members that are objects.
    """

    names: tuple[str, ...]
    values: Callable[[Sequence[Any]], Sequence[Any]]
    objects: tuple[tuple[str, "_Shape"], ...]


@lru_cache(maxsize=64)  # the records of a schema have the same paths
def _shape(paths: tuple[str, ...]) -> _Shape:
    """Return how a record is built from the values at these paths, which ascend and are no parents of each other."""
    root: dict[str, Any] = {}
    for index, path in enumerate(paths):
        _require(_PATH.fullmatch(path) is not None)
        *parents, last = path.split("/")[1:]
        node = root
        for name in parents:
            node = node.setdefault(name, {})
        node[last] = index
    return _frozen(root)


def _frozen(tree: dict[str, Any]) -> _Shape:
    places = {name: at for name, at in tree.items() if isinstance(at, int)}
    objects = tuple((name, _frozen(below)) for name, below in tree.items() if isinstance(below, dict))
    return _Shape(tuple(places), _taking([*places.values()]), objects)


def _taking(places: Sequence[int]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    if len(places) > 1:
        return itemgetter(*places)
    return lambda values: [values[place] for place in places]


def _built(shape: _Shape, values: Sequence[Any]) -> dict[str, Any]:
    made = dict(zip(shape.names, shape.values(values), strict=True))
    for name, below in shape.objects:
        made[name] = _built(below, values)
    return made


def _check_values(paths: Sequence[str], values: Sequence[Any]) -> None:
    """Look into arrays; an object is no value of a pair."""
    if set(map(type, values)) <= _SCALARS:
        return
    for path, value in zip(paths, values, strict=True):
        _require(type(value) is not dict)
        jcs.check(value, max_depth=VALUE_DEPTH)
        check_value(value, path)
