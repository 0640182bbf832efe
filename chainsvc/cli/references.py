"""Naming a record on the command line: by its id, or by its reference in a ledger."""

import re
from typing import NamedTuple

from chainsvc.cli.refusals import UsageRefused
from chainsvc.client import Client, RecordStatus
from chainsvc.record import LedgerName

_ID = re.compile(r"[0-9a-f]{64}")


class Named(NamedTuple):
    """A record as it was named.

    Attributes:
        ledger: Its ledger, None where the id names it.
        word: Its reference, or its id.
        revision: As asked for; None is the latest.
    """

    ledger: str | None
    word: str
    revision: int | None

    @classmethod
    def parse(cls, word: str, ledger: str | None, revision: int | None = None) -> "Named":
        """Read ``REF`` and the option beside it.

        Raises:
            UsageRefused: A reference without its ledger.
            MalformedInput: Not a ledger name.
        """
        if ledger is None and "#" in word:
            ledger, _, word = word.partition("#")
        if ledger is not None:
            return cls(str(LedgerName.parse(ledger)), word, revision)
        if not _ID.fullmatch(word):
            raise UsageRefused(
                "which ledger is the reference in?",
                expected="64 hex digits, LEDGER#REFERENCE, or --ledger NAME",
                got=word[:80],
            )
        return cls(None, word, None)

    @classmethod
    def beside(cls, word: str, ledger: str | None) -> "Named":
        """Read a second ``REF``, whose reference is in the first one's ledger where it names none.

        Raises:
            UsageRefused: A reference without a ledger.
            MalformedInput: Not a ledger name.
        """
        return cls.parse(word, None if _ID.fullmatch(word) or "#" in word else ledger)

    def status(self, client: Client, *, with_record: bool = False) -> RecordStatus:
        """Ask where the record stands.

        Raises:
            NotFound: No such record.
        """
        if self.ledger is None:
            return client.status(self.word, with_record=with_record)
        return client.find(self.ledger, self.word, self.revision, with_record=with_record)

    def id(self, client: Client) -> str:
        """Return the record's id, asking for it only where a reference names it.

        Raises:
            NotFound: No such record.
        """
        return self.word if self.ledger is None else self.status(client).id
