"""Every bad input that the first issue names, as the API tells it; nothing of it is stored."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from support.api_checks import bearer, problem
from support.fake_service import FakeService
from support.paper_evidence import LEDGER, donation

from chainsvc import jcs
from chainsvc.record import Record

RECORDS = f"/v1/ledgers/{LEDGER}/records"
GOOD = jcs.dumps(donation(1).to_json())


def body(**members: Any) -> bytes:
    record = donation(1)
    return json.dumps(replace(record, body={**record.body, **members}).to_json()).encode()


BAD: dict[str, tuple[bytes, int, str, str | None]] = {
    "unknown member of the record": (json.dumps({**donation(1).to_json(), "x": 1}).encode(), 400, "malformed", "/x"),
    "unknown member of the body": (body(extra=1), 422, "record-refused", "/body/extra"),
    "wrong check digit": (
        body(donor={"name": "某企业", "uscc": "91350100M000100Y44", "anonymous": False}),
        422,
        "record-refused",
        "/body/donor/uscc",
    ),
    "float": (GOOD.replace(b'"amount":100', b'"amount":100.5'), 400, "malformed", "/body/amount"),
    "float that is whole": (GOOD.replace(b'"amount":100', b'"amount":100.0'), 400, "malformed", "/body/amount"),
    "duplicate member": (GOOD.replace(b'"amount":100', b'"amount":1,"amount":100'), 400, "malformed", None),
    "2^53": (GOOD.replace(b'"amount":100', b'"amount":9007199254740992'), 400, "malformed", "/body/amount"),
    "lone surrogate": (GOOD.replace(b'"method":"bank"', b'"method":"\\ud800"'), 400, "malformed", None),
    "not UTF-8": (GOOD.replace(b'"method":"bank"', b'"method":"\xff"'), 400, "malformed", None),
    "over-long record": (body(remark="长" * 25_000), 422, "record-refused", "/body/remark"),
    "text of many fields too long": (body(remark="x" * 501), 422, "record-refused", "/body/remark"),
    "too deep": (GOOD.replace(b'"remark":null', b'"remark":' + b"[" * 40 + b"]" * 40), 400, "malformed", None),
    "deep beyond any parser": (b"[" * 100_000, 400, "malformed", None),
    "not JSON": (b"{", 400, "malformed", "line 1 column 2"),
    "nothing": (b"", 400, "malformed", None),
    "an array": (b"[]", 400, "malformed", None),
    "unknown schema": (GOOD.replace(b"charity.donation.v1", b"charity.donation.v9"), 422, "schema-unknown", "/schema"),
    "credit that the body denies": (GOOD.replace(b'"credit":100', b'"credit":99'), 422, "record-refused", "/credit"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_record_is_one_clear_problem_and_stores_nothing(api: httpx.Client, service: FakeService, name: str) -> None:
    data, status, code, where = BAD[name]
    told = problem(api.post(RECORDS, content=data), status, code)
    assert where is None or told["where"] == where
    assert not service.books[LEDGER].entries


def test_good_record_of_that_table_is_taken(api: httpx.Client) -> None:
    assert api.post(RECORDS, content=GOOD).status_code == 201


def test_every_wrong_place_of_a_record_is_listed(api: httpx.Client) -> None:
    told = problem(api.post(RECORDS, content=body(amount="1", date="2026-02-30")), 422, "record-refused")
    assert {place["pointer"] for place in told["problems"]} >= {"/body/amount", "/body/date"}


def test_unknown_ledger(api: httpx.Client) -> None:
    name = LEDGER + "-X"
    answer = api.post(f"/v1/ledgers/{name}/records", content=GOOD.replace(LEDGER.encode(), name.encode()))
    assert problem(answer, 404, "not-found")["got"] == name


def test_malformed_ledger(api: httpx.Client) -> None:
    problem(api.get("/v1/ledgers/Charity/1/x"), 400, "malformed")


def test_closed_ledger(api: httpx.Client) -> None:
    assert api.post(f"/v1/ledgers/{LEDGER}/close").json()["closed"] is True
    problem(api.post(RECORDS, content=GOOD), 409, "ledger-closed")


def test_another_organizations_key_names_both(api: httpx.Client, service: FakeService) -> None:
    told = problem(api.post(RECORDS, content=GOOD, headers=bearer("other")), 403, "forbidden")
    assert (told["expected"], told["got"]) == ("a key of 91350100M000100Y43", "a key of 91350211M000100Y43")
    assert not service.books[LEDGER].entries


def test_same_reference_with_other_content(api: httpx.Client, service: FakeService) -> None:
    api.post(RECORDS, content=GOOD)
    answer = api.post(RECORDS, content=body(remark="changed"))
    assert problem(answer, 409, "reference-conflict")["where"] == "/reference"
    assert len(service.books[LEDGER].entries) == 1


def spending(number: int, amount: int) -> Record:
    details = {
        "number": f"P-{number}",
        "date": "2026-09-02",
        "campaign": "乡村儿童午餐",
        "recipient": {"name": "某小学食堂", "uscc": None},
        "purpose": "食材",
        "amount": amount,
        "beneficiaries": None,
        "donations": None,
        "remark": None,
    }
    at = "2026-09-02T10:00:00+08:00"
    return Record("charity.disbursement.v1", LEDGER, f"P-{number}", 0, None, 0, amount, at, details)


def test_overspending_is_refused_at_the_door_and_others_go_on(api: httpx.Client, service: FakeService) -> None:
    api.post(RECORDS, content=GOOD)
    records = [spending(1, 60), spending(2, 50), spending(3, 40)]
    results = api.post(RECORDS, json={"records": [record.to_json() for record in records]}).json()["results"]
    assert [r["problem"]["code"] if "problem" in r else "accepted" for r in results] == [
        "accepted",
        "policy-refused",
        "accepted",
    ]
    assert (results[1]["problem"]["expected"], results[1]["problem"]["where"]) == ("at most 1.00 yuan in all", "/debit")
    assert service.books[LEDGER].totals().debit == 100


def test_body_beyond_its_limit_is_read_no_further(api: httpx.Client) -> None:
    told = problem(api.post(RECORDS, content=b" " * 200_001), 413, "body-too-large")
    assert told["expected"] == "at most 200000 bytes"
    parts = (b" " * 50_000 for _ in range(5))  # without a declared length
    problem(api.post(RECORDS, content=parts), 413, "body-too-large")


@pytest.fixture
def evidence(api: httpx.Client, service: FakeService) -> bytes:
    record_id = api.post(RECORDS, content=GOOD).json()["id"]
    service.anchor()
    return api.get(f"/v1/records/{record_id}/evidence?disclose=all").content


def test_hostile_evidence_is_invalid_and_never_an_error(api: httpx.Client, evidence: bytes) -> None:
    hostile = {
        "truncated": evidence[:-1],
        "not canonical": evidence.replace(b",", b", ", 1),
        "deeply nested": b"[" * 200_000,
        "tampered": evidence.replace(b'"/body/amount","', b'"/body/amount","').replace(b",100]", b",101]"),
        "nothing": b"",
    }
    verdicts = {name: api.post("/v1/verify", content=data) for name, data in hostile.items()}
    assert {answer.status_code for answer in verdicts.values()} == {200}
    assert {answer.json()["verdict"] for answer in verdicts.values()} == {"invalid"}
    assert api.post("/v1/verify", content=evidence).json()["verdict"] == "valid"


def test_evidence_of_ten_megabytes_is_refused_unread(api: httpx.Client) -> None:
    told = problem(api.post("/v1/verify", content=b"x" * 10_000_000), 413, "body-too-large")
    assert told["expected"] == "at most 262144 bytes"
