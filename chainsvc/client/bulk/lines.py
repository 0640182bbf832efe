"""One ledger's part of a window as the body of one request, a record or a commitment a line."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from chainsvc.client import calls
from chainsvc.client.answers import LedgerFacts
from chainsvc.client.bulk.windows import Draft, Window
from chainsvc.client.exchange import Call
from chainsvc.client.handover import Handover, Item, Outcome, committed_json
from chainsvc.errors import ChainsvcError

_LEVEL = 1
"""Effort of gzip: the records of one ledger are so alike that more gains little."""

_GZIP_FRAME = 31
"""``wbits`` of zlib for a gzip header and trailer with the largest window."""


@dataclass(slots=True)
class Parcel:
    """Records of one ledger that go in one request.

    Attributes:
        window: The window that they are of.
        facts: The ledger.
        drafts: The records, as they stand in the window.
        items: The same, made ready.
        results: What became of each; None until it is known.
    """

    window: Window
    facts: LedgerFacts
    drafts: list[Draft]
    items: list[Item]
    results: list[Outcome | None] = field(default_factory=list)

    @classmethod
    def of(cls, handover: Handover, window: Window, facts: LedgerFacts, drafts: Sequence[Draft]) -> "Parcel":
        """Make drafts ready; one that can't be has its outcome at once."""
        parcel = cls(window, facts, [], [])
        ready = handover.ready(facts, [(draft.record, draft.data) for draft in drafts])
        for draft, item in zip(drafts, ready, strict=True):
            if isinstance(item, ChainsvcError):
                window.outcomes[draft.place] = item
            else:
                parcel.drafts.append(draft)
                parcel.items.append(item)
        parcel.results = [None] * len(parcel.items)
        return parcel

    def unanswered(self) -> list[int]:
        """Return the items that have no result yet, in order."""
        return [index for index, result in enumerate(self.results) if result is None]

    def deliver(self) -> None:
        """Put the results where the records stood."""
        for draft, result in zip(self.drafts, self.results, strict=True):
            self.window.outcomes[draft.place] = result

    def call(self, handover: Handover, asked: Sequence[int], *, compress: bool) -> Call[bytes | None]:
        """Return the call that sends these items, whose answer is read by :mod:`chainsvc.client.bulk.answers`."""
        noun = "records" if handover.store is None else "commitments"
        items = [self.items[index] for index in asked]
        lines = [item.data if handover.store is None else orjson.dumps(committed_json(item)) for item in items]
        body = b"\n".join(lines) + b"\n"
        return calls.hand_over_lines(self.facts.name, noun, gzipped(body) if compress else body, compressed=compress)


def gzipped(body: bytes) -> bytes:
    """Return the body in a gzip frame."""
    packer = zlib.compressobj(_LEVEL, wbits=_GZIP_FRAME)
    return packer.compress(body) + packer.flush()
