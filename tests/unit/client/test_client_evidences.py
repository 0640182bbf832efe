"""Evidence of a whole ledger: page by page, private records completed by their holder."""

import asyncio

import pytest
from support.fake_service import FakeService
from support.paper_evidence import LEDGER, donation

from chainsvc.client import AsyncClient, Client, calls
from chainsvc.evidence import Evidence

KEY = "csk_full_secret"


@pytest.fixture(params=[1, 2, 100])
def _paged(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "EVIDENCE_PAGE", request.param)


@pytest.mark.usefixtures("_paged")
def test_every_final_entry_comes_once_in_order(client: Client, service: FakeService) -> None:
    assert list(client.evidences(LEDGER)) == []
    ids = {client.notarize(donation(number)).commitment for number in range(5)}
    service.anchor()
    found = list(client.evidences(LEDGER, disclose=["/body/amount", "/body/not-there"]))
    assert [evidence.seq for evidence in found] == [0, 1, 2, 3, 4]
    assert {evidence.commitment() for evidence in found} == ids
    assert all("/body/amount" in evidence.shown for evidence in found)
    assert [evidence.seq for evidence in client.evidences(LEDGER, after=2)] == [3, 4]


@pytest.mark.usefixtures("_paged")
def test_an_erased_record_is_left_out(client: Client, service: FakeService) -> None:
    accepted = [client.notarize(donation(number)) for number in range(3)]
    service.anchor()
    client.erase(accepted[1], "asked for")
    assert len(list(client.evidences(LEDGER, disclose="all"))) == 2


def test_all_files_are_proven_for_one_checkpoint(client: Client, service: FakeService) -> None:
    client.notarize(donation(1))
    service.anchor()
    client.checkpoint()
    (evidence,) = client.evidences(LEDGER, proof=True)
    assert evidence.proof is not None


def test_holder_completes_private_records_and_nobody_else(private: Client, url: str, service: FakeService) -> None:
    accepted = private.notarize(donation(1))
    service.anchor()
    (shown,) = private.evidences(LEDGER, disclose=["/body/amount"])
    (whole,) = private.evidences(LEDGER, disclose="all")
    assert shown.commitment() == whole.commitment() == accepted.commitment
    assert whole.disclose(["/body/amount"]) == shown
    with Client(url, KEY) as other:
        assert list(other.evidences(LEDGER)) == []


def test_the_asynchronous_client_gives_the_same(client: Client, url: str, service: FakeService) -> None:
    client.notarize(donation(1))
    service.anchor()

    async def fetched() -> list[Evidence]:
        async with AsyncClient(url, KEY) as asynchronous:
            return [evidence async for evidence in asynchronous.evidences(LEDGER)]

    assert asyncio.run(fetched()) == list(client.evidences(LEDGER))
