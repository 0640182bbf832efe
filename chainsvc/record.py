"""A record: one business document, and how it becomes the pairs that a commitment binds."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn, Self

from chainsvc import jcs
from chainsvc.crypto.suites import sha256
from chainsvc.errors import MalformedInput

MAX_PAIRS = 256
"""Most pairs of one record."""

MAX_BYTES = 65_536
"""Largest canonical record in bytes."""

MAX_DEPTH = 8
"""Deepest nesting of a record."""

ENVELOPE = ("schema", "ledger", "reference", "revision", "previous", "credit", "debit", "issued_at", "body")
"""Members of a record; the business content is ``body``."""

DISCLOSED = ("/credit", "/debit", "/ledger", "/previous", "/revision", "/schema")
"""Paths whose values every evidence shows."""

_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
_LEDGER = re.compile(r"(?P<kind>[a-z]{1,16})/(?P<uscc>[0-9A-Z]{18})/(?P<book>[A-Z0-9-]{1,32})")
_LEDGER_TAG = b"\x06"

FLAG_SIGNED = 1
"""Ledger flag bit 0: every submission carries the organization's own signature."""


class LedgerName(NamedTuple):
    """A ledger's name, ``kind/uscc/book``.

    Attributes:
        kind: ``[a-z]{1,16}``, e.g. ``charity``.
        uscc: The organization's unified social credit code, 18 characters (GB 32100-2015).
        book: ``[A-Z0-9-]{1,32}``, e.g. ``LUNCH-2026``.
    """

    kind: str
    uscc: str
    book: str

    @classmethod
    @lru_cache(maxsize=1024)  # every record of a ledger names it
    def parse(cls, name: str) -> Self:
        """Read a name; its form alone, the check character is the registry's matter.

        Raises:
            MalformedInput: Another form.
        """
        match = _LEDGER.fullmatch(name)
        if match is None:
            raise MalformedInput(
                "not a ledger name",
                expected="kind/uscc/book, e.g. charity/53320600123456789X/LUNCH-2026",
                got=name[:80],
            )
        return cls(**match.groupdict())

    def __str__(self) -> str:
        """Return ``kind/uscc/book``."""
        return f"{self.kind}/{self.uscc}/{self.book}"


def ledger_id(network_id: bytes, contract: bytes, suite: int, flags: int, name: str) -> bytes:
    """Return ``S(06 ‖ networkId32 ‖ contract20 ‖ suite u8 ‖ flags u8 ‖ utf8(name))``, 32 bytes."""
    return sha256(_LEDGER_TAG + network_id + contract + bytes([suite, flags]) + name.encode())


@dataclass(frozen=True, slots=True)
class Record:
    """One business document.

    Attributes:
        schema: Schema id, e.g. ``charity.donation.v1``.
        ledger: Ledger name.
        reference: The business system's own key.
        revision: 0 for the first, then 1, 2, …
        previous: Commitment of the prior revision in hex, or None.
        credit: Fen that this entry adds to the ledger's credit.
        debit: Fen that this entry adds to the ledger's debit.
        issued_at: RFC 3339 time with offset.
        body: The document itself; all members of its schema, absent ones null.
    """

    schema: str
    ledger: str
    reference: str
    revision: int
    previous: str | None
    credit: int
    debit: int
    issued_at: str
    body: Mapping[str, Any]

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Take a parsed JSON object with exactly the members of a record.

        Raises:
            MalformedInput: Another type, a missing or an unknown member.
        """
        if type(value) is not dict:
            raise MalformedInput("a record is a JSON object", expected="object", got=type(value).__name__)
        if value.keys() != _MEMBERS:
            _refuse_members(set(value))
        for member, kind in _TYPES.items():
            if type(value[member]) not in kind:
                names = " or ".join("null" if k is type(None) else k.__name__ for k in kind)
                raise MalformedInput("wrong type", expected=names, got=type(value[member]).__name__, where=f"/{member}")
        return cls(**value)

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a record from JSON text within the limits of a record.

        Raises:
            MalformedInput: See :func:`chainsvc.jcs.loads` and :meth:`from_json`.
        """
        return cls.from_json(jcs.loads(data, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH))

    def to_json(self) -> dict[str, Any]:
        """Return the record as a plain JSON object."""
        return {member: getattr(self, member) for member in ENVELOPE}

    def to_bytes(self) -> bytes:
        """Return the record's canonical bytes.

        Raises:
            MalformedInput: A number, string, size or depth that a record may not have.
        """
        data = jcs.dumps(self.to_json(), max_depth=MAX_DEPTH)
        if len(data) > MAX_BYTES:
            got = f"{len(data)} bytes"
            raise MalformedInput("the record is too large", expected=f"at most {MAX_BYTES} bytes", got=got)
        return data

    def flatten(self) -> list[tuple[str, Any]]:
        """Return (path, value) pairs in ascending byte order of path.

        Paths are JSON Pointers (RFC 6901) of object members. Scalars, null and whole arrays are one
        value each, so an array can never pass for an object.

        Raises:
            MalformedInput: A key, number, string, size or depth that a record may not have.
        """
        self.to_bytes()
        pairs = sorted(_walk(self.to_json(), ""))
        if len(pairs) > MAX_PAIRS:
            raise MalformedInput("too many values in a record", expected=f"at most {MAX_PAIRS}", got=len(pairs))
        return pairs


_TYPES: dict[str, tuple[type, ...]] = {
    "schema": (str,),
    "ledger": (str,),
    "reference": (str,),
    "revision": (int,),
    "previous": (str, type(None)),
    "credit": (int,),
    "debit": (int,),
    "issued_at": (str,),
    "body": (dict,),
}


_MEMBERS = frozenset(ENVELOPE)


def _refuse_members(members: set[str]) -> NoReturn:
    missing = sorted(_MEMBERS - members)
    unknown = sorted(members - _MEMBERS)
    if unknown:
        raise MalformedInput("unknown member", expected=", ".join(ENVELOPE), got=unknown[0], where=f"/{unknown[0]}")
    raise MalformedInput("missing member", expected=missing[0], where=f"/{missing[0]}", hint="Absent values are null.")


def _walk(value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    if not value:
        raise MalformedInput("an empty object", expected="at least one member", where=prefix or "/")
    for key, member in value.items():
        path = f"{prefix}/{key}"
        if not _KEY.fullmatch(key):
            raise MalformedInput("a member name is not allowed", expected=_KEY.pattern, got=key[:80], where=path)
        if type(member) is dict:  # nothing else is an object here: JSON was parsed, or jcs.check has passed it
            yield from _walk(member, path)
        else:
            check_value(member, path)
            yield path, member


def check_value(value: Any, path: str) -> None:
    """Apply the key rule inside an array, whose objects are hashed whole.

    Raises:
        MalformedInput: A member name that is not allowed, or an empty object.
    """
    kind = type(value)
    if kind is list or kind is tuple:
        for index, member in enumerate(value):
            check_value(member, f"{path}/{index}")
    elif kind is dict:
        for _ in _walk(value, path):
            pass  # the walk has checked each value that it yields
