from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.fake_service import FakeService
from support.paper_chain import PaperNode
from support.paper_evidence import LEDGER, SERVICE_KEY, USCC, corrected, donation
from support.served import Server

from chainsvc.api.app import create_app
from chainsvc.api.limits import Limits
from chainsvc.client import Accepted, Client
from chainsvc.client.bulk.windows import WindowSize
from chainsvc.client.handover import LARGEST_CHUNK
from chainsvc.crypto.keys import SigningKey
from chainsvc.errors import (
    ChainsvcError,
    Forbidden,
    MalformedInput,
    NetworkMismatch,
    NotFound,
    NotReady,
    RecordRefused,
    ReferenceConflict,
    SignatureRefused,
)
from chainsvc.record import DISCLOSED, Record
from chainsvc.verify.verdict import Outcome

KEY = "csk_full_secret"


def test_record_goes_from_notarizing_to_a_valid_verdict(client: Client, service: FakeService) -> None:
    accepted = client.notarize(donation(1))
    assert accepted.receipt.verifies(service.books[LEDGER].id, accepted.commitment)
    service.anchor()
    evidence = client.wait(accepted, 5)
    verdict = client.verify(evidence, node=PaperNode(service.chain), network=service.chain.network)
    assert verdict.verdict == "valid"
    assert {pair.path for pair in evidence.pairs if not pair.hidden} == set(DISCLOSED)


def test_record_may_be_plain_json(client: Client) -> None:
    assert client.notarize(donation(1).to_json()).again is False
    assert client.notarize(donation(1)).again is True


@pytest.mark.parametrize(
    ("record", "error", "where"),
    [
        (replace(donation(1), body={**donation(1).body, "amount": "1"}), RecordRefused, "/body/amount"),
        (donation(1, 7), ReferenceConflict, "/reference"),
        (replace(donation(2), ledger=LEDGER + "-X"), NotFound, None),
        (replace(donation(2), body={**donation(2).body, "method": "\ud800"}), MalformedInput, None),
        (replace(donation(2), body={**donation(2).body, "amount": 1.5}), MalformedInput, "/body/amount"),
    ],
)
def test_refusal_is_the_same_error_as_inside_the_service(
    client: Client, record: Record, error: type[ChainsvcError], where: str | None
) -> None:
    client.notarize(donation(1))
    with pytest.raises(error) as refused:
        client.notarize(record)
    assert type(refused.value) is error
    assert where is None or refused.value.where == where


def test_refused_record_tells_every_wrong_place(client: Client) -> None:
    bad = replace(donation(1), body={**donation(1).body, "amount": "1", "date": "2026-02-30"})
    with pytest.raises(RecordRefused) as refused:
        client.notarize(bad)
    assert {problem.pointer for problem in refused.value.problems} >= {"/body/amount", "/body/date"}


def test_many_records_of_several_ledgers_are_answered_in_order(client: Client, service: FakeService) -> None:
    other = f"charity/{USCC}/OTHER"
    service.open_ledger(other, service.books[LEDGER].suite, signed=False)
    records: list[Record | dict[str, int]] = [donation(number) for number in range(LARGEST_CHUNK + 10)]
    records[3] = replace(donation(3), ledger=other)
    records[5] = {"no": 1}
    records[7] = replace(donation(7), ledger=LEDGER + "-X")
    outcomes = list(client.notarize_many(records))
    assert len(outcomes) == len(records)
    assert [type(outcome).__name__ for outcome in outcomes[:9]] == [
        *["Accepted"] * 5,
        "MalformedInput",
        "Accepted",
        "NotFound",
        "Accepted",
    ]
    references = [outcome.reference for outcome in outcomes if isinstance(outcome, Accepted)]
    assert references == [f"D-{number}" for number in range(len(records)) if number not in {5, 7}]
    assert len(service.books[other].entries) == 1


def test_many_records_are_read_two_windows_ahead_at_most(url: str) -> None:
    read = []

    def source() -> Iterator[Record]:
        for number in range(90):
            read.append(number)
            yield donation(number)

    with Client(url, KEY, window=WindowSize(20)) as client:
        outcomes = client.notarize_many(source())
        next(outcomes)
        assert len(read) <= 40
        assert len(list(outcomes)) == 89


def test_chunk_with_too_many_bytes_goes_in_parts(server: Server, service: FakeService) -> None:
    server.app = create_app(service, Limits(largest_body_bytes=10_000))
    records = [replace(donation(n), body={**donation(n).body, "remark": "x" * 500}) for n in range(40)]
    with Client(server.url, KEY) as client:
        assert all(isinstance(outcome, Accepted) for outcome in client.notarize_chunk(records))
    assert [kept.record for kept in service.books[LEDGER].entries] == records


def test_correction_is_a_next_revision(client: Client) -> None:
    first = client.notarize(donation(1))
    second = client.notarize(corrected(donation(1), first.commitment, 80))
    assert second.revision == 1
    assert client.find(LEDGER, "D-1").id == second.id
    assert client.find(LEDGER, "D-1", 0).id == first.id


