"""Private mode: what leaves the holder, and what only the holder can make."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.fake_service import FakeService
from support.paper_chain import PaperNode
from support.paper_evidence import LEDGER, USCC, donation

from chainsvc.client import Accepted, Client, PrivateStore
from chainsvc.errors import MalformedInput, NotFound, RecordRefused, ReferenceConflict, SignatureRefused

KEY = "csk_full_secret"
SIGNED = f"charity/{USCC}/SIGNED"


class Watching(httpx.HTTPTransport):
    """Sends on, and remembers all that was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.sent += str(request.url).encode() + request.read()
        return super().handle_request(request)


def test_record_reference_and_seed_never_leave(url: str, tmp_path: Path) -> None:
    watching = Watching()
    path = tmp_path / "store.db"
    with Client(url, KEY, private=True, store=path, transport=watching) as client:
        accepted = client.notarize(donation(1))
        client.find(LEDGER, "D-1")
        client.status(accepted)
    assert accepted.commitment.hex().encode() in watching.sent
    for hidden in (b"D-1", "某先生".encode(), b"donor", b"seed"):
        assert hidden not in watching.sent
    with PrivateStore(path) as store:
        stored = store.get(accepted.commitment)
    assert stored is not None
    assert stored.seed not in watching.sent
    assert stored.seed.hex().encode() not in watching.sent


def test_holder_completes_and_discloses_evidence(private: Client, service: FakeService) -> None:
    accepted = private.notarize(donation(1))
    assert (accepted.reference, accepted.revision) == ("D-1", 0)
    assert service.books[LEDGER].entries[0].record is None
    service.anchor()
    evidence = private.wait(accepted, 5, disclose=["/body/donor/name"])
    assert evidence.value("/body/donor/name") == "某先生"
    with pytest.raises(KeyError):
        evidence.value("/body/amount")
    whole = private.evidence(accepted, disclose="all")
    assert whole.disclose(["/body/donor/name"]) == evidence
    for made in (evidence, whole):
        assert private.verify(made, node=PaperNode(service.chain)).verdict == "valid"


def test_holder_completes_evidence_with_a_proof(private: Client, service: FakeService) -> None:
    accepted = private.notarize(donation(1))
    service.anchor()
    evidence = private.evidence(accepted, proof=True)
    assert private.verify(evidence, checkpoint=private.checkpoint()).verdict == "valid"


def test_nobody_else_can_make_the_evidence(private: Client, client: Client, service: FakeService) -> None:
    accepted = private.notarize(donation(1))
    service.anchor()
    with pytest.raises(NotFound, match="only the holder"):
        client.evidence(accepted)


def test_same_record_again_is_the_same_commitment_also_after_a_crash(url: str, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with PrivateStore(path) as store, Client(url, KEY) as open_client:
        facts = open_client.ledger(LEDGER)
        (kept,) = store.keep(facts.suite, [donation(1)])  # as if the client had died before sending
    ids = []
    for _ in range(2):
        with Client(url, KEY, private=True, store=path) as client:
            ids.append(client.notarize(donation(1)))
    assert not isinstance(kept, Exception)
    assert [(accepted.commitment, accepted.again) for accepted in ids] == [
        (kept.commitment, False),
        (kept.commitment, True),
    ]


def test_store_keeps_receipts_and_answers_by_reference(private: Client, tmp_path: Path) -> None:
    accepted = private.notarize(donation(1))
    status = private.find(LEDGER, "D-1", with_record=True)
    assert (status.id, status.reference, status.private) == (accepted.id, "D-1", True)
    assert status.record == donation(1).to_json()
    with pytest.raises(NotFound):
        private.find(LEDGER, "D-2")
    with PrivateStore(tmp_path / "private.db") as store:
        stored = store.get(accepted.commitment)
    assert stored is not None
    assert stored.receipt is not None
    assert accepted.receipt.signature.hex().encode() in stored.receipt


def test_other_content_is_refused_by_the_store(private: Client, service: FakeService) -> None:
    private.notarize(donation(1))
    with pytest.raises(ReferenceConflict, match="as revision 1"):
        private.notarize(donation(1, 7))
    assert len(service.books[LEDGER].entries) == 1


def test_record_that_nobody_else_can_check_is_checked_here(private: Client, service: FakeService) -> None:
    bad = replace(donation(2), body={**donation(2).body, "amount": "1"})
    outcomes = private.notarize_chunk([donation(1), bad, donation(3)])
    assert [type(outcome) for outcome in outcomes] == [Accepted, RecordRefused, Accepted]
    assert len(service.books[LEDGER].entries) == 2


def test_erasure_forgets_the_record_here_too(private: Client, tmp_path: Path) -> None:
    accepted = private.notarize(donation(1))
    private.erase(accepted, "当事人申请")
    with pytest.raises(NotFound):
        private.find(LEDGER, "D-1")
    assert "某先生".encode() not in (tmp_path / "private.db").read_bytes()


def test_private_mode_works_in_signed_ledgers(private: Client, service: FakeService) -> None:
    records = [donation(number, ledger=SIGNED) for number in range(5)]
    first = private.notarize_chunk(records[:2])
    outcomes = private.notarize_chunk(records)
    assert [outcome.again for outcome in outcomes if isinstance(outcome, Accepted)] == [True, True, *[False] * 3]
    assert outcomes[:2] == [replace(outcome, again=True) for outcome in first if isinstance(outcome, Accepted)]
    service.anchor()
    for outcome in outcomes:
        assert isinstance(outcome, Accepted)
        evidence = private.evidence(outcome)
        assert evidence.submission is not None
        assert private.verify(evidence, node=PaperNode(service.chain)).verdict == "valid"


def test_answer_for_another_commitment_is_not_taken(
    private: Client, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = private.notarize(donation(1))

    def other(*_: Any) -> list[Any]:
        return [replace(accepted, reference=None, revision=None)]

    monkeypatch.setattr(service, "accept_commitments", other)
    with pytest.raises(SignatureRefused, match="another commitment"):
        private.notarize(donation(2))


def test_evidence_of_another_record_is_not_taken(
    private: Client, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = private.notarize(donation(1)), private.notarize(donation(2))
    service.anchor()
    evidence = service.evidence
    monkeypatch.setattr(service, "evidence", lambda _, *a, **k: evidence(second.commitment, *a, **k))
    whole = private.evidence(first, disclose="all")  # the skeleton is of the other entry: the path can't fit
    assert private.verify(whole, node=PaperNode(service.chain)).verdict == "invalid"


def test_custody_evidence_of_another_record_is_not_taken(
    client: Client, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = client.notarize(donation(1)), client.notarize(donation(2))
    service.anchor()
    evidence = service.evidence
    monkeypatch.setattr(service, "evidence", lambda _, *a, **k: evidence(second.commitment, *a, **k))
    with pytest.raises(MalformedInput, match="of another record"):
        client.evidence(first)


def test_private_mode_and_store_go_together(tmp_path: Path) -> None:
    for wrong in ({"private": True}, {"store": tmp_path / "s.db"}):
        with pytest.raises(ValueError, match="private mode needs a store"):
            Client("http://127.0.0.1", KEY, **wrong)
