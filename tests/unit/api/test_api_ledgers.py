import json
from collections.abc import Callable

import httpx
import pytest
from support.api_checks import bearer, problem
from support.fake_service import FakeService
from support.paper_evidence import LEDGER, USCC, donation

from chainsvc.client.answers import LedgerFacts
from chainsvc.crypto.suites import SM3
from chainsvc.cursors import encode
from chainsvc.record import Record

ENTRIES = f"/v1/ledgers/{LEDGER}/entries"


def test_ledger_tells_its_facts_and_totals(
    api: httpx.Client, service: FakeService, notarized: Callable[[Record], str]
) -> None:
    notarized(donation(1, 300))
    service.anchor()
    notarized(donation(2, 50))
    facts = LedgerFacts.from_json(api.get(f"/v1/ledgers/{LEDGER}").json())
    assert facts.ledger_id == service.books[LEDGER].id
    assert (facts.entries, facts.credit, facts.anchored_entries, facts.anchored_credit) == (2, 350, 1, 300)


@pytest.mark.parametrize("path", [f"/v1/ledgers/{LEDGER}", "/v1/ledgers"])
def test_another_organization_is_told_the_sums_on_chain_only(
    api: httpx.Client, service: FakeService, notarized: Callable[[Record], str], path: str
) -> None:
    notarized(donation(1, 300))
    service.anchor()
    told = {who: _facts(api, path, who) for who in ("other", "auditor", "full")}
    assert told["other"] == told["full"] == told["auditor"]
    notarized(donation(2, 51))
    assert _facts(api, path, "other") == told["other"]
    assert (told["other"].entries, told["other"].credit, told["other"].debit) == (1, 300, 0)
    for who in ("full", "auditor"):
        assert (_facts(api, path, who).entries, _facts(api, path, who).credit) == (2, 351)
    service.anchor()
    assert _facts(api, path, "other") == _facts(api, path, "full")


def _facts(api: httpx.Client, path: str, who: str) -> LedgerFacts:
    answer = api.get(path, headers=bearer(who)).json()
    return LedgerFacts.from_json(answer["ledgers"][0] if "ledgers" in answer else answer)


def test_ledger_is_opened_once(api: httpx.Client) -> None:
    name = f"charity/{USCC}/SM3-BOOK"
    first = api.post("/v1/ledgers", json={"name": name, "suite": "sm3", "signed": True})
    assert (first.status_code, first.headers["location"]) == (201, f"/v1/ledgers/{name}")
    facts = LedgerFacts.from_json(first.json())
    assert (facts.suite, facts.signed, facts.closed) == (SM3, True, False)
    assert api.post("/v1/ledgers", json={"name": name, "suite": "sm3", "signed": True}).json() == first.json()
    problem(api.post("/v1/ledgers", json={"name": name}), 409, "conflict")


@pytest.mark.parametrize(
    ("body", "status", "code", "where"),
    [
        ({"name": "charity"}, 400, "malformed", None),
        ({"name": LEDGER, "suite": "md5"}, 400, "malformed", "/suite"),
        ({"name": LEDGER, "signed": 1}, 400, "malformed", "/signed"),
        ({"name": LEDGER, "more": 1}, 400, "malformed", None),
        ({"name": "charity/91350100M000100Y44/A"}, 403, "forbidden", None),
        ({"name": "charity/91350211M000100Y43/A"}, 403, "forbidden", None),
        ([], 400, "malformed", None),
    ],
)
def test_opening_refuses_what_is_no_ledger_of_the_caller(
    api: httpx.Client, body: object, status: int, code: str, where: str | None
) -> None:
    told = problem(api.post("/v1/ledgers", json=body), status, code)
    assert where is None or told["where"] == where


def test_entries_are_paged_by_opaque_cursors(api: httpx.Client, notarized: Callable[[Record], str]) -> None:
    ids = [notarized(donation(number)) for number in range(12)]
    seen: list[str] = []
    url: str | None = ENTRIES
    sizes = []
    while url is not None:
        page = api.get(url)
        seen += [entry["id"] for entry in page.json()["entries"]]
        sizes.append(len(page.json()["entries"]))
        link = page.links.get("next")
        assert (link is None) == (page.json()["next"] is None)
        url = None if link is None else link["url"]
    assert seen == ids
    assert sizes == [5, 5, 2]


def test_page_size_is_cut_to_the_limit(api: httpx.Client, notarized: Callable[[Record], str]) -> None:
    for number in range(11):
        notarized(donation(number))
    assert len(api.get(f"{ENTRIES}?limit=1000").json()["entries"]) == 10
    for limit in ("0", "-1", "x"):
        told = problem(api.get(f"{ENTRIES}?limit={limit}"), 422, "input-refused")
        assert told["where"] == "query.limit"


@pytest.mark.parametrize(
    "cursor", ["x", "", encode("batches", 1), encode("entries", -1), "é", encode("entries", 10**30)]
)
def test_foreign_cursor_is_refused(api: httpx.Client, cursor: str) -> None:
    told = problem(api.get(ENTRIES, params={"after": cursor}), 400, "malformed")
    assert told["where"] == "after"


@pytest.mark.parametrize("position", ["\x00", "charity\x00", "\x1b"])
def test_a_cursor_of_no_name_is_refused(api: httpx.Client, position: str) -> None:
    told = problem(api.get("/v1/ledgers", params={"after": encode("ledgers", position)}), 400, "malformed")
    assert told["where"] == "after"


def test_batches_are_public_to_every_key(
    api: httpx.Client, service: FakeService, notarized: Callable[[Record], str]
) -> None:
    for number in range(7):
        notarized(donation(number))
        service.anchor()
    url = f"/v1/ledgers/{LEDGER}/batches"
    page = api.get(url, headers=bearer("other")).json()
    assert [batch["index"] for batch in page["batches"]] == [0, 1, 2, 3, 4]
    rest = api.get(url, params={"after": page["next"]}, headers=bearer("other")).json()
    assert ([batch["index"] for batch in rest["batches"]], rest["next"]) == ([5, 6], None)


def test_ledgers_are_listed_by_name_in_pages(api: httpx.Client, service: FakeService) -> None:
    names = sorted([LEDGER, *(f"charity/{USCC}/B-{number}" for number in range(6))])
    for name in names:
        service.open_ledger(name, service.books[LEDGER].suite, signed=False)
    page = api.get("/v1/ledgers").json()
    rest = api.get("/v1/ledgers", params={"after": page["next"]}).json()
    assert [facts["name"] for facts in page["ledgers"] + rest["ledgers"]] == names
    assert rest["next"] is None


def test_export_is_one_json_object_a_line(api: httpx.Client, notarized: Callable[[Record], str]) -> None:
    ids = [notarized(donation(number)) for number in range(3)]
    answer = api.get(f"/v1/ledgers/{LEDGER}/export?disclose=true")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert f'filename="charity-{USCC}-LUNCH-2026.ndjson"' in answer.headers["content-disposition"]
    assert lines[0] == {"format": "chainsvc-export/1", "ledger": LEDGER, "disclosed": True}
    assert [line["id"] for line in lines[1:]] == ids


def test_export_of_an_unknown_ledger_is_a_problem_and_no_empty_file(api: httpx.Client) -> None:
    problem(api.get(f"/v1/ledgers/{LEDGER}-X/export"), 404, "not-found")
