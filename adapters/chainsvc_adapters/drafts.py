"""Drafts: records that lack nothing but their ledger, and the configuration that names it."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from chainsvc.errors import ConfigurationRefused, MalformedInput
from chainsvc.record import LedgerName, Record
from chainsvc.schemas import schema_of


@dataclass(frozen=True, slots=True)
class Draft:
    """A record without its ledger; credit and debit follow from the body.

    Attributes:
        keys: Names under which the configuration may give the ledger, the most particular first.
        schema: Schema id.
        reference: The business system's own key.
        issued_at: RFC 3339 time with offset.
        body: All members of the schema.
    """

    keys: tuple[str, ...]
    schema: str
    reference: str
    issued_at: str
    body: Mapping[str, Any]

    def to_record(self, ledger: str) -> Record:
        """Return the record of revision 0 in that ledger."""
        credit, debit = schema_of(self.schema).amounts(self.body)
        return Record(self.schema, ledger, self.reference, 0, None, credit, debit, self.issued_at, self.body)


def at_midnight(day: str) -> str:
    """Return the start of a business day in China (Asia/Shanghai has one offset, without summer time)."""
    return f"{day}T00:00:00+08:00"


@dataclass(frozen=True, slots=True)
class Ledgers:
    """Which ledger takes which rows.

    Attributes:
        names: Ledger name by key. What a key is, each adapter says: a campaign, a programme and month,
            an office and year. ``*`` takes whatever no other key takes.
    """

    names: Mapping[str, str]

    @classmethod
    def of(cls, names: Mapping[str, str]) -> Self:
        """Take a mapping from key to ledger name.

        Raises:
            ConfigurationRefused: A name that is no ledger name.
        """
        for key, name in names.items():
            try:
                LedgerName.parse(str(name))
            except MalformedInput as error:
                raise ConfigurationRefused(error.message, expected=error.expected, got=error.got, where=key) from error
        return cls(dict(names))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a JSON file, or a TOML file with a table ``ledgers``.

        Raises:
            ConfigurationRefused: Not readable, or a name that is no ledger name.
        """
        try:
            text = path.read_text(encoding="utf-8")
            value = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
        except (OSError, ValueError) as error:
            raise ConfigurationRefused(f"the ledgers file can't be read: {error}", where=str(path)) from error
        names = value.get("ledgers", value) if isinstance(value, dict) else None
        if not isinstance(names, dict):
            expected = 'an object like {"campaign": "charity/…/LUNCH-2026"}'
            raise ConfigurationRefused("not a mapping to ledgers", expected=expected, where=str(path))
        return cls.of(names)

    def find(self, keys: tuple[str, ...]) -> str | None:
        """Return the ledger of the first key that is configured, or None."""
        return next((self.names[key] for key in (*keys, "*") if key in self.names), None)
