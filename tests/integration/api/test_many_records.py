"""Many records from the SDK to evidence over the whole service, also over the queue."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.records import donation
from support.whole import Served

from chainsvc.client import Accepted, Client, Drained, WindowSize
from chainsvc.crypto.keys import SigningKey
from chainsvc.errors import RecordQueued, RecordRefused, ReferenceConflict

pytestmark = [pytest.mark.node, pytest.mark.database]

SIZE = WindowSize(300)
MODES = [(False, False), (True, False), (False, True), (True, True)]


@pytest.mark.parametrize(("private", "signed"), MODES)
def test_many_go_in_and_again_are_known(
    running: Served,
    store: Path,
    issuer_key: SigningKey,
    private: bool,  # noqa: FBT001 - parametrized
    signed: bool,  # noqa: FBT001 - parametrized
) -> None:
    name = running.station.open(signed=signed).name
    key = issuer_key if signed else None
    records = [donation(name, number) for number in range(1000)]
    with Client(
        running.url,
        running.key,
        private=private,
        store=store if private else None,
        signing_key=key,
        window=SIZE,
        queue=store.with_name("out.queue"),
    ) as client:
        outcomes = list(client.notarize_many(records))
        assert [o.reference for o in outcomes if isinstance(o, Accepted)] == [record.reference for record in records]
        for record in records:
            client.queue.add([record])
        assert client.drain() == Drained(known=1000)
        first, again = outcomes[0], client.queue.outcome(1)
        assert isinstance(first, Accepted)
        assert again == replace(first, again=True)
        evidence = client.wait(first, 30)
        network = running.station.parts.network
        assert client.verify(evidence, node=running.node, network=network).verdict == "valid"
    assert client_count(running, name) == 1000


def client_count(running: Served, name: str) -> int:
    with Client(running.url, running.key) as client:
        return client.ledger(name).entries


def test_refused_records_and_an_outage(running: Served, tmp_path: Path) -> None:
    name = running.station.open().name
    records = [donation(name, number) for number in range(700)]
    bad = replace(records[7], body={**records[7].body, "amount": "1"})
    queue = tmp_path / "out.queue"
    with Client("http://127.0.0.1:9", running.key, queue=queue, retry_s=0) as away:
        outcomes = list(away.notarize_many([*records[:7], bad, *records[8:]]))
        assert [type(outcome) for outcome in outcomes] == [*[RecordQueued] * 7, RecordRefused, *[RecordQueued] * 692]
    with Client(running.url, running.key, queue=queue, window=SIZE) as client:
        conflict = replace(records[8], issued_at="2026-01-01T00:00:00+08:00")
        client.notarize_chunk([conflict])
        drained = client.drain()
        assert (drained.accepted, drained.known, drained.refused, drained.left) == (698, 0, 1, 0)
        (letter,) = client.queue.refused()
        assert isinstance(letter.problem, ReferenceConflict)
        assert client.ledger(name).entries == 699
