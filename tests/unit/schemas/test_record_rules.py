"""check_record: what passes, and that every problem names its place."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainsvc.errors import Problem, RecordRefused, SchemaUnknown
from chainsvc.record import Record
from chainsvc.schemas import check_record, schema_of

LEDGER = "charity/533206001803406341/LUNCH-2026"


def donation(**changes: Any) -> Record:
    body = {
        "number": "JZ1",
        "date": "2026-01-05",
        "campaign": "乡村儿童营养午餐",
        "donor": {"name": "张三", "uscc": None, "anonymous": False},
        "method": "现金",
        "currency": "CNY",
        "amount": 100,
        "goods": None,
        "designated": True,
        "purpose": None,
        "receipt_number": None,
        "remark": None,
    }
    return Record(
        "charity.donation.v1", LEDGER, "JZ1", 0, None, 100, 0, "2026-01-05T00:00:00+08:00", {**body, **changes}
    )


def problems(record: Record) -> list[Problem]:
    with pytest.raises(RecordRefused) as caught:
        check_record(record)
    return list(caught.value.problems)


def only(record: Record) -> Problem:
    (problem,) = problems(record)
    return problem


def test_a_right_record_passes() -> None:
    check_record(donation())
    assert schema_of("charity.donation.v1").is_valid(donation())
    assert schema_of("charity.donation.v1").check(donation()) == []


@pytest.mark.parametrize(
    ("changes", "pointer", "expected", "got"),
    [
        ({"amount": "100"}, "/body/amount", "an integer", '"100"'),
        ({"amount": 100.0}, "/body/amount", "an integer", "float"),
        ({"amount": True}, "/body/amount", "an integer", "true"),
        ({"amount": -1}, "/body/amount", "at least 0", "-1"),
        ({"amount": 2**53}, "/body/amount", "an integer", str(2**53)),
        ({"date": "2026-13-45"}, "/body/date", "like 2026-01-05", '"2026-13-45"'),
        ({"currency": "USD"}, "/body/currency", "one of CNY", '"USD"'),
        ({"campaign": ""}, "/body/campaign", "at least 1 characters", '""'),
        ({"campaign": None}, "/body/campaign", "a text", "null"),
        ({"campaign": ["x"]}, "/body/campaign", "a text", '["x"]'),
        ({"campaign": "x" * 129}, "/body/campaign", "at most 128 characters", '"' + "x" * 39 + "…"),
        ({"donor": None}, "/body/donor", "an object", "null"),
        ({"purpose": 5}, "/body/purpose", "a text or null", "5"),
    ],
)
def test_wrong_value_is_told_with_place_expected_and_got(
    changes: dict[str, Any], pointer: str, expected: str, got: str
) -> None:
    problem = only(donation(**changes))
    assert (problem.pointer, problem.expected, problem.got) == (pointer, expected, got)


def test_message_names_the_field_in_both_languages() -> None:
    message = only(donation(date="2026-13-45")).message
    assert message == "捐赠日期 (donation date): there is no such day (日期不存在)"


def test_personal_values_are_not_repeated() -> None:
    found = problems(donation(donor={"name": "张" * 200, "uscc": "9" * 18, "anonymous": "yes"}))
    by_pointer = {problem.pointer: problem for problem in found}
    assert by_pointer["/body/donor/name"].got == "a text of 200 characters"
    assert by_pointer["/body/donor/anonymous"].got == "a text of 3 characters"
    assert by_pointer["/body/donor/uscc"].got == '"' + "9" * 18 + '"'
    assert len(found) == 3


def test_missing_and_unknown_members_are_named_by_pointer() -> None:
    record = donation(**{"donor": {"name": "张三", "uscc": None}, "a/b~c": 1})
    missing, unknown = sorted(problems(record), key=lambda problem: problem.pointer, reverse=True)
    assert missing.pointer == "/body/donor/anonymous"
    assert missing.expected == "the member; null where there is nothing"
    assert unknown.pointer == "/body/a~1b~0c"
    assert "receipt_number" in str(unknown.expected)


def test_lone_surrogate_is_found_where_it_stands() -> None:
    assert only(donation(donor={"name": "\ud800", "uscc": None, "anonymous": False})).pointer == "/body/donor/name"


def test_hostile_number_of_members_gives_a_bounded_answer() -> None:
    assert len(problems(donation(**{f"x{i}": 1 for i in range(5000)}))) == 64


@pytest.mark.parametrize(
    ("credit", "debit", "pointers"), [(99, 0, ["/credit"]), (100, 1, ["/debit"]), (0, 100, ["/credit", "/debit"])]
)
def test_money_rule_of_the_first_revision(credit: int, debit: int, pointers: list[str]) -> None:
    found = problems(replace(donation(), credit=credit, debit=debit))
    assert [problem.pointer for problem in found] == pointers
    assert str(found[0].expected).startswith(("100", "0"))


def test_later_revision_carries_an_adjustment() -> None:
    check_record(replace(donation(amount=80), revision=1, previous="ab" * 32, credit=0, debit=20))


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"ledger": "subsidy/533206001803406341/X"}, "/ledger"),
        ({"ledger": "charity/x/X"}, "/ledger"),
        ({"reference": ""}, "/reference"),
        ({"reference": "x" * 129}, "/reference"),
        ({"reference": "a\nb"}, "/reference"),
        ({"issued_at": "2026-01-05T00:00:00"}, "/issued_at"),
        ({"previous": "ab" * 32}, "/previous"),
        ({"revision": 1}, "/previous"),
        ({"revision": 1, "previous": "AB" * 32}, "/previous"),
        ({"revision": -1}, "/revision"),
        ({"revision": 1, "previous": "ab" * 32, "credit": 1, "debit": 1}, "/debit"),
        ({"revision": 1, "previous": "ab" * 32, "credit": 2**53}, "/credit"),
    ],
)
def test_envelope_faults_are_found(changes: dict[str, Any], pointer: str) -> None:
    assert pointer in [problem.pointer for problem in problems(replace(donation(), **changes))]


def test_reference_may_have_128_characters() -> None:
    check_record(replace(donation(), reference="号" * 128))


def test_unknown_schema_is_refused() -> None:
    with pytest.raises(SchemaUnknown):
        check_record(replace(donation(), schema="charity.gift.v1"))


def test_all_problems_come_at_once() -> None:
    record = replace(donation(date="x", amount=-5), reference="", issued_at="x")
    assert {problem.pointer for problem in problems(record)} == {
        "/reference",
        "/issued_at",
        "/body/date",
        "/body/amount",
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(donation().body)), JSON)
def test_any_value_either_passes_or_is_a_problem_under_its_field(key: str, value: Any) -> None:
    record = donation(**{key: value})
    if schema_of(record.schema).is_valid(record):
        check_record(record)
        record.flatten()  # whatever passes can be committed to
    else:
        assert all(problem.pointer.startswith((f"/body/{key}", "/credit")) for problem in problems(record))


@given(JSON)
def test_any_body_is_refused_without_another_error(body: Any) -> None:
    assert problems(replace(donation(), body=body))


def test_disclosed_values_are_checked_alone() -> None:
    schema = schema_of("charity.donation.v1")
    right = {"/body/amount": 5, "/credit": 5, "/debit": 0, "/revision": 0, "/ledger": LEDGER}
    assert schema.check_disclosed(right) == []
    assert schema.check_disclosed({"/body/donor/name": "张三"}) == []
    assert [p.pointer for p in schema.check_disclosed({"/body/amount": 5.0, "/body/donor": {}})] == [
        "/body/amount",
        "/body/donor",
    ]


def test_disclosed_money_follows_the_rule_at_revision_zero_only() -> None:
    schema = schema_of("charity.donation.v1")
    wrong = {"/body/amount": 5, "/credit": 6, "/debit": 1, "/revision": 0}
    assert [problem.pointer for problem in schema.check_disclosed(wrong)] == ["/credit", "/debit"]
    assert schema.check_disclosed({**wrong, "/revision": 1}) == []
    assert schema.check_disclosed({"/credit": 6, "/debit": 0, "/revision": 0}) == []


def test_fields_are_the_paths_of_every_record() -> None:
    paths = {path for path, _ in donation().flatten() if path.startswith("/body")}
    assert paths == set(schema_of("charity.donation.v1").fields)


def test_divorce_names_the_record_it_dissolves() -> None:
    body = {"certificate": {"number": "L110101-2012-000001", "previous": "J110101-2010-000001"}}
    assert schema_of("marriage.divorce.v1").affected(body) == "J110101-2010-000001"
    assert schema_of("charity.donation.v1").affected(donation().body) is None


def test_amounts_follow_from_the_body() -> None:
    assert schema_of("charity.donation.v1").amounts({"amount": 7}) == (7, 0)
    assert schema_of("charity.refund.v1").amounts({"amount": 7}) == (0, 7)
    assert schema_of("status.cause.v1").amounts({}) == (0, 0)
