"""Step 3: the schema's rules on what is disclosed."""

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from support.paper_chain import PaperChain
from support.paper_evidence import LEDGER, USCC, PaperLedger, donation

from chainsvc.commitment import pair_digest
from chainsvc.evidence import Evidence, Pair
from chainsvc.record import Record
from chainsvc.verify import Outcome
from chainsvc.verify.content import check_content

CHAIN = PaperChain()


def _evidence(record: Record | None = None) -> Evidence:
    ledger = PaperLedger(PaperChain())
    (seq,) = ledger.anchor([record or donation(1)])
    return ledger.evidence(seq)


def _body(**members: Any) -> Record:
    record = donation(1)
    return replace(record, body={**record.body, **members})


def test_a_record_that_fits_passes() -> None:
    finding = check_content(_evidence(), CHAIN.network)
    assert (finding.outcome, finding.reason) == (Outcome.PASSED, "22 disclosed values fit charity.donation.v1")


@pytest.mark.parametrize(
    ("record", "place"),
    [
        (donation(1, credit=99), "/credit"),
        (donation(1, debit=1), "/debit"),
        (donation(1, previous="00" * 32), "/previous"),
        (donation(1, revision=1), "/previous"),
        (donation(1, revision=-1), "/revision"),
        (donation(1, revision=1, previous="00" * 32, credit=1, debit=1), "/debit"),
        (donation(1, issued_at="2026-09-01"), "/issued_at"),
        (donation(1, ledger=f"marriage/{USCC}/2026"), "/ledger"),
        (_body(amount=-1), "/body/amount"),
        (_body(date="2026-02-30"), "/body/date"),
        (_body(currency="USD"), "/body/currency"),
        (_body(donor={"name": "某", "uscc": "91350100M000100Y44", "anonymous": False}), "/body/donor/uscc"),
        (_body(more=1), "/body/more"),
    ],
)
def test_a_broken_rule_fails_and_says_where(record: Record, place: str) -> None:
    finding = check_content(_evidence(record), CHAIN.network)
    assert finding.outcome is Outcome.FAILED
    assert str(finding.reason).startswith(place)
    assert finding.expected is not None or finding.got is not None


def test_a_missing_field_shows_though_values_are_hidden() -> None:
    record = donation(1)
    body = {name: value for name, value in record.body.items() if name != "remark"}
    evidence = _evidence(replace(record, body=body)).disclose([])
    assert check_content(evidence, CHAIN.network).outcome is Outcome.FAILED


def test_a_hidden_amount_can_not_be_compared_and_it_says_so() -> None:
    finding = check_content(_evidence(donation(1, credit=99)).disclose(["/body/number"]), CHAIN.network)
    assert finding.outcome is Outcome.PASSED
    assert "credit and debit can't be compared with the hidden /body/amount" in str(finding.reason)
    assert "hidden ones can't be seen" in str(finding.reason)


def test_a_disclosed_value_is_checked_though_others_are_hidden() -> None:
    evidence = _evidence(_body(currency="USD")).disclose(["/body/currency"])
    assert check_content(evidence, CHAIN.network).outcome is Outcome.FAILED


def test_a_later_revision_leaves_the_net_change_to_the_audit() -> None:
    record = donation(1, revision=1, previous="00" * 32, credit=0, debit=20)
    finding = check_content(_evidence(record), CHAIN.network)
    assert finding.outcome is Outcome.PASSED
    assert "audit" in str(finding.reason)


def test_a_schema_of_another_version_is_not_checked() -> None:
    finding = check_content(_evidence(donation(1, schema="charity.donation.v9")), CHAIN.network)
    assert (finding.outcome, finding.got) == (Outcome.NOT_CHECKED, "charity.donation.v9")


@pytest.mark.parametrize("pinned", [{}, {"charity.donation.v1": b"\x01" * 32}])
def test_a_schema_that_the_descriptor_does_not_pin_is_not_checked(pinned: dict[str, bytes]) -> None:
    network = replace(CHAIN.network, schemas=MappingProxyType(pinned))
    finding = check_content(_evidence(), network)
    assert finding.outcome is Outcome.NOT_CHECKED
    assert finding.expected is not None


def _with_value(path: str, value: object) -> Callable[[Pair], Pair]:
    return lambda pair: pair._replace(value=value) if pair.path == path else pair


@pytest.mark.parametrize("path", ["/schema", "/reference", "/issued_at", "/revision", "/previous"])
@pytest.mark.parametrize("value", [None, True, -1, [], ["x"], [[]]])
def test_an_envelope_value_of_another_type_fails(path: str, value: object) -> None:
    if path == "/previous" and value is None:
        return
    evidence = _evidence()
    changed = replace(evidence, pairs=tuple(map(_with_value(path, value), evidence.pairs)))
    assert check_content(changed, CHAIN.network).outcome is Outcome.FAILED


def test_a_record_without_reference_or_with_a_strange_member_fails() -> None:
    evidence = _evidence()
    digest = pair_digest(evidence.suite, bytes(16), 1)
    without = tuple(pair for pair in evidence.pairs if pair.path != "/reference")
    assert check_content(replace(evidence, pairs=without), CHAIN.network).outcome is Outcome.FAILED
    more = (*evidence.pairs, Pair("/zone", None, None, digest))
    assert check_content(replace(evidence, pairs=more), CHAIN.network).outcome is Outcome.FAILED
    assert LEDGER in {pair.value for pair in evidence.pairs if isinstance(pair.value, str)}
