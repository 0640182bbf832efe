from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.fake_service import FakeService
from support.paper_chain import PaperNode
from support.paper_evidence import ISSUER_KEY, LEDGER, USCC, donation

from chainsvc.client import Accepted, Client
from chainsvc.crypto.keys import SigningKey
from chainsvc.errors import ChunkMixed, PolicyRefused, RecordRefused, ReferenceConflict, SignatureRefused
from chainsvc.record import Record

KEY = "csk_full_secret"
SIGNED = f"charity/{USCC}/SIGNED"


def records(*numbers: int) -> list[Record]:
    return [donation(number, ledger=SIGNED) for number in numbers]


@pytest.fixture
def signing(url: str) -> Iterator[Client]:
    with Client(url, KEY, signing_key=ISSUER_KEY, retry_s=0) as client:
        yield client


def test_signed_chunk_gives_evidence_of_its_origin(signing: Client, service: FakeService) -> None:
    outcomes = signing.notarize_chunk(records(*range(7)))
    service.anchor()
    for outcome in outcomes:
        assert isinstance(outcome, Accepted)
        evidence = signing.evidence(outcome)
        assert evidence.submission is not None
        assert evidence.submission.count == 7
        verdict = signing.verify(evidence, node=PaperNode(service.chain))
        assert (verdict.verdict, verdict.step(9).outcome) == ("valid", "passed")


def test_client_without_the_key_says_what_it_needs(client: Client, service: FakeService) -> None:
    with pytest.raises(SignatureRefused, match="signing_key"):
        client.notarize(records(1)[0])
    assert not service.books[SIGNED].entries


def test_key_that_is_not_the_organizations_is_refused(url: str, service: FakeService) -> None:
    with Client(url, KEY, signing_key=SigningKey.generate()) as client, pytest.raises(SignatureRefused):
        client.notarize(records(1)[0])
    assert not service.books[SIGNED].entries


def test_rest_of_a_chunk_that_was_there_in_part_is_signed_anew(signing: Client, service: FakeService) -> None:
    first = signing.notarize_chunk(records(1, 3))
    outcomes = signing.notarize_chunk(records(0, 1, 2, 3, 4))
    assert [o.again for o in outcomes if isinstance(o, Accepted)] == [False, True, False, True, False]
    assert [outcomes[1], outcomes[3]] == [replace(o, again=True) for o in first if isinstance(o, Accepted)]
    assert len(service.books[SIGNED].entries) == 5
    submission = service.books[SIGNED].entries[-1].submission
    assert submission is not None
    assert submission.count == 3


def test_refused_record_holds_up_no_other_of_its_chunk(signing: Client) -> None:
    signing.notarize_chunk(records(1))
    broken = replace(donation(2, ledger=SIGNED), body={**donation(2).body, "amount": "1"})
    other = donation(1, 7, ledger=SIGNED)
    outcomes = signing.notarize_chunk([*records(0), broken, other, *records(3)])
    assert [type(outcome) for outcome in outcomes] == [Accepted, RecordRefused, ReferenceConflict, Accepted]


def test_overspending_record_holds_up_no_other(signing: Client) -> None:
    body = {**donation(9).body, "amount": 50}
    refund = replace(
        donation(1, ledger=SIGNED), reference="D-1", revision=1, previous="ab" * 32, credit=0, debit=50, body=body
    )
    outcomes = signing.notarize_chunk([refund, *records(2)])
    assert [type(outcome) for outcome in outcomes] == [PolicyRefused, Accepted]


def test_unsigned_ledger_takes_records_of_a_client_with_a_key(signing: Client, service: FakeService) -> None:
    signing.notarize(donation(1))
    assert service.books[LEDGER].entries[0].submission is None


def test_service_that_calls_a_chunk_new_and_still_refuses_it_ends_no_loop(
    signing: Client, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ChunkMixed([None, None])

    monkeypatch.setattr(service, "accept_records", refuse)
    with pytest.raises(SignatureRefused, match="calls new"):
        signing.notarize_chunk(records(1, 2))
