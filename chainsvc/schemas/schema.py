"""One record schema: the form of a body, and what chainsvc reads from it."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Self

import orjson
from jsonschema_rs import Draft202012Validator

from chainsvc import jcs
from chainsvc.crypto.suites import sha256
from chainsvc.errors import MalformedInput, Problem
from chainsvc.record import ENVELOPE, Record
from chainsvc.schemas.faults import body_problems, in_order, value_problems
from chainsvc.schemas.formats import FORMATS


class Field(NamedTuple):
    """One value of a body.

    Attributes:
        pointer: JSON Pointer from the record's root, e.g. ``/body/donor/name``.
        title: Chinese name.
        title_en: English name.
        personal: Whether it is about a person: hidden unless the holder discloses it.
        document: Its JSON Schema.
    """

    pointer: str
    title: str
    title_en: str
    personal: bool
    document: Mapping[str, Any]


class Money(NamedTuple):
    """Where credit and debit come from.

    Attributes:
        credit: Pointer from the record's root to an amount in fen, or None for always 0.
        debit: The same for debit.
    """

    credit: str | None
    debit: str | None


class Effect(NamedTuple):
    """What a record does to another one of its ledger.

    Attributes:
        status: New standing, e.g. ``dissolved``; this record's entry is the cause.
        reference: Pointer from the record's root to the other record's reference.
    """

    status: str
    reference: str


@dataclass(frozen=True)
class Schema:
    """The JSON Schema (2020-12) of one record's body.

    Attributes:
        id: E.g. ``charity.donation.v1``.
        kinds: Kinds of ledger that take such records, ascending.
        sha256: Hash of the schema file, 32 bytes; the network descriptor pins it.
        money: How credit and debit follow from the body.
        effect: What the record does to another, or None.
        document: The parsed file.
    """

    id: str
    kinds: tuple[str, ...]
    sha256: bytes
    money: Money
    effect: Effect | None
    document: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, identifier: str, data: bytes) -> Self:
        """Read a schema file; ``kinds`` may still be the wildcard ``("*",)``, which the catalog resolves."""
        document = json.loads(data)
        money = document["x-money"]
        effect = document.get("x-effect")
        return cls(
            id=identifier,
            kinds=tuple(sorted(document["x-kind"])),
            sha256=sha256(data),
            money=Money(money["credit"] or None, money["debit"] or None),
            effect=Effect(**effect) if effect else None,
            document=document,
        )

    @property
    def title(self) -> str:
        """Chinese name of such a record."""
        return str(self.document["title"])

    @property
    def title_en(self) -> str:
        """English name of such a record."""
        return str(self.document["x-title-en"])

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """All values of a body by pointer; every record of the schema has exactly these paths."""
        return {found.pointer: found for found in _fields(self.document, "/body")}

    @cached_property
    def _validator(self) -> Draft202012Validator:
        return _validator(self.document)

    @cached_property
    def _integers(self) -> tuple[tuple[str, ...], ...]:
        """Keys that lead to each integer: the validator takes ``1.0`` for one, the hash does not."""
        integers = (found for found in self.fields.values() if "integer" in found.document["type"])
        return tuple(tuple(found.pointer.split("/")[2:]) for found in integers)

    @cached_property
    def _values(self) -> Mapping[str, Draft202012Validator]:
        return {pointer: _validator(found.document) for pointer, found in self.fields.items()}

    @cached_property
    def _disclosed(self) -> Draft202012Validator:
        """All fields side by side, by pointer, none required; the envelope's pass."""
        fields = {pointer: found.document for pointer, found in self.fields.items()}
        envelope = dict.fromkeys((f"/{member}" for member in ENVELOPE), True)
        return _validator({"properties": {**fields, **envelope}, "additionalProperties": False})

    def is_valid(self, record: Record) -> bool:
        """Whether the body has the schema's form and revision 0 follows its money rule; the fast path."""
        try:
            valid = self._validator.is_valid(record.body)
            orjson.dumps(record.body)  # the validator lets lone surrogates pass
        except (ValueError, TypeError):  # no JSON at all: check says where
            return False
        return valid and self._no_float(record.body) and self._money_fits(record)

    def check(self, record: Record) -> list[Problem]:
        """Return every problem of the body and of the money rule, an empty list where there is none."""
        if self.is_valid(record):
            return []
        problems = body_problems(self._validator, self.document, record.body)
        return problems or self._money_problems(record)

    def check_disclosed(self, values: Mapping[str, Any]) -> list[Problem]:
        """Check values that stand alone, as an evidence file discloses them.

        The money rule is checked where revision 0, the sum and the body's amount are all disclosed.

        Args:
            values: Disclosed values by pointer from the record's root.
        """
        problems: list[Problem] = []
        if not self._all_fit(values):
            problems = [found for pointer, value in values.items() for found in self._value_problems(pointer, value)]
        if not problems and values.get("/revision") == 0:
            problems += self._disclosed_money(values)
        return in_order(problems)

    def _all_fit(self, values: Mapping[str, Any]) -> bool:
        """Whether all values fit; the fast path, which may say no where nothing is wrong."""
        try:
            for value in values.values():
                jcs.check(value)  # the validator takes 1.0 for an integer
            orjson.dumps(values)  # and lets lone surrogates pass
            return self._disclosed.is_valid(values)
        except (MalformedInput, ValueError, TypeError):  # no JSON at all: the problems say where
            return False

    def _value_problems(self, pointer: str, value: Any) -> list[Problem]:
        if not pointer.startswith("/body/"):
            return []
        if pointer not in self.fields:
            return [Problem(pointer, f"{self.id} has no such field")]
        return value_problems(self._values[pointer], self.fields[pointer].document, value, pointer)

    def _disclosed_money(self, values: Mapping[str, Any]) -> Iterator[Problem]:
        for side, source in (("/credit", self.money.credit), ("/debit", self.money.debit)):
            right = 0 if source is None else values.get(source)
            if right is not None and side in values and values[side] != right:
                yield _wrong_sum(side, source, right, values[side])

    def amounts(self, body: Mapping[str, Any]) -> tuple[int, int]:
        """Return (credit, debit) in fen as they follow from a valid body at revision 0."""
        return _amount(body, self.money.credit), _amount(body, self.money.debit)

    def affected(self, body: Mapping[str, Any]) -> str | None:
        """Return the reference of the record whose standing this one changes, or None."""
        return None if self.effect is None else _at(body, self.effect.reference)

    def _no_float(self, body: Mapping[str, Any]) -> bool:
        for keys in self._integers:
            value: Any = body
            for key in keys:
                value = value[key]
            if type(value) is float:
                return False
        return True

    def _money_fits(self, record: Record) -> bool:
        return record.revision != 0 or (record.credit, record.debit) == self.amounts(record.body)

    def _money_problems(self, record: Record) -> list[Problem]:
        return list(self._disclosed_money({"/credit": record.credit, "/debit": record.debit, **self._sources(record)}))

    def _sources(self, record: Record) -> Mapping[str, Any]:
        return {pointer: _at(record.body, pointer) for pointer in self.money if pointer is not None}


def _wrong_sum(side: str, source: str | None, right: int, stated: Any) -> Problem:
    rule = f"{right}, the value of {source}" if source else "0: this kind of record never has one"
    return Problem(side, f"{side[1:]} of a first revision follows from the body", rule, str(stated)[:40])


def _fields(document: Mapping[str, Any], pointer: str) -> Iterator[Field]:
    for name, member in document["properties"].items():
        path = f"{pointer}/{name}"
        if member.get("type") == "object":
            yield from _fields(member, path)
        else:
            yield Field(path, member["title"], member["x-title-en"], member.get("x-personal", False), member)


def _validator(document: Mapping[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(
        dict(document), formats=_IS_FORMAT, validate_formats=True, ignore_unknown_formats=False, offline=True
    )


def _passes(fault: Callable[[str], str | None]) -> Callable[[str], bool]:
    return lambda text: fault(text) is None


_IS_FORMAT = {name: _passes(fault) for name, fault in FORMATS.items()}


def _at(body: Mapping[str, Any], pointer: str) -> Any:
    value: Any = body
    for key in pointer.split("/")[2:]:
        value = value[key]
    return value


def _amount(body: Mapping[str, Any], pointer: str | None) -> int:
    return 0 if pointer is None else int(_at(body, pointer))
