"""Step 3: do the disclosed values fit the record's schema, and do credit and debit follow from them?"""

import re
from collections.abc import Iterator
from functools import lru_cache

from chainsvc.errors import Problem, SchemaUnknown
from chainsvc.evidence import Evidence
from chainsvc.network import Network
from chainsvc.schemas import Schema, schema_of
from chainsvc.schemas.formats import date_time_fault
from chainsvc.verify.verdict import Finding, failed, not_checked, passed

_COMMITMENT = re.compile(r"[0-9a-f]{64}")
_ENVELOPE = frozenset({"/schema", "/ledger", "/reference", "/revision", "/previous", "/credit", "/debit", "/issued_at"})
_BODY = "/body/"


def check_content(evidence: Evidence, network: Network) -> Finding:
    """Check paths and disclosed values by the schema whose hash the descriptor pins.

    All paths are visible, so that missing and additional fields show even when every value is hidden.
    """
    envelope = next(_envelope_problems(evidence), None)
    if envelope is not None:
        return _refused(envelope)
    try:
        schema = schema_of(str(evidence.value("/schema")))
    except SchemaUnknown as error:
        return not_checked(error.message, expected="a schema of this version", got=error.got)
    pinned = network.schemas.get(schema.id)
    if pinned != schema.sha256:
        return not_checked(
            "the descriptor pins another version of the schema, or none",
            expected=pinned.hex() if pinned else "a hash in the descriptor",
            got=schema.sha256.hex(),
        )
    problem = next(_schema_problems(evidence, schema), None)
    return _refused(problem) if problem else passed(_extent(evidence, schema))


def _refused(problem: Problem) -> Finding:
    return failed(f"{problem.pointer}: {problem.message}", expected=problem.expected, got=problem.got)


def _envelope_problems(evidence: Evidence) -> Iterator[Problem]:
    if not _has_envelope(evidence.paths):
        paths = {path for path in evidence.paths if not path.startswith(_BODY)}
        yield Problem("/pairs", "other members than a record's", ", ".join(sorted(_ENVELOPE)), ", ".join(sorted(paths)))
    revision, previous = evidence.value("/revision"), evidence.value("/previous")
    if type(revision) is not int or revision < 0:
        yield Problem("/revision", "a revision counts 0, 1, 2, …", "0 or more", str(revision)[:40])
    elif revision == 0 and previous is not None:
        yield Problem("/previous", "a first revision has no previous one", "null", str(previous)[:80])
    elif revision > 0 and not (isinstance(previous, str) and _COMMITMENT.fullmatch(previous)):
        yield Problem("/previous", "a later revision names the one before", "64 hex digits", str(previous)[:80])
    elif revision > 0 and evidence.value("/credit") and evidence.value("/debit"):
        yield Problem("/debit", "a revision changes one side only", "credit or debit 0", str(evidence.value("/debit")))
    yield from _disclosed_texts(evidence)


def _disclosed_texts(evidence: Evidence) -> Iterator[Problem]:
    shown = evidence.shown
    for path in ("/schema", "/reference", "/issued_at"):
        if path in shown and not isinstance(shown[path], str):
            yield Problem(path, "not a text", "a text", type(shown[path]).__name__)
    issued_at = shown.get("/issued_at")
    if isinstance(issued_at, str) and (fault := date_time_fault(issued_at)):
        yield Problem("/issued_at", fault, "RFC 3339 with offset", issued_at[:40])


def _schema_problems(evidence: Evidence, schema: Schema) -> Iterator[Problem]:
    kind = evidence.ledger_name.kind
    if kind not in schema.kinds:
        yield Problem("/ledger", f"a ledger of this kind takes no {schema.id}", " or ".join(schema.kinds), kind)
    for path in _other_fields(evidence.paths, schema.id):
        expected, got = ("this field", "no such path") if path in schema.fields else ("no such field", "this path")
        yield Problem(path, "the record has other fields than its schema", expected, got)
    yield from schema.check_disclosed(evidence.shown)


@lru_cache(maxsize=64)  # the records of a schema have the same paths
def _has_envelope(paths: tuple[str, ...]) -> bool:
    return {path for path in paths if not path.startswith(_BODY)} == _ENVELOPE


@lru_cache(maxsize=64)
def _other_fields(paths: tuple[str, ...], schema: str) -> tuple[str, ...]:
    """Return the paths of body fields that only the record has, or only its schema."""
    found = {path for path in paths if path.startswith(_BODY)}
    return tuple(sorted(found.symmetric_difference(schema_of(schema).fields)))


def _extent(evidence: Evidence, schema: Schema) -> str:
    """Say what a passed step 3 does not cover."""
    hidden = evidence.hidden
    notes = [f"{len(evidence.pairs) - hidden} disclosed values fit {schema.id}"]
    if hidden:
        notes.append(f"{hidden} hidden ones can't be seen")
    if evidence.value("/revision") > 0 and any(schema.money):
        notes.append("the net change of a later revision is checked by the ledger's audit, one file can't show it")
    sources = {path for path in schema.money if path and path not in evidence.shown}
    if sources:
        notes.append(f"credit and debit can't be compared with the hidden {', '.join(sorted(sources))}")
    return "; ".join(notes)
