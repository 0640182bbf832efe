"""One fake notary that keeps a real one's promises: limits, idempotency, and the charity policy."""

from collections.abc import Sequence
from typing import NamedTuple

from chainsvc.errors import ChainsvcError, PolicyRefused, RecordRefused, ReferenceConflict
from chainsvc.record import Record
from chainsvc.schemas import check_record
from chainsvc_adapters.send import CHUNK

Key = tuple[str, str, int]


class Taken(NamedTuple):
    """A record that is durable."""

    again: bool


class FakeNotary:
    """Takes records into memory and refuses what the service refuses."""

    def __init__(self) -> None:
        self.records: dict[Key, Record] = {}
        self.calls: list[int] = []
        self.sums: dict[str, int] = {}

    def notarize(self, records: Sequence[Record]) -> list[Taken | ChainsvcError]:
        assert 1 <= len(records) <= CHUNK
        assert len({record.ledger for record in records}) == 1
        self.calls.append(len(records))
        return [self._take(record) for record in records]

    def _take(self, record: Record) -> Taken | ChainsvcError:
        try:
            check_record(record)
        except RecordRefused as error:
            return error
        key = (record.ledger, record.reference, record.revision)
        if (first := self.records.get(key)) is not None:
            same = first.flatten() == record.flatten()
            return Taken(again=True) if same else ReferenceConflict("other content", where="/reference")
        left = self.sums.get(record.ledger, 0) + record.credit - record.debit
        if left < 0 and record.ledger.startswith("charity/"):
            return PolicyRefused("spends more than was received", expected=f"at most {left + record.debit} fen")
        self.sums[record.ledger] = left
        self.records[key] = record
        return Taken(again=False)
