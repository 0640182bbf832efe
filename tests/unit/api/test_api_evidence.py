from collections.abc import Callable

import httpx
from support.api_checks import bearer, problem
from support.fake_service import FakeService
from support.paper_evidence import LEDGER, donation

from chainsvc.client.answers import SKELETON
from chainsvc.evidence import Evidence
from chainsvc.record import DISCLOSED, Record


def test_evidence_is_not_ready_before_it_is_final(api: httpx.Client, notarized: Callable[[Record], str]) -> None:
    answer = api.get(f"/v1/records/{notarized(donation(1))}/evidence")
    problem(answer, 425, "not-ready")
    assert answer.headers["retry-after"] == "2"


def test_evidence_shows_by_default_only_what_all_evidence_shows(
    api: httpx.Client, service: FakeService, notarized: Callable[[Record], str]
) -> None:
    record_id = notarized(donation(1))
    service.anchor()
    answer = api.get(f"/v1/records/{record_id}/evidence", headers=bearer("reader"))
    evidence = Evidence.parse(answer.content)
    assert answer.headers["content-type"] == "application/json"
    assert evidence.commitment().hex() == record_id
    assert {pair.path for pair in evidence.pairs if not pair.hidden} == set(DISCLOSED)


def test_evidence_discloses_the_paths_asked_for(
    api: httpx.Client, service: FakeService, notarized: Callable[[Record], str]
) -> None:
    record_id = notarized(donation(1))
    service.anchor()
    answer = api.get(f"/v1/records/{record_id}/evidence", params={"disclose": "/body/donor,/body/amount", "proof": "1"})
    evidence = Evidence.parse(answer.content)
    shown = {pair.path for pair in evidence.pairs if not pair.hidden} - set(DISCLOSED)
    assert shown == {"/body/amount", "/body/donor/anonymous", "/body/donor/name", "/body/donor/uscc"}
    assert evidence.proof is not None
    every = Evidence.parse(api.get(f"/v1/records/{record_id}/evidence?disclose=all").content)
    assert not any(pair.hidden for pair in every.pairs)


def test_evidence_refuses_a_path_that_is_none(
    api: httpx.Client, service: FakeService, notarized: Callable[[Record], str]
) -> None:
    record_id = notarized(donation(1))
    service.anchor()
    problem(api.get(f"/v1/records/{record_id}/evidence?disclose=/body/nothing"), 400, "malformed")
    told = problem(api.get(f"/v1/records/{record_id}/evidence?disclose=amount"), 400, "malformed")
    assert told["where"] == "disclose"


def test_unchanged_evidence_is_not_sent_again(
    api: httpx.Client, service: FakeService, notarized: Callable[[Record], str]
) -> None:
    record_id = notarized(donation(1))
    service.anchor()
    url = f"/v1/records/{record_id}/evidence"
    first = api.get(url)
    tag = first.headers["etag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        answer = api.get(url, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert api.get(url, headers={"If-None-Match": '"other"'}).content == first.content
    assert first.headers["cache-control"] == "private, no-cache"
    book = service.books[LEDGER]
    service.chain.mark(book.id, 0, 2, (book.id, 0))
    changed = api.get(url, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["etag"] == tag) == (200, False)


def test_evidence_of_an_unseen_record_is_a_skeleton(api: httpx.Client, service: FakeService) -> None:
    item = {"commitment": "ab" * 32, "credit": 5, "debit": 0, "previous": None}
    api.post(f"/v1/ledgers/{LEDGER}/commitments", json={"commitments": [item]})
    service.anchor()
    answer = api.get(f"/v1/records/{'ab' * 32}/evidence")
    assert answer.headers["content-type"] == SKELETON
    assert answer.json()["pairs"] == []


def test_verdict_is_told_step_by_step(
    api: httpx.Client, service: FakeService, notarized: Callable[[Record], str]
) -> None:
    record_id = notarized(donation(1))
    service.anchor()
    data = api.get(f"/v1/records/{record_id}/evidence").content
    verdict = api.post("/v1/verify", content=data).json()
    assert (verdict["verdict"], verdict["exitCode"]) == ("valid", 0)
    assert [step["number"] for step in verdict["steps"]] == list(range(1, 11))
    assert verdict["facts"]["commitment"] == record_id


# --- evidence of a whole ledger ------------------------------------------------------------------------------------


def _lines(api: httpx.Client, **query: str | int) -> list[Evidence]:
    answer = api.get(f"/v1/ledgers/{LEDGER}/evidence", params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    return [Evidence.parse(line) for line in answer.content.splitlines()]


def test_evidence_of_a_ledger_is_a_line_an_entry_and_goes_on_after_any(
    api: httpx.Client, service: FakeService, notarized: Callable[[Record], str]
) -> None:
    ids = {notarized(donation(number)) for number in range(3)}
    service.anchor()
    notarized(donation(9))  # not final
    found = _lines(api)
    assert [evidence.seq for evidence in found] == [0, 1, 2]
    assert {evidence.commitment().hex() for evidence in found} == ids
    assert {pair.path for pair in found[0].pairs if not pair.hidden} == set(DISCLOSED)
    assert [evidence.seq for evidence in _lines(api, after=0)] == [1, 2]
    assert [evidence.seq for evidence in _lines(api, after=0, limit=1)] == [1]
    assert _lines(api, after=2) == []
    assert _lines(api, disclose="all", proof=1)[0].proof is not None


def test_evidence_of_a_ledger_is_as_closed_as_that_of_a_record(
    api: httpx.Client, service: FakeService, notarized: Callable[[Record], str]
) -> None:
    notarized(donation(1))
    service.anchor()
    url = f"/v1/ledgers/{LEDGER}/evidence"
    problem(api.get(url, headers={"Authorization": ""}), 401, "access-denied")
    assert api.get(url, headers=bearer("reader")).status_code == 200
    problem(api.get(url, headers=bearer("reader"), params={"disclose": "all"}), 403, "forbidden")
    problem(api.get(url, headers=bearer("other")), 403, "forbidden")
    problem(api.get(url.replace("LUNCH", "OTHER")), 404, "not-found")
    problem(api.get(url, params={"disclose": "amount"}), 400, "malformed")
