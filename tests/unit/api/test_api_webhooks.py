"""Webhooks over HTTP: who may ask for what, and what is answered."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from support.fake_service import FakeService
from support.fake_webhooks import NOW
from support.paper_evidence import LEDGER, SERVICE_USCC, USCC

from chainsvc.api.ports import Scope

URL = "https://foundation.example.org/hook"
ORDER: dict[str, Any] = {"url": URL, "events": ["batch.final"]}


@pytest.fixture
def endpoint(api: httpx.Client) -> str:
    answer = api.post("/v1/webhooks", json=ORDER)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.fixture
def as_key(api: httpx.Client, service: FakeService) -> Callable[..., dict[str, str]]:
    """Headers of a key of an organization with some scopes."""

    def headers(uscc: str, *scopes: Scope) -> dict[str, str]:
        return {"Authorization": f"Bearer {service.add_key('csk_some_secret', uscc, *scopes)}"}

    del api
    return headers


def test_the_secret_is_shown_once(api: httpx.Client) -> None:
    made = api.post("/v1/webhooks", json={**ORDER, "description": "账务"})
    value = made.json()
    assert made.headers["location"] == f"/v1/webhooks/{value['id']}"
    assert value["secret"].startswith("whsec_")
    assert (value["scheme"], value["all_ledgers"], value["ledger"], value["description"]) == ("v1", False, None, "账务")
    shown = api.get(made.headers["location"]).json()
    assert "secret" not in shown
    assert api.get("/v1/webhooks").json() == {"endpoints": [shown]}


def test_an_asymmetric_endpoint_is_given_a_public_key(api: httpx.Client) -> None:
    assert api.post("/v1/webhooks", json={**ORDER, "scheme": "v1a"}).json()["secret"].startswith("whpk_")


@pytest.mark.parametrize(
    ("changed", "status", "where"),
    [
        ({"url": "http://example.org/"}, 422, "/url"),
        ({"url": 7}, 400, "/url"),
        ({"events": []}, 400, "/events"),
        ({"events": ["batch.final", "batch.final"]}, 400, "/events"),
        ({"events": ["batch.final", "batch.lost"]}, 422, "/events/1"),
        ({"events": ["webhook.test"]}, 422, "/events/0"),
        ({"events": "batch.final"}, 400, "/events"),
        ({"events": [1]}, 400, "/events/0"),
        ({"all_ledgers": 1}, 400, "/all_ledgers"),
        ({"ledger": "charity"}, 400, None),
        ({"description": "a" * 201}, 422, "/description"),
        ({"description": "a\nb"}, 422, "/description"),
        ({"scheme": "v2"}, 400, "/scheme"),
        ({"secret": "mine"}, 400, None),
    ],
)
def test_a_wrong_order_names_its_place(
    api: httpx.Client, changed: dict[str, Any], status: int, where: str | None
) -> None:
    answer = api.post("/v1/webhooks", json={**ORDER, **changed})
    assert answer.status_code == status, answer.text
    if where is not None:
        assert answer.json()["where"] == where
    assert api.get("/v1/webhooks").json() == {"endpoints": []}


def test_a_key_without_the_scope_sees_nothing(api: httpx.Client, endpoint: str) -> None:
    headers = {"Authorization": "Bearer csk_sender_secret"}
    calls = [("GET", ""), ("POST", ""), ("GET", f"/{endpoint}"), ("DELETE", f"/{endpoint}")]
    calls += [("POST", f"/{endpoint}/{verb}") for verb in ("enable", "rotate", "test", "replay")]
    calls += [("GET", f"/{endpoint}/deliveries"), ("POST", f"/{endpoint}/deliveries/evt_{'0' * 32}/replay")]
    for method, path in calls:
        answer = api.request(method, f"/v1/webhooks{path}", headers=headers, json=ORDER)
        assert (answer.status_code, answer.json()["expected"]) == (403, "webhook"), path


def test_another_organizations_endpoint_is_not_told_from_none(api: httpx.Client, endpoint: str) -> None:
    headers = {"Authorization": "Bearer csk_other_secret"}
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/test"), ("GET", "/deliveries")):
        answer = api.request(method, f"/v1/webhooks/{endpoint}{path}", headers=headers)
        none = api.request(method, f"/v1/webhooks/{'f' * 16}{path}", headers=headers)
        assert answer.status_code == none.status_code == 404
        assert answer.json()["code"] == none.json()["code"]
    assert api.get("/v1/webhooks", headers=headers).json() == {"endpoints": []}
    assert api.get(f"/v1/webhooks/{endpoint}").is_success


def test_all_ledgers_are_for_auditors(api: httpx.Client, as_key: Callable[..., dict[str, str]]) -> None:
    order = {**ORDER, "all_ledgers": True}
    assert api.post("/v1/webhooks", json=order).json()["expected"] == "audit"
    auditor = as_key(SERVICE_USCC, Scope.WEBHOOK, Scope.AUDIT)
    assert api.post("/v1/webhooks", json=order, headers=auditor).status_code == 201
    assert api.post("/v1/webhooks", json={**order, "ledger": LEDGER}, headers=auditor).json()["ledger"] == LEDGER


def test_another_organizations_ledger_needs_all_ledgers(
    api: httpx.Client, as_key: Callable[..., dict[str, str]]
) -> None:
    order = {**ORDER, "ledger": LEDGER}
    assert api.post("/v1/webhooks", json=order, headers=as_key(SERVICE_USCC, Scope.WEBHOOK)).status_code == 403
    assert api.post("/v1/webhooks", json=order).json()["ledger"] == LEDGER


def test_a_new_secret_is_another_one(api: httpx.Client) -> None:
    first = api.post("/v1/webhooks", json=ORDER).json()
    second = api.post(f"/v1/webhooks/{first['id']}/rotate").json()
    assert second["secret"] != first["secret"]
    assert second["old_secret_until"] == NOW + 86_400


def test_a_test_message_is_a_delivery_like_others(api: httpx.Client, endpoint: str) -> None:
    sent = api.post(f"/v1/webhooks/{endpoint}/test")
    assert (sent.status_code, sent.json()["state"], sent.json()["type"]) == (202, "pending", "webhook.test")
    assert api.get(sent.headers["location"]).json()["state"] == "delivered"
    assert api.post(f"{sent.headers['location']}/replay").json()["state"] == "pending"


def test_deliveries_are_paged_with_their_filter(api: httpx.Client, endpoint: str) -> None:
    sent = [api.post(f"/v1/webhooks/{endpoint}/test").json()["id"] for _ in range(12)]
    page = api.get(f"/v1/webhooks/{endpoint}/deliveries", params={"state": "delivered"})
    found = page.json()["deliveries"]
    while page.json()["next"] is not None:
        assert "state=delivered" in page.links["next"]["url"]
        page = api.get(page.links["next"]["url"])
        found += page.json()["deliveries"]
    assert [one["id"] for one in found] == sent[::-1]
    assert api.get(f"/v1/webhooks/{endpoint}/deliveries", params={"state": "dead"}).json()["deliveries"] == []
    assert api.get(f"/v1/webhooks/{endpoint}/deliveries", params={"state": "lost"}).status_code == 422
    assert api.get(f"/v1/webhooks/{endpoint}/deliveries", params={"after": "YmF0Y2hlczox"}).status_code == 400


def test_replay_since_takes_a_time_and_no_more(api: httpx.Client, endpoint: str) -> None:
    api.post(f"/v1/webhooks/{endpoint}/test")
    path = f"/v1/webhooks/{endpoint}/replay"
    assert api.post(path, json={"since": NOW}).json() == {"replayed": 0}
    answer = api.post(path, json={"since": NOW, "delivered": True})
    assert (answer.status_code, answer.json()) == (202, {"replayed": 1})
    assert api.post(path, json={"since": NOW + 1, "delivered": True}).json() == {"replayed": 0}
    wrong: list[Any] = [{}, {"since": -1}, {"since": "now"}, {"since": 0, "until": 1}, []]
    for body in wrong:
        assert api.post(path, json=body).status_code == 400


def test_a_disabled_endpoint_is_sent_nothing_until_it_is_enabled(
    api: httpx.Client, service: FakeService, endpoint: str
) -> None:
    service.webhooks.disable(USCC, endpoint)
    assert api.get(f"/v1/webhooks/{endpoint}").json()["disabled_because"] == "it answered 410 Gone"
    for path in ("test", f"deliveries/evt_{'0' * 32}/replay"):
        assert api.post(f"/v1/webhooks/{endpoint}/{path}").status_code == 409
    assert api.post(f"/v1/webhooks/{endpoint}/replay", json={"since": 0}).status_code == 409
    assert api.post(f"/v1/webhooks/{endpoint}/enable").json()["disabled_at"] is None
    assert api.post(f"/v1/webhooks/{endpoint}/test").status_code == 202


def test_a_removed_endpoint_is_gone(api: httpx.Client, endpoint: str) -> None:
    answer = api.delete(f"/v1/webhooks/{endpoint}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.delete(f"/v1/webhooks/{endpoint}").status_code == 404


def test_enough_is_enough(api: httpx.Client, service: FakeService, endpoint: str) -> None:
    del endpoint
    service.webhooks.most = 1
    assert api.post("/v1/webhooks", json=ORDER).status_code == 409
