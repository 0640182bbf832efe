"""Webhooks through the SDK, blocking and asynchronous, over the real API of the fake service."""

import asyncio

import pytest
from support.fake_service import FakeService
from support.paper_evidence import LEDGER, USCC

from chainsvc.client import AsyncClient, Client, Endpoint
from chainsvc.errors import AddressRefused, Conflict, NotFound

KEY = "csk_full_secret"
URL = "https://foundation.example.org/hook"


def test_an_endpoint_is_added_found_and_removed(client: Client) -> None:
    made = client.webhooks.add(URL, ["batch.final", "record.erased"], ledger=LEDGER, description="账务")
    assert made.secret is not None
    assert made.secret.startswith("whsec_")
    shown = client.webhooks.get(made.id)
    assert (shown.url, shown.events, shown.ledger, shown.secret) == (
        URL,
        ("batch.final", "record.erased"),
        LEDGER,
        None,
    )
    assert client.webhooks.list() == (shown,)
    rotated = client.webhooks.rotate(made.id)
    assert rotated.secret not in (None, made.secret)
    assert rotated.old_secret_until is not None
    client.webhooks.remove(made.id)
    with pytest.raises(NotFound):
        client.webhooks.get(made.id)


def test_a_refused_address_is_told_as_such(client: Client) -> None:
    with pytest.raises(AddressRefused) as refusal:
        client.webhooks.add("http://example.org/", ["batch.final"])
    assert refusal.value.where == "/url"


def test_deliveries_come_page_by_page_and_are_replayed(client: Client, service: FakeService) -> None:
    made = client.webhooks.add(URL, ["batch.final"], scheme="v1a")
    sent = [client.webhooks.test(made.id).id for _ in range(103)]
    assert [one.id for one in client.webhooks.deliveries(made.id)] == sent[::-1]
    assert list(client.webhooks.deliveries(made.id, state="dead")) == []
    assert client.webhooks.delivery(made.id, sent[0]).state == "delivered"
    assert client.webhooks.replay(made.id, sent[0]).state == "pending"
    assert client.webhooks.replay_since(made.id, 0) == 0
    assert client.webhooks.replay_since(made.id, 0, delivered=True) == 103
    service.webhooks.disable(USCC, made.id)
    with pytest.raises(Conflict, match="disabled"):
        client.webhooks.test(made.id)
    assert client.webhooks.enable(made.id).disabled_at is None


def test_an_id_of_another_form_stays_in_its_place(client: Client) -> None:
    for odd in ("../ledgers", "a/b", "?x=1", "a b"):
        with pytest.raises(NotFound):
            client.webhooks.get(odd)


def test_the_asynchronous_client_has_the_same_verbs(url: str) -> None:
    async def walk() -> Endpoint:
        async with AsyncClient(url, KEY, retry_s=0) as client:
            hooks = client.webhooks
            made = await hooks.add(URL, ["batch.final"])
            assert await hooks.list() == (await hooks.get(made.id),)
            sent = await hooks.test(made.id)
            assert [one.id async for one in hooks.deliveries(made.id)] == [sent.id]
            assert (await hooks.delivery(made.id, sent.id)).state == "delivered"
            assert (await hooks.replay(made.id, sent.id)).state == "pending"
            assert await hooks.replay_since(made.id, 0, delivered=True) == 1
            assert (await hooks.rotate(made.id)).secret != made.secret
            await hooks.enable(made.id)
            await hooks.remove(made.id)
            assert await hooks.list() == ()
            return made

    assert asyncio.run(walk()).url == URL
