"""The readable records of an audited ledger: what the commitment binds, and whether it keeps the schema's rules."""

import re
from collections.abc import Mapping
from typing import Any

from chainsvc.commitment import commit_digests, pair_digest
from chainsvc.errors import MalformedInput, RecordRefused, SchemaUnknown
from chainsvc.evidence import Pair
from chainsvc.network import Network
from chainsvc.record import Record, check_value
from chainsvc.schemas import Schema, check_record, schema_of
from chainsvc.verify.audit_blocks import Block
from chainsvc.verify.audit_report import FindingList
from chainsvc.verify.export import ExportEntry, ExportHeader
from chainsvc.verify.links import Meaning

_PATH = re.compile(r"(?:/[a-z][a-z0-9_]{0,63}){1,8}")


class RecordAudit:
    """Checks each readable entry by itself.

    Attributes:
        readable: Entries whose record was there.
        unknown_schemas: Schemas that the descriptor does not pin or this version does not have.
    """

    def __init__(self, network: Network, header: ExportHeader, findings: FindingList) -> None:
        """Check records of the ledger that the header names."""
        self._network = network
        self._header = header
        self._findings = findings
        self.readable = 0
        self.unknown_schemas: set[str] = set()

    def state(self) -> dict[str, Any]:
        """Return where it is, as JSON."""
        return {"readable": self.readable, "unknown": sorted(self.unknown_schemas)}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from a :meth:`state`."""
        self.readable, self.unknown_schemas = state["readable"], set(state["unknown"])

    def takes(self, block: Block) -> None:
        """Count the entries of a block in which nothing is wrong."""
        self.readable += block.readable
        self.unknown_schemas |= block.unknown

    def check(self, entry: ExportEntry) -> Meaning | None:
        """Recompute the commitment and check the record; None where nothing can be built on it."""
        if entry.pairs is None:
            return None
        self.readable += 1
        try:
            commitment = self._commitment(entry.pairs)
            record = _record_of(entry.pairs)
        except MalformedInput as error:
            self._findings.add("record-refused", str(error), seq=entry.seq)
            return None
        if commitment != entry.commitment:
            message = "the record is not what the commitment binds"
            expected, got = entry.commitment.hex(), commitment.hex()
            self._findings.add("commitment-mismatch", message, seq=entry.seq, expected=expected, got=got)
            return None
        if (record.credit, record.debit) != (entry.credit, entry.debit):
            expected, got = _amounts(record.credit, record.debit), _amounts(entry.credit, entry.debit)
            self._findings.add(
                "amounts-mismatch", "not the record's amounts", seq=entry.seq, expected=expected, got=got
            )
        return self._meaning(entry.seq, record)

    def _commitment(self, pairs: tuple[Pair, ...]) -> bytes:
        suite = self._header.suite
        return commit_digests(suite, ((p.path, pair_digest(suite, p.salt or b"", p.value)) for p in pairs))

    def _meaning(self, seq: int, record: Record) -> Meaning | None:
        schema = self._schema(record.schema)
        ledger = str(self._header.name)
        if record.ledger != ledger:
            message = "a record of another ledger"
            self._findings.add("record-refused", message, seq=seq, expected=ledger, got=record.ledger[:80])
            return None
        try:
            if schema is not None:
                check_record(record)
        except RecordRefused as error:
            self._findings.add("record-refused", str(error), seq=seq)
            return None
        return Meaning.of(record, schema)

    def _schema(self, identifier: str) -> Schema | None:
        """Return the schema when it is the one that the descriptor pins."""
        try:
            schema = schema_of(identifier)
        except SchemaUnknown:
            schema = None
        if schema is None or self._network.schemas.get(identifier) != schema.sha256:
            self.unknown_schemas.add(identifier[:80])
            return None
        return schema


def _amounts(credit: int, debit: int) -> str:
    return f"credit {credit}, debit {debit}"


def _record_of(pairs: tuple[Pair, ...]) -> Record:
    """Build the record whose pairs these are.

    With paths that ascend and are no parents of each other, as :func:`commit_digests` has seen to, and values that are
    no objects, flattening this record gives just these pairs.

    Raises:
        MalformedInput: They are no record's.
    """
    root: dict[str, Any] = {}
    for pair in pairs:
        if not _PATH.fullmatch(pair.path) or isinstance(pair.value, dict):
            raise MalformedInput("not a pair of a record", expected="a member's path and value", got=pair.path[:80])
        if isinstance(pair.value, list):
            check_value(pair.value, pair.path)
        *parents, last = pair.path.split("/")[1:]
        node = root
        for name in parents:
            node = node.setdefault(name, {})
        node[last] = pair.value
    return Record.from_json(root)
