"""From a notarized record to the message at a receiver, over the whole service."""

import time

import httpx
import pytest
from support.receiver import Came, Receiver, receiving, until
from support.records import corrected, donation
from support.whole import Served

from chainsvc.client import Client, Endpoint, WebhookMessage
from chainsvc.errors import AddressRefused

pytestmark = [pytest.mark.node, pytest.mark.database]


def of_type(receiver: Receiver, endpoint: Endpoint, event: str) -> list[WebhookMessage]:
    """Every message of a type that came, verified."""

    def read(came: Came) -> WebhookMessage:
        return came.message(endpoint.secret or "")

    return [message for message in map(read, list(receiver.came)) if message.type == event]


def test_an_anchored_batch_arrives_and_leads_to_its_evidence(running: Served) -> None:
    with receiving() as receiver, Client(running.url, running.key) as client:
        endpoint = client.webhooks.add(receiver.url, ["batch.final", "records.final", "ledger.opened"])
        name = running.station.open().name
        accepted = [client.notarize(donation(name, number)) for number in range(3)]
        until(lambda: sum(m.data["count"] for m in of_type(receiver, endpoint, "batch.final")) == 3)
        until(lambda: sum(m.data["count"] for m in of_type(receiver, endpoint, "records.final")) == 3)
        (opened,) = of_type(receiver, endpoint, "ledger.opened")
        assert opened.data["ledger"] == name
        told = {batch.data["batch"]: batch.data for batch in of_type(receiver, endpoint, "batch.final")}
        assert {batch.index: batch.head and batch.head.hex() for batch in client.batches(name)} == {
            number: data["head"] for number, data in told.items()
        }
        headers = {"Authorization": f"Bearer {running.key}"}
        listed = [
            entry["id"]
            for data in told.values()
            for entry in httpx.get(running.url + data["entries"], headers=headers).json()["entries"]
        ]
        records = [one for m in of_type(receiver, endpoint, "records.final") for one in m.data["records"]]
        assert sorted(listed) == sorted(records) == sorted(one.id for one in accepted)
        assert client.evidence(records[0]).commitment().hex() == records[0]


def test_a_superseded_and_an_erased_record_are_told(running: Served) -> None:
    with receiving() as receiver, Client(running.url, running.key) as client:
        endpoint = client.webhooks.add(receiver.url, ["standing.final", "record.erased", "ledger.closed"])
        name = running.station.open().name
        first = client.notarize(donation(name, 1, fen=100))
        client.notarize(corrected(donation(name, 1, fen=100), first.commitment, 80))
        until(lambda: len(of_type(receiver, endpoint, "standing.final")) == 1)
        (change,) = of_type(receiver, endpoint, "standing.final")
        assert (change.data["record"], change.data["status"]) == (first.id, "superseded")
        client.erase(first, "当事人申请")
        client.close_ledger(name)
        until(lambda: len(of_type(receiver, endpoint, "ledger.closed")) == 1)
        (erased,) = of_type(receiver, endpoint, "record.erased")
        assert erased.data["record"] == first.id
        assert not any("当事人".encode() in came.body for came in receiver.came)


def test_a_test_message_tells_the_receivers_answer(running: Served) -> None:
    with receiving() as receiver, Client(running.url, running.key) as client:
        endpoint = client.webhooks.add(receiver.url, ["batch.final"], scheme="v1a")
        sent = client.webhooks.test(endpoint.id)
        until(lambda: client.webhooks.delivery(endpoint.id, sent.id).state == "delivered")
        (message,) = of_type(receiver, endpoint, "webhook.test")
        assert (message.message_id, message.data) == (sent.id, {})
        assert abs(time.time() - message.sent_at) < 300
        assert client.webhooks.replay(endpoint.id, sent.id).state == "pending"
        receiver.wait_for(2)
        until(lambda: client.webhooks.delivery(endpoint.id, sent.id).state == "delivered")
        assert [one.id for one in client.webhooks.deliveries(endpoint.id)] == [sent.id]
        assert client.webhooks.replay_since(endpoint.id, message.sent_at - 100, delivered=True) == 1
        receiver.wait_for(3)
        rotated = client.webhooks.rotate(endpoint.id)
        assert client.webhooks.list() == (client.webhooks.get(rotated.id),)
        client.webhooks.remove(endpoint.id)
        assert client.webhooks.list() == ()


def test_a_private_address_is_refused_when_it_is_named(running: Served) -> None:
    with Client(running.url, running.key) as client:
        for url in ("https://10.0.0.1/", "https://[::1]/", "https://2852039166/", "ftp://127.0.0.1/"):
            with pytest.raises(AddressRefused):
                client.webhooks.add(url, ["batch.final"])
        assert client.webhooks.list() == ()
