from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from support.api_checks import bearer, problem
from support.fake_service import FakeService
from support.paper_evidence import ISSUER_KEY, LEDGER, SERVICE_KEY, USCC, donation

from chainsvc import jcs
from chainsvc.client.answers import Accepted
from chainsvc.commitment import commit, derive_salts
from chainsvc.crypto.suites import SHA256
from chainsvc.receipt import sign_submission
from chainsvc.record import Record

RECORDS = f"/v1/ledgers/{LEDGER}/records"


def send(api: httpx.Client, record: Record) -> httpx.Response:
    return api.post(RECORDS, content=jcs.dumps(record.to_json()))


def chunk(api: httpx.Client, records: list[Any], **more: Any) -> httpx.Response:
    body = {"records": [r.to_json() if isinstance(r, Record) else r for r in records], **more}
    return api.post(RECORDS, json=body)


def test_new_record_is_created_with_a_receipt_that_verifies(api: httpx.Client, service: FakeService) -> None:
    answer = send(api, donation(1))
    assert answer.status_code == 201
    accepted = Accepted.from_json(answer.json())
    assert answer.headers["location"] == f"/v1/records/{accepted.id}"
    assert (accepted.reference, accepted.revision, accepted.again) == ("D-1", 0, False)
    assert accepted.receipt.pubkey == SERVICE_KEY.public
    assert accepted.receipt.verifies(service.books[LEDGER].id, accepted.commitment)


def test_same_record_again_gets_its_first_receipt(api: httpx.Client, service: FakeService) -> None:
    first, again = send(api, donation(1)), send(api, donation(1))
    assert again.status_code == 200
    assert again.json() == {**first.json(), "again": True}
    assert len(service.books[LEDGER].entries) == 1


def test_member_order_and_whitespace_do_not_matter(api: httpx.Client) -> None:
    send(api, donation(1))
    assert api.post(RECORDS, json=dict(reversed(donation(1).to_json().items()))).json()["again"] is True


def test_chunk_takes_good_records_and_returns_the_bad_ones_in_place(api: httpx.Client, service: FakeService) -> None:
    bad = replace(donation(2), body={**donation(2).body, "amount": "100"})
    answer = chunk(api, [donation(1), bad, {"schema": 1}, donation(1), donation(3)])
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [r["problem"]["code"] if "problem" in r else r["again"] for r in results] == [
        False,
        "record-refused",
        "malformed",
        True,
        False,
    ]
    assert results[1]["problem"]["where"] == "/body/amount"
    assert len(service.books[LEDGER].entries) == 2


def test_seed_of_the_sender_makes_the_commitment(api: httpx.Client) -> None:
    seed, record = b"\x05" * 32, donation(1)
    pairs = record.flatten()
    (result,) = chunk(api, [record], seeds=[seed.hex()]).json()["results"]
    assert result["id"] == commit(SHA256, pairs, derive_salts(SHA256, seed, len(pairs))).hex()


def test_chunk_refuses_more_than_its_limit(api: httpx.Client, service: FakeService) -> None:
    told = problem(chunk(api, [donation(i) for i in range(51)]), 400, "malformed")
    assert (told["expected"], told["got"], told["where"]) == ("1 to 50", "51", "/records")
    assert not service.books[LEDGER].entries


def test_chunk_refuses_seeds_for_other_records(api: httpx.Client) -> None:
    assert problem(chunk(api, [donation(1)], seeds=[]), 400, "malformed")["where"] == "/seeds"


def test_chunk_refuses_unknown_members(api: httpx.Client) -> None:
    problem(chunk(api, [donation(1)], note="x"), 400, "malformed")


def test_record_of_another_ledger_is_refused(api: httpx.Client) -> None:
    told = problem(send(api, replace(donation(1), ledger=LEDGER + "-2")), 400, "malformed")
    assert (told["where"], told["expected"], told["got"]) == ("/ledger", LEDGER, LEDGER + "-2")


def test_status_is_found_by_id_and_by_reference(api: httpx.Client, notarized: Callable[[Record], str]) -> None:
    record_id = notarized(donation(1))
    by_id = api.get(f"/v1/records/{record_id}").json()
    assert by_id == api.get(RECORDS, params={"reference": "D-1"}).json()
    assert by_id == api.get(RECORDS, params={"reference": "D-1", "revision": 0}).json()
    assert (by_id["state"], by_id["seq"], by_id["standing"], by_id["private"]) == ("accepted", None, "current", False)
    problem(api.get(RECORDS, params={"reference": "D-1", "revision": 1}), 404, "not-found")


def test_record_itself_is_shown_only_when_asked_for(api: httpx.Client, notarized: Callable[[Record], str]) -> None:
    record_id = notarized(donation(1))
    assert "record" not in api.get(f"/v1/records/{record_id}").json()
    assert api.get(f"/v1/records/{record_id}?record=true").json()["record"] == donation(1).to_json()
    problem(api.get(f"/v1/records/{record_id}?record=true", headers=bearer("reader")), 403, "forbidden")
    problem(api.get(f"{RECORDS}?reference=D-1&record=true", headers=bearer("reader")), 403, "forbidden")


def test_commitments_alone_are_notarized_once(api: httpx.Client, service: FakeService) -> None:
    item = {"commitment": "ab" * 32, "credit": 5, "debit": 0, "previous": None}
    first = api.post(f"/v1/ledgers/{LEDGER}/commitments", json={"commitments": [item]}).json()["results"]
    again = api.post(f"/v1/ledgers/{LEDGER}/commitments", json={"commitments": [item], "submission": None}).json()
    assert again["results"] == [{**first[0], "again": True}]
    assert first[0]["reference"] is None
    assert service.books[LEDGER].totals().credit == 5
    assert api.get(f"/v1/records/{'ab' * 32}").json()["private"] is True


