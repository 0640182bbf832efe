from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from support.api_checks import bearer, problem
from support.fake_service import FakeService
from support.paper_evidence import LEDGER, SERVICE_USCC, donation

from chainsvc.client.answers import Standing
from chainsvc.crypto.suites import SHA256
from chainsvc.heads import Status
from chainsvc.record import Record


def test_change_of_standing_is_asked_for_and_told_when_done(
    api: httpx.Client, service: FakeService, notarized: Callable[[Record], str]
) -> None:
    target, cause = notarized(donation(1)), notarized(donation(2))
    service.anchor()
    url = f"/v1/records/{target}/standing"
    asked = api.post(url, json={"status": "revoked", "cause": cause})
    assert (asked.status_code, asked.headers["location"], asked.json()["state"]) == (202, url, "requested")
    waiting = Standing.from_json(api.get(url).json())
    assert (waiting.standing, waiting.changes[0].status) == (Status.CURRENT, Status.REVOKED)
    book = service.books[LEDGER]
    seq = {entry.commitment.hex(): entry.seq for entry in book.entries}
    service.chain.mark(book.id, seq[target] or 0, Status.REVOKED, (book.id, seq[cause] or 0))
    done = Standing.from_json(api.get(url).json())
    assert (done.standing, done.changes[0].state, done.changes[0].cause_seq) == (Status.REVOKED, "final", seq[cause])
    assert api.get(f"/v1/records/{target}").json()["standing"] == "revoked"


def test_cause_must_be_of_the_callers_organization(
    api: httpx.Client, service: FakeService, notarized: Callable[[Record], str]
) -> None:
    target, cause = notarized(donation(1)), notarized(donation(2))
    body = {"status": "revoked", "cause": cause}
    problem(api.post(f"/v1/records/{target}/standing", json=body, headers=bearer("other")), 403, "forbidden")
    assert not service.books[LEDGER].entries[0].requested


def test_another_organization_may_ask_with_a_cause_of_its_own(
    api: httpx.Client, service: FakeService, notarized: Callable[[Record], str]
) -> None:
    target = notarized(donation(1))
    name = f"charity/{SERVICE_USCC}/DECISIONS"
    service.open_ledger(name, SHA256, signed=False)
    record = replace(donation(1), ledger=name)
    cause = api.post(f"/v1/ledgers/{name}/records", json=record.to_json(), headers=bearer("other")).json()["id"]
    body = {"status": "suspended", "cause": cause}
    assert api.post(f"/v1/records/{target}/standing", json=body, headers=bearer("other")).status_code == 202


@pytest.mark.parametrize(
    ("body", "status", "code", "where"),
    [
        ({"status": "gone", "cause": "ab" * 32}, 400, "malformed", "/status"),
        ({"status": "revoked", "cause": "xy"}, 400, "malformed", "/cause"),
        ({"status": "revoked"}, 400, "malformed", None),
        ({"status": "revoked", "cause": "ab" * 32}, 404, "not-found", None),
    ],
)
def test_request_without_a_right_status_and_cause_is_refused(
    api: httpx.Client, notarized: Callable[[Record], str], body: object, status: int, code: str, where: str | None
) -> None:
    told = problem(api.post(f"/v1/records/{notarized(donation(1))}/standing", json=body), status, code)
    assert where is None or told["where"] == where


def test_entry_is_not_its_own_cause(api: httpx.Client, notarized: Callable[[Record], str]) -> None:
    target = notarized(donation(1))
    body = {"status": "revoked", "cause": target}
    problem(api.post(f"/v1/records/{target}/standing", json=body), 409, "standing-refused")
