from collections.abc import Callable

import httpx
import pytest
from support.api_checks import bearer, problem
from support.paper_evidence import LEDGER, donation

from chainsvc.record import Record

RECORDS = f"/v1/ledgers/{LEDGER}/records"
ID = "/v1/records/" + "ab" * 32

GUARDED = [
    ("POST", RECORDS),
    ("POST", f"/v1/ledgers/{LEDGER}/commitments"),
    ("GET", f"{RECORDS}?reference=x"),
    ("GET", ID),
    ("GET", f"{ID}/receipt"),
    ("GET", f"{ID}/evidence"),
    ("GET", f"{ID}/standing"),
    ("POST", f"{ID}/standing"),
    ("DELETE", ID),
    ("GET", "/v1/ledgers"),
    ("POST", "/v1/ledgers"),
    ("GET", f"/v1/ledgers/{LEDGER}"),
    ("POST", f"/v1/ledgers/{LEDGER}/close"),
    ("GET", f"/v1/ledgers/{LEDGER}/entries"),
    ("GET", f"/v1/ledgers/{LEDGER}/batches"),
    ("GET", f"/v1/ledgers/{LEDGER}/export"),
    ("POST", "/v1/checkpoints"),
]


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_call_without_a_key_is_refused_with_a_challenge(api: httpx.Client, method: str, path: str) -> None:
    request = api.build_request(method, path, json={})
    del request.headers["authorization"]
    answer = api.send(request)
    assert "Authorization: Bearer" in problem(answer, 401, "access-denied")["hint"]
    assert answer.headers["www-authenticate"] == 'Bearer realm="chainsvc"'


@pytest.mark.parametrize("header", ["Bearer csk_full_wrong", "Bearer", "Basic abc", "csk_full_secret"])
def test_wrong_key_is_refused(api: httpx.Client, header: str) -> None:
    problem(api.get("/v1/ledgers", headers={"Authorization": header}), 401, "access-denied")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", RECORDS, "notarize"),
        ("DELETE", ID, "erase"),
        ("POST", f"{ID}/standing", "standing"),
        ("POST", "/v1/ledgers", "ledger"),
        ("POST", f"/v1/ledgers/{LEDGER}/close", "ledger"),
        ("GET", f"{ID}/evidence?disclose=all", "disclose"),
        ("GET", f"/v1/ledgers/{LEDGER}/export?disclose=true", "disclose"),
    ],
)
def test_key_without_the_scope_is_refused_by_its_name(api: httpx.Client, method: str, path: str, scope: str) -> None:
    answer = api.request(method, path, json={}, headers=bearer("reader"))
    told = problem(answer, 403, "forbidden")
    assert (told["expected"], told["got"]) == (scope, "read")
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("path", ["", "/evidence", "/receipt", "/standing"])
def test_records_of_another_organization_are_closed_but_to_auditors(
    api: httpx.Client, notarized: Callable[[Record], str], path: str
) -> None:
    url = f"/v1/records/{notarized(donation(1))}{path}"
    problem(api.get(url, headers=bearer("other")), 403, "forbidden")
    assert api.get(url, headers=bearer("auditor")).status_code in {200, 425}


def test_auditor_reads_but_sees_no_content_without_the_scope(
    api: httpx.Client, notarized: Callable[[Record], str]
) -> None:
    record_id = notarized(donation(1))
    problem(api.get(f"/v1/records/{record_id}?record=true", headers=bearer("auditor")), 403, "forbidden")
    assert api.get(f"/v1/ledgers/{LEDGER}/entries", headers=bearer("auditor")).is_success
    problem(api.post(RECORDS, json={}, headers=bearer("auditor")), 403, "forbidden")


@pytest.mark.parametrize("call", [("DELETE", ""), ("GET", "/evidence?disclose=all")])
def test_another_organization_can_neither_erase_nor_see(
    api: httpx.Client, notarized: Callable[[Record], str], call: tuple[str, str]
) -> None:
    url = f"/v1/records/{notarized(donation(1))}{call[1]}"
    problem(api.request(call[0], url, json={"reason": "x"}, headers=bearer("other")), 403, "forbidden")


@pytest.mark.parametrize("path", ["/v1/network", "/healthz", "/readyz", "/metrics", "/docs", "/openapi.json"])
def test_public_calls_need_no_key(api: httpx.Client, path: str) -> None:
    request = api.build_request("GET", path)
    del request.headers["authorization"]
    assert api.send(request).status_code == 200