def test_commitment_with_a_wrong_member_names_its_place(api: httpx.Client, service: FakeService) -> None:
    item = {"commitment": "ab" * 32, "credit": -1, "debit": 0, "previous": None}
    answer = api.post(f"/v1/ledgers/{LEDGER}/commitments", json={"commitments": [item]})
    assert problem(answer, 400, "malformed")["where"] == "/commitments/0/credit"
    assert not service.books[LEDGER].entries


def test_receipt_comes_with_the_ledger_id_it_is_signed_for(
    api: httpx.Client, service: FakeService, notarized: Callable[[Record], str]
) -> None:
    record_id = notarized(donation(1))
    file = api.get(f"/v1/records/{record_id}/receipt").json()
    assert (file["id"], file["ledger"], file["ledger_id"]) == (record_id, LEDGER, service.books[LEDGER].id.hex())
    assert file["receipt"] == send(api, donation(1)).json()["receipt"]


def test_erasure_keeps_the_entry_and_forgets_the_record(
    api: httpx.Client, service: FakeService, notarized: Callable[[Record], str]
) -> None:
    record_id = notarized(donation(1))
    service.anchor()
    first = api.request("DELETE", f"/v1/records/{record_id}", json={"reason": "当事人申请"})
    assert (first.status_code, first.json()["reason"], first.json()["erased_by"]) == (200, "当事人申请", "full")
    service.now += 100
    again = api.request("DELETE", f"/v1/records/{record_id}", json={"reason": "another"})
    assert again.json() == first.json()
    status = api.get(f"/v1/records/{record_id}").json()
    assert (status["erased"], status["reference"], status["state"]) == (True, None, "final")
    problem(api.get(f"/v1/records/{record_id}/evidence"), 410, "record-erased")


def test_erasure_needs_a_reason(api: httpx.Client, service: FakeService, notarized: Callable[[Record], str]) -> None:
    record_id = notarized(donation(1))
    answer = api.request("DELETE", f"/v1/records/{record_id}", json={"reason": " "})
    assert problem(answer, 422, "input-refused")["where"] == "/reason"
    assert service.books[LEDGER].entries[0].record is not None


def test_unknown_record_is_not_found(api: httpx.Client) -> None:
    assert problem(api.get(f"/v1/records/{'00' * 32}"), 404, "not-found")["got"] == "00" * 32
    assert problem(api.get("/v1/records/xyz"), 400, "malformed")["where"] == "record_id"


@pytest.fixture
def signed(service: FakeService) -> str:
    name = LEDGER + "-SIGNED"
    service.open_ledger(name, SHA256, signed=True)
    service.issuer_keys[USCC] = ISSUER_KEY.public
    return name


def signed_chunk(service: FakeService, name: str, *records: Record) -> dict[str, Any]:
    seeds = [bytes([number]) * 32 for number in range(len(records))]
    flat = [record.flatten() for record in records]
    commitments = [
        commit(SHA256, pairs, derive_salts(SHA256, seed, len(pairs))) for pairs, seed in zip(flat, seeds, strict=True)
    ]
    submission = sign_submission(ISSUER_KEY, service.books[name].id, commitments)
    return {
        "records": [record.to_json() for record in records],
        "seeds": [seed.hex() for seed in seeds],
        "submission": submission.to_json(),
    }


def test_signed_chunk_goes_in_whole(api: httpx.Client, service: FakeService, signed: str) -> None:
    body = signed_chunk(service, signed, donation(1, ledger=signed), donation(2, ledger=signed))
    results = api.post(f"/v1/ledgers/{signed}/records", json=body).json()["results"]
    assert [result["again"] for result in results] == [False, False]


def test_signed_chunk_with_a_bad_record_is_refused_whole_with_its_place(
    api: httpx.Client, service: FakeService, signed: str
) -> None:
    body = signed_chunk(service, signed, donation(1, ledger=signed), donation(2, ledger=signed))
    body["records"][1]["more"] = 1
    told = problem(api.post(f"/v1/ledgers/{signed}/records", json=body), 400, "malformed")
    assert told["where"] == "/records/1/more"
    assert not service.books[signed].entries


def test_signed_chunk_tells_what_can_go_in(api: httpx.Client, service: FakeService, signed: str) -> None:
    url = f"/v1/ledgers/{signed}/records"
    first = api.post(url, json=signed_chunk(service, signed, donation(1, ledger=signed))).json()["results"]
    body = signed_chunk(service, signed, donation(2, ledger=signed), donation(1, ledger=signed))
    told = problem(api.post(url, json=body), 409, "chunk-mixed")
    assert told["results"] == [None, {**first[0], "again": True}]
    assert len(service.books[signed].entries) == 1


@pytest.mark.parametrize("change", [{"n": 3}, {"index": 1}, {"signature": "00" * 64}, {"pubkey": "00" * 32}])
def test_wrong_submission_is_refused(
    api: httpx.Client, service: FakeService, signed: str, change: dict[str, Any]
) -> None:
    body = signed_chunk(service, signed, donation(1, ledger=signed), donation(2, ledger=signed))
    body["submission"] |= change
    answer = api.post(f"/v1/ledgers/{signed}/records", json=body)
    assert (answer.status_code, answer.json()["where"]) in {(400, "/submission"), (422, "/submission")}
    assert not service.books[signed].entries


def test_signed_ledger_takes_no_unsigned_record(api: httpx.Client, service: FakeService, signed: str) -> None:
    answer = api.post(f"/v1/ledgers/{signed}/records", json=donation(1, ledger=signed).to_json())
    problem(answer, 422, "signature-refused")
    assert not service.books[signed].entries
