"""The rules of a whole record: its envelope, and the body by its schema."""

import re
from collections.abc import Iterator

from chainsvc.errors import MalformedInput, Problem, RecordRefused
from chainsvc.jcs import MAX_INTEGER
from chainsvc.record import LedgerName, Record
from chainsvc.schemas.catalog import schema_of
from chainsvc.schemas.formats import date_time_fault
from chainsvc.schemas.schema import Schema

MAX_REFERENCE = 128
"""Most characters of a reference."""

_REFERENCE = re.compile(rf"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{{1,{MAX_REFERENCE}}}")
_COMMITMENT = re.compile(r"[0-9a-f]{64}")


def check_record(record: Record) -> None:
    """Refuse a record that breaks the envelope's rules, its schema, or the money rule of revision 0.

    The money rule of a later revision needs the previous body: the net change equals the difference
    of the two. Whoever holds both checks it.

    Raises:
        SchemaUnknown: No such schema in this version.
        RecordRefused: With every problem found.
    """
    schema = schema_of(record.schema)
    problems = [*_envelope(record, schema), *schema.check(record)]
    if problems:
        raise RecordRefused("the record is refused", tuple(problems), hint="Correct it and send it again.")


def _envelope(record: Record, schema: Schema) -> Iterator[Problem]:
    yield from _ledger(record.ledger, schema)
    if not _REFERENCE.fullmatch(record.reference):
        expected = f"1 to {MAX_REFERENCE} characters without control characters"
        yield Problem("/reference", "the reference is empty, too long or holds control characters", expected)
    if fault := date_time_fault(record.issued_at):
        yield Problem("/issued_at", fault, "RFC 3339 with offset", record.issued_at[:40])
    yield from _revision(record)
    yield from _sums(record)


def _ledger(name: str, schema: Schema) -> Iterator[Problem]:
    try:
        kind = LedgerName.parse(name).kind
    except MalformedInput as error:
        yield Problem("/ledger", error.message, error.expected, error.got)
        return
    if kind not in schema.kinds:
        expected = " or ".join(schema.kinds)
        yield Problem("/ledger", f"a ledger of this kind takes no {schema.id}", expected, kind)


def _revision(record: Record) -> Iterator[Problem]:
    if not 0 <= record.revision <= MAX_INTEGER:
        yield Problem("/revision", "a revision counts 0, 1, 2, …", "0 or more", str(record.revision)[:40])
    if record.revision == 0 and record.previous is not None:
        yield Problem("/previous", "a first revision has no previous one", "null", "a text")
    if record.revision > 0 and not _COMMITMENT.fullmatch(record.previous or ""):
        expected = "64 lowercase hexadecimal digits"
        yield Problem("/previous", "a later revision names the commitment of the one before", expected)


def _sums(record: Record) -> Iterator[Problem]:
    for side, value in (("credit", record.credit), ("debit", record.debit)):
        if type(value) is not int or not 0 <= value <= MAX_INTEGER:
            expected = f"an integer in fen, 0 to {MAX_INTEGER}"
            yield Problem(f"/{side}", f"{side} is no amount", expected, str(value)[:40])
    if record.revision > 0 and record.credit and record.debit:
        yield Problem("/debit", "a revision changes one side only", "credit or debit 0", str(record.debit)[:40])