def test_status_follows_the_record(client: Client, service: FakeService) -> None:
    accepted = client.notarize(donation(1))
    assert client.status(accepted).state == "accepted"
    service.anchor()
    assert (client.status(accepted.id).state, client.status(accepted.commitment).seq) == ("final", 0)
    assert client.status(accepted, with_record=True).record == donation(1).to_json()
    with pytest.raises(NotFound):
        client.status("00" * 32)
    with pytest.raises(MalformedInput):
        client.status("D-1")


def test_waiting_ends_in_time_and_says_until_when_it_is_promised(client: Client) -> None:
    accepted = client.notarize(donation(1))
    with pytest.raises(NotReady) as late:
        client.wait(accepted, 0.2)
    assert late.value.got == "accepted"
    assert str(accepted.receipt.anchor_by) in str(late.value)


def test_receipt_of_another_ledger_is_not_taken(
    client: Client, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.ledger(LEDGER)
    monkeypatch.setattr(type(service.books[LEDGER]), "id", property(lambda _: b"\x01" * 32))
    with pytest.raises(SignatureRefused, match="does not verify for this ledger"):
        client.notarize(donation(1))


def test_receipt_by_another_key_than_the_pinned_is_not_taken(url: str) -> None:
    pinned = SigningKey.generate().public
    with Client(url, KEY, receipt_keys=[SERVICE_KEY.public]) as client:
        client.notarize(donation(1))
    with Client(url, KEY, receipt_keys=[pinned]) as client, pytest.raises(SignatureRefused, match="unknown key"):
        client.notarize(donation(1))


def test_ledger_of_another_network_than_the_pinned_is_refused(url: str, service: FakeService) -> None:
    other = replace(service.chain.network, network_id=b"\x09" * 32)
    with Client(url, KEY, network=other) as client, pytest.raises(NetworkMismatch):
        client.notarize(donation(1))
    assert not service.books[LEDGER].entries
    with Client(url, KEY, network=service.chain.network) as client:
        assert client.notarize(donation(1))


def test_verdict_says_when_the_descriptor_came_from_the_service(client: Client, service: FakeService) -> None:
    accepted = client.notarize(donation(1))
    service.anchor()
    evidence = client.wait(accepted, 5, proof=True)
    checkpoint = client.checkpoint()
    told, pinned = (
        client.verify(evidence, checkpoint=checkpoint, network=network) for network in (None, service.chain.network)
    )
    assert told.verdict == pinned.verdict == "valid"
    assert told.facts is not None
    assert pinned.facts is not None
    assert {w.en for w in told.facts.not_proven} - {w.en for w in pinned.facts.not_proven} == {
        "that the network is the right one: its descriptor was taken from the service itself, on first use"
    }


def test_verifying_without_a_node_or_a_checkpoint_is_undetermined(client: Client, service: FakeService) -> None:
    accepted = client.notarize(donation(1))
    service.anchor()
    verdict = client.verify(client.wait(accepted, 5))
    assert verdict.verdict == "undetermined"
    assert verdict.step(5).outcome is Outcome.NOT_CHECKED
    with pytest.raises(ValueError, match="not both"):
        client.verify(b"{}", node=PaperNode(service.chain), checkpoint=client.checkpoint())


def test_ledgers_entries_batches_and_export(client: Client, service: FakeService, tmp_path: Path) -> None:
    name = f"charity/{USCC}/NEW"
    facts = client.open_ledger(name)
    assert client.ledger(name) == facts
    assert name in {ledger.name for ledger in client.ledgers()}
    accepted = [client.notarize(donation(number, ledger=name)) for number in range(3)]
    service.anchor()
    assert [entry.id for entry in client.entries(name)] == [a.id for a in accepted]
    assert [batch.count for batch in client.batches(name)] == [3]
    file = tmp_path / "export.ndjson"
    client.export(name, file)
    assert len(file.read_bytes().splitlines()) == 4
    with pytest.raises(NotFound):
        client.export(name + "-X", file)
    assert len(file.read_bytes().splitlines()) == 4
    assert list(tmp_path.iterdir()) == [file]
    assert client.close_ledger(name).closed


def test_standing_receipt_and_erasure(client: Client, service: FakeService) -> None:
    target, cause = client.notarize(donation(1)), client.notarize(donation(2))
    change = client.change_standing(target, "revoked", cause)
    assert client.standing(target).changes == (change,)
    ledger_id, receipt = client.receipt(target)
    assert (ledger_id, receipt) == (service.books[LEDGER].id, target.receipt)
    assert client.erase(target, "当事人申请").reason == "当事人申请"
    assert client.status(target).erased


def test_another_organizations_key_is_refused_for_each_record(url: str, service: FakeService) -> None:
    service.add_key("csk_other_secret", "91350211M000100Y43", "notarize")
    with Client(url, "csk_other_secret") as client:
        (outcome,) = client.notarize_many([donation(1)])
    assert isinstance(outcome, Forbidden)


def test_client_never_shows_its_key(url: str) -> None:
    with Client(url, "csk_full_secret") as client:
        assert "secret" not in repr(client) + str(vars(client))
