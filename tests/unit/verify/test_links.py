"""Records that change another's standing: the audit expects the change, and takes only a fitting cause."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from support.paper_chain import PaperChain, PaperNode
from support.paper_evidence import USCC, PaperLedger

from chainsvc.heads import Status
from chainsvc.record import Record
from chainsvc.verify.completeness import audit_export

BOOK = f"marriage/{USCC}/2026"
NUMBER, DIVORCE_NUMBER = "J110101-2026-000001", "L110101-2026-000002"
PERSON = {"name": "某甲", "citizen_number": "11010519491231002X"}
BODY: Mapping[str, Any] = {
    "certificate": {"number": NUMBER, "previous": None},
    "date": "2026-05-20",
    "office": {"name": "某区民政局", "region": "110101"},
    "husband": PERSON,
    "wife": PERSON,
    "nationality": "中国",
    "remark": None,
}
REGISTRATION = Record("marriage.registration.v1", BOOK, NUMBER, 0, None, 0, 0, "2026-05-20T10:00:00+08:00", dict(BODY))


def _divorce(ledger: PaperLedger, seq: int) -> Record:
    target = {"ledger": BOOK, "seq": seq, "commitment": ledger.entry(seq).commitment.hex()}
    body = {**BODY, "certificate": {"number": DIVORCE_NUMBER, "previous": NUMBER}, "registration": target}
    return replace(REGISTRATION, schema="marriage.divorce.v1", reference=DIVORCE_NUMBER, body=body)


def _book() -> tuple[PaperChain, PaperLedger]:
    chain = PaperChain()
    ledger = PaperLedger(chain, name=BOOK)
    ledger.anchor([REGISTRATION])
    ledger.anchor([_divorce(ledger, 0)])
    return chain, ledger


def _codes(chain: PaperChain, ledger: PaperLedger) -> list[tuple[str, int | None]]:
    report = audit_export(ledger.export(), chain.network, PaperNode(chain))
    return [(finding.code, finding.seq) for finding in report.findings]


def test_a_divorce_that_dissolves_its_registration_is_complete() -> None:
    chain, ledger = _book()
    chain.mark(ledger.id, 0, Status.DISSOLVED, (ledger.id, 1))
    assert _codes(chain, ledger) == []


def test_a_divorce_that_dissolves_nothing_is_told() -> None:
    assert _codes(*_book()) == [("effect-missing", 1)]


def test_a_divorce_is_no_cause_of_another_standing() -> None:
    chain, ledger = _book()
    chain.mark(ledger.id, 0, Status.VOID, (ledger.id, 1))
    assert _codes(chain, ledger) == [("effect-missing", 1), ("cause-mismatch", 0)]


def test_an_erased_registration_takes_the_divorce_that_names_its_commitment() -> None:
    chain, ledger = _book()
    chain.mark(ledger.id, 0, Status.DISSOLVED, (ledger.id, 1))
    report = audit_export(ledger.export(erased=[0]), chain.network, PaperNode(chain))
    assert report.outcome == "complete"


def test_a_divorce_may_name_its_registration_by_number_alone() -> None:
    chain = PaperChain()
    ledger = PaperLedger(chain, name=BOOK)
    ledger.anchor([REGISTRATION])
    nameless = {"ledger": BOOK, "seq": None, "commitment": None}
    divorce = _divorce(ledger, 0)
    ledger.anchor([replace(divorce, body={**divorce.body, "registration": nameless})])
    chain.mark(ledger.id, 0, Status.DISSOLVED, (ledger.id, 1))
    assert _codes(chain, ledger) == []
