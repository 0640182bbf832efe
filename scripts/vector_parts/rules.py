"""Cases about the rules of records, step 3: each breaks one rule, and with it the commitment that step 5 proves."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from chainsvc.evidence import Evidence, Pair
from vector_parts.cases import FILES, Case, revalued
from vector_parts.constants import OFFICE, UNIT

DONATION = FILES["donation"]
PREVIOUS = "ab" * 32


def cases() -> Iterator[Case]:
    """Yield them; steps 3 and 5 fail, whatever else is sound."""
    for name, evidence in (*_members(), *_revisions(), *_texts(), *_body()):
        yield Case(f"record: {name}", evidence, "invalid", (3, 5))
    for time in ("2026-09-16T01:30:00Z", "2026-09-16T09:30:00.123456789+08:00"):
        yield Case(f"record: issued at {time}", revalued(DONATION, "/issued_at", time), "invalid", (5,))
    later = _changed({"/revision": 1, "/previous": PREVIOUS, "/credit": 0, "/debit": 2_000})
    yield Case("record: amounts of a later revision do not follow its body", later, "invalid", (5,))
    hidden = replace(FILES["donation-least-shown"], pairs=_without(FILES["donation-least-shown"], "/body/remark"))
    yield Case("record: a hidden field left out", hidden, "invalid", (3, 5))


def _changed(values: dict[str, Any]) -> Evidence:
    evidence = DONATION
    for path, value in values.items():
        evidence = revalued(evidence, path, value)
    return evidence


def _without(evidence: Evidence, path: str) -> tuple[Pair, ...]:
    return tuple(pair for pair in evidence.pairs if pair.path != path)


def _added(path: str) -> Evidence:
    return replace(DONATION, pairs=tuple(sorted((*DONATION.pairs, Pair(path, None, None, bytes(32))))))


def _members() -> Iterator[tuple[str, Evidence]]:
    yield "no issued_at", replace(DONATION, pairs=_without(DONATION, "/issued_at"))
    yield "another member", _added("/note")
    yield "a member below reference's place", replace(DONATION, pairs=_below("/reference"))
    yield "another field", _added("/body/zone")
    yield "a ledger of another kind", revalued(DONATION, "/ledger", f"marriage/{OFFICE}/2026")


def _below(path: str) -> tuple[Pair, ...]:
    return tuple(pair._replace(path=f"{path}/a") if pair.path == path else pair for pair in DONATION.pairs)


def _revisions() -> Iterator[tuple[str, Evidence]]:
    yield "a negative revision", revalued(DONATION, "/revision", -1)
    yield "a revision as text", revalued(DONATION, "/revision", "0")
    yield "a revision that is false", revalued(DONATION, "/revision", value=False)
    yield "a later revision without a previous one", revalued(DONATION, "/revision", 1)
    yield "previous in capitals", _changed({"/revision": 1, "/previous": PREVIOUS.upper()})
    yield "previous too short", _changed({"/revision": 1, "/previous": PREVIOUS[2:]})
    yield "a later revision with credit and debit", _changed({"/revision": 1, "/previous": PREVIOUS, "/debit": 1})
    yield "a debit that the schema never has", revalued(DONATION, "/debit", 1)


def _texts() -> Iterator[tuple[str, Evidence]]:
    yield "schema is a number", revalued(DONATION, "/schema", 1)
    yield "reference is null", revalued(DONATION, "/reference", None)
    yield "issued_at is a number", revalued(DONATION, "/issued_at", 1)
    for time in ("2026-09-16T09:30:00", "2026-02-29T09:30:00Z", "2026-09-16t09:30:00z", "2016-12-31T23:59:60Z"):
        yield f"issued at {time}", revalued(DONATION, "/issued_at", time)


def _body() -> Iterator[tuple[str, Evidence]]:
    yield "an amount as text", revalued(DONATION, "/body/amount", "10000")
    yield "a negative amount", _changed({"/body/amount": -1})
    yield "null where the schema has none", revalued(DONATION, "/body/campaign", None)
    yield "an empty text", revalued(DONATION, "/body/campaign", "")
    yield "a date that does not exist", revalued(DONATION, "/body/date", "2026-02-29")
    yield "a code with a wrong check character", revalued(DONATION, "/body/donor/uscc", UNIT[:-1] + "5")
    yield "an array for a text", revalued(DONATION, "/body/remark", [])
