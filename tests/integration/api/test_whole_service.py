"""From the SDK to a verdict over the whole service, in every way of handing over."""

import time
from pathlib import Path

import httpx
import pytest
from support.records import disbursement, donation
from support.whole import Served

from chainsvc.client import Accepted, Client
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.suites import SHA256, SM3, Suite
from chainsvc.errors import NotFound, PolicyRefused, RecordErased, ReferenceConflict
from chainsvc.evidence import Evidence

pytestmark = [pytest.mark.node, pytest.mark.database]


def check_verdicts(client: Client, running: Served, evidence: Evidence) -> None:
    """A node of one's own, a checkpoint and the service say the same."""
    network = running.station.parts.network
    assert client.verify(evidence, node=running.node, network=network).verdict == "valid"
    proven = client.wait(evidence.commitment(), 20, proof=True)
    checkpoint = client.checkpoint(new=False)
    assert client.verify(proven, checkpoint=checkpoint, network=network).verdict == "valid"
    answer = httpx.post(f"{running.url}/v1/verify", content=evidence.to_bytes())
    assert answer.json()["verdict"] == "valid"


@pytest.mark.parametrize("suite", [SHA256, SM3])
def test_custody(running: Served, suite: Suite) -> None:
    name = running.station.open(suite=suite).name
    with Client(running.url, running.key, network=running.station.parts.network) as client:
        accepted = [client.notarize(donation(name, number)) for number in range(3)]
        assert client.notarize(donation(name, 0)).receipt == accepted[0].receipt
        evidence = client.wait(accepted[0], 20, disclose=["/body/amount"])
        client.checkpoint()
        check_verdicts(client, running, evidence)
        assert client.find(name, donation(name, 1).reference).id == accepted[1].id
        assert {entry.id for entry in client.entries(name)} == {a.id for a in accepted}
        assert sum(batch.count for batch in client.batches(name)) == 3


@pytest.mark.parametrize("signed", [False, True])
def test_private_mode(running: Served, store: Path, issuer_key: SigningKey, signed: bool) -> None:  # noqa: FBT001 - parametrized
    name = running.station.open(signed=signed).name
    key = issuer_key if signed else None
    with Client(running.url, running.key, private=True, store=store, signing_key=key) as client:
        outcomes = client.notarize_chunk([donation(name, number) for number in range(3)])
        again = client.notarize_chunk([donation(name, number) for number in range(5)])
        assert [o.again for o in again if isinstance(o, Accepted)] == [True, True, True, False, False]
        assert isinstance(outcomes[0], Accepted)
        evidence = client.wait(outcomes[0], 20, disclose=["/body/donor"])
        client.checkpoint()
        check_verdicts(client, running, evidence)
        assert (evidence.submission is not None) is signed
        status = client.find(name, donation(name, 0).reference)
        assert (status.private, status.state) == (True, "final")
        client.erase(outcomes[0], "当事人申请")
        with pytest.raises(NotFound, match="only the holder"):
            client.evidence(outcomes[0])
        status = client.status(outcomes[0])
        assert (status.private, status.erased) == (True, True)


def test_signed_ledger_in_custody(running: Served, issuer_key: SigningKey) -> None:
    name = running.station.open(signed=True).name
    with Client(running.url, running.key, signing_key=issuer_key) as client:
        first = client.notarize_chunk([donation(name, number) for number in (1, 3)])
        outcomes = client.notarize_chunk(
            [
                donation(name, 0),
                donation(name, 1),
                donation(name, 3, fen=7),
                disbursement(name, 1, 10**9),
                donation(name, 4),
            ]
        )
        assert [type(o) for o in outcomes] == [Accepted, Accepted, ReferenceConflict, PolicyRefused, Accepted]
        assert isinstance(first[0], Accepted)
        assert isinstance(outcomes[1], Accepted)
        assert outcomes[1].receipt == first[0].receipt
        assert isinstance(outcomes[4], Accepted)
        evidence = client.wait(outcomes[4], 20)
        assert evidence.submission is not None
        client.checkpoint()
        check_verdicts(client, running, evidence)


def test_change_of_standing_reaches_the_verdict(running: Served) -> None:
    name = running.station.open().name
    with Client(running.url, running.key) as client:
        target, cause = client.notarize(donation(name, 1)), client.notarize(donation(name, 2))
        client.wait(cause, 20)
        client.change_standing(target, "revoked", cause)
        evidence = wait_for_standing(client, target, "revoked")
        verdict = client.verify(evidence, node=running.node, network=running.station.parts.network)
        assert verdict.verdict == "revoked"


def wait_for_standing(client: Client, target: Accepted, label: str) -> Evidence:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if client.standing(target).standing.label == label:
            return client.evidence(target)
        time.sleep(0.05)
    raise AssertionError(f"not {label}: {client.standing(target)}")


def test_erased_record_is_gone_and_its_ledger_stays(running: Served, tmp_path: Path) -> None:
    name = running.station.open().name
    with Client(running.url, running.key) as client:
        accepted = client.notarize(donation(name, 1))
        client.wait(accepted, 20)
        client.erase(accepted, "当事人申请")
        with pytest.raises(RecordErased):
            client.evidence(accepted)
        with pytest.raises(NotFound):
            client.find(name, donation(name, 1).reference)
        client.export(name, tmp_path / "export.ndjson", disclose=True)
        assert donation(name, 1).reference.encode() not in (tmp_path / "export.ndjson").read_bytes()
        assert client.ledger(name).anchored_entries == 1
