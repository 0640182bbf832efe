"""The shape of a schema's records: their paths never vary, so a plan flattens them and commits to them.

``Record.flatten`` and ``commitment.commit`` say what a commitment is. This computes the same bytes three times as
fast, for records that a schema has passed.
"""

from collections.abc import Callable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

import orjson

from chainsvc import jcs
from chainsvc.commitment import PAIR_TAG, commit_paths, derive_salts
from chainsvc.crypto.suites import Suite
from chainsvc.record import ENVELOPE, Record, check_value
from chainsvc.schemas import schema_of

_INTEGERS = ("/credit", "/debit", "/revision")


class Shape:
    """The paths of one schema's records, and how their values are got at.

    Attributes:
        paths: JSON Pointers in ascending order, those of the envelope among them.
    """

    def __init__(self, fields: Sequence[str], integers: Sequence[str], lists: Sequence[str]) -> None:
        """Make the plan.

        Args:
            fields: Pointers of all values of a body.
            integers: Those that may hold an integer.
            lists: Those that may hold a list.
        """
        envelope = [f"/{name}" for name in ENVELOPE if name != "body"]
        self.paths = tuple(sorted([*envelope, *fields]))
        parents = ["", *sorted({_parent(pointer) for pointer in fields})]
        self._objects = [(_keys(parent), _members(parent, self.paths)) for parent in parents]
        read = [path for parent in parents for path in self.paths if _parent(path) == parent]
        self._in_order = itemgetter(*map(read.index, self.paths))
        self._integers = [self.paths.index(pointer) for pointer in (*integers, *_INTEGERS)]
        self._lists = [self.paths.index(pointer) for pointer in lists]

    def values(self, record: dict[str, Any]) -> list[Any]:
        """Return a record's values in the order of ``paths``; lists stand there as their canonical text.

        Args:
            record: JSON of a record that its schema has passed.

        Raises:
            MalformedInput: A number that no record may hold: a schema takes ``1.0`` for an integer.
        """
        read: list[Any] = []
        for keys, members in self._objects:
            node = record
            for key in keys:
                node = node[key]
            read += members(node)
        values = list(self._in_order(read))
        for index in self._integers:
            if type(values[index]) is not int or not -jcs.MAX_INTEGER <= values[index] <= jcs.MAX_INTEGER:
                self._check(index, values[index])
        for index in self._lists:
            if values[index] is not None:
                values[index] = self._text(index, values[index])
        return values

    def commit(self, suite: Suite, values: Sequence[Any], seed: bytes) -> bytes:
        """Return the commitment to what :meth:`values` gave, 32 bytes."""
        salts = derive_salts(suite, seed, len(values))
        hash_of, dumps = suite.hash, orjson.dumps
        digests = [hash_of(PAIR_TAG + salt + dumps(value)) for salt, value in zip(salts, values, strict=True)]
        return commit_paths(suite, self.paths, digests)

    def _check(self, index: int, value: Any) -> None:
        jcs.check(value, pointer=self.paths[index])

    def _text(self, index: int, value: Any) -> orjson.Fragment:
        jcs.check(value, pointer=self.paths[index])
        check_value(value, self.paths[index])
        return orjson.Fragment(jcs.dumps(value))


@cache
def shape_of(schema: str) -> Shape:
    """Return the shape of a schema's records.

    Raises:
        SchemaUnknown: This version has no such schema.
    """
    fields = schema_of(schema).fields
    types = {pointer: field.document.get("type", ()) for pointer, field in fields.items()}
    integers = [pointer for pointer, names in types.items() if "integer" in names]
    return Shape(list(fields), integers, [pointer for pointer, names in types.items() if "array" in names])


def commit_record(suite: Suite, record: Record, seed: bytes) -> bytes:
    """Return the commitment to a record that its schema has passed, under a seed of 32 bytes.

    Raises:
        MalformedInput: A value that no record may hold, or too large a record.
    """
    shape = shape_of(record.schema)
    return shape.commit(suite, shape.values(record.to_json()), seed)


def _parent(pointer: str) -> str:
    return pointer.rpartition("/")[0]


def _keys(pointer: str) -> tuple[str, ...]:
    return tuple(pointer.split("/")[1:])


def _members(parent: str, paths: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    names = [path.rpartition("/")[2] for path in paths if _parent(path) == parent]
    return itemgetter(*names) if len(names) > 1 else lambda node: (node[names[0]],)
