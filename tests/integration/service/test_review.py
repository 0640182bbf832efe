"""Receipts that could not be kept, evidence that would not verify, inputs that broke the service: refused now."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine
from support.database import empty
from support.records import corrected, donation
from support.station import REGULATOR, USCC, Site, Station, build_site, station

from chainsvc import devnet
from chainsvc.admin import Desk
from chainsvc.chain.institutions import Purpose
from chainsvc.chain.ledgers import Anchor, LedgerContract, Mark
from chainsvc.chain.signer import KeyFileSigner
from chainsvc.chain.transactions import send_and_wait
from chainsvc.client.answers import Accepted, LedgerFacts
from chainsvc.commitment import new_seed
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.suites import SHA256
from chainsvc.drafts import MAX_REVISION
from chainsvc.errors import (
    ChainsvcError,
    ChunkMixed,
    Conflict,
    InputRefused,
    NetworkMismatch,
    NotFound,
    NotReady,
    RecordRefused,
    SignatureRefused,
)
from chainsvc.heads import Status
from chainsvc.receipt import Submission, sign_submission
from chainsvc.record import Record, ledger_id
from chainsvc.shape import commit_record
from chainsvc.verify import Verdict, verify


@pytest.fixture
def alone(tmp_path: Path, engine: Engine) -> Iterator[Station]:
    """A service on a devnet of its own, whose time and blocks a test may change."""
    site = build_site(tmp_path)
    try:
        with station(site, engine) as made:
            yield made
    finally:
        devnet.down(tmp_path / "devnet")


def test_a_new_journal_refuses_a_ledger_with_entries_it_never_saw(site: Site, engine: Engine) -> None:
    with station(site, engine) as first:
        name = first.open().name
        first.accept(name, [donation(name, 1)])
        first.settle(name)
    empty(engine)
    with station(site, engine) as second:
        with pytest.raises(Conflict, match="entries of this ledger"):
            second.parts.service.open_ledger(name, SHA256, signed=False, caller=second.caller)
        with pytest.raises(NotFound):
            second.parts.service.ledger(name)


def test_a_budget_older_than_the_journal_reaches_the_door(site: Site, engine: Engine) -> None:
    with station(site, engine) as first:
        facts = first.open("subsidy")
        desk = Desk(first.parts.node, first.parts.network, site.regulator)
        desk.set_budget(facts.name, facts.ledger_id, REGULATOR, 500_00)
    empty(engine)
    with station(site, engine) as second:
        second.parts.worker.round()  # the watcher passes the events of a ledger that the journal does not know
        opened = second.parts.service.open_ledger(facts.name, SHA256, signed=False, caller=second.caller)
        assert opened.budget == 500_00


def test_no_checkpoint_is_signed_of_another_chain(alone: Station) -> None:
    alone.parts.service.checkpoint()
    devnet.reset(alone.site.home / "devnet")
    devnet.up(alone.site.home / "devnet")
    with pytest.raises(NetworkMismatch):
        alone.parts.service.checkpoint()


def test_a_checkpoint_too_old_to_prove_asks_for_a_newer_one(alone: Station) -> None:
    name = alone.open().name
    (accepted,) = alone.accept(name, [donation(name, 1)])
    alone.settle(name)
    alone.parts.service.checkpoint()
    _rpc(alone, "anvil_mine", hex(1_500))
    with pytest.raises(NotReady, match="newest checkpoint"):
        alone.parts.service.evidence(accepted.commitment, None, proof=True)
    alone.parts.service.checkpoint()
    assert alone.parts.service.evidence(accepted.commitment, None, proof=True).data


def test_a_false_submission_is_refused_in_an_unsigned_ledger_too(service: Station) -> None:
    facts = service.open()
    with pytest.raises(SignatureRefused):
        _hand_over(service, facts, [donation(facts.name, 1)], SigningKey.generate())
    assert service.parts.service.ledger(facts.name).entries == 0


def test_a_submission_in_an_unsigned_ledger_covers_its_whole_chunk_and_verifies(alone: Station) -> None:
    facts, key = alone.open(), _register(alone)
    (first,) = _hand_over(alone, facts, [donation(facts.name, 1)], key)
    with pytest.raises(ChunkMixed):
        _hand_over(alone, facts, [donation(facts.name, 1, fen=5), donation(facts.name, 2)], key)
    alone.settle(facts.name)
    assert isinstance(first, Accepted)
    assert _verdict(alone, first).verdict == "valid"


def test_a_key_that_ends_before_the_deadline_signs_nothing_more(alone: Station) -> None:
    facts = alone.open(signed=True)
    margin = int(alone.parts.settings.anchor_margin_s)
    ends_early = _register(alone, until=int(time.time()) + margin - 60)
    with pytest.raises(SignatureRefused, match="deadline"):
        _hand_over(alone, facts, [donation(facts.name, 1)], ends_early)
    lasts = _register(alone, until=int(time.time()) + margin + 600)
    (accepted,) = _hand_over(alone, facts, [donation(facts.name, 1)], lasts)
    _rpc(alone, "evm_increaseTime", margin - 60)
    alone.settle(facts.name)
    assert isinstance(accepted, Accepted)
    assert _verdict(alone, accepted).verdict == "valid"


def test_an_erased_record_can_still_be_corrected(service: Station) -> None:
    name = service.open().name
    (gone, kept) = service.accept(name, [donation(name, 1), donation(name, 2)])
    service.parts.service.erase(gone.commitment, "asked by the person", service.caller)
    service.accept(name, [corrected(donation(name, 1), gone.commitment, 80)])
    (other,) = service.send(name, [corrected(donation(name, 3), kept.commitment, 80)])
    assert isinstance(other, RecordRefused)
    service.settle(name)
    assert service.parts.service.standing(gone.commitment).standing is Status.SUPERSEDED


def test_a_revision_out_of_range_spoils_no_other_record(service: Station) -> None:
    name = service.open().name
    (first,) = service.accept(name, [donation(name, 1)])
    far = replace(corrected(donation(name, 1), first.commitment, 80), revision=MAX_REVISION + 1)
    bad, good = service.send(name, [far, donation(name, 2)])
    assert isinstance(bad, RecordRefused)
    assert bad.where == "/revision"
    assert isinstance(good, Accepted)
    with pytest.raises(NotFound):
        service.parts.service.record_by_reference(name, "JZ1", MAX_REVISION + 1, disclose=False)


def test_a_reason_that_the_database_cannot_keep_is_refused(service: Station) -> None:
    name = service.open().name
    (accepted,) = service.accept(name, [donation(name, 1)])
    with pytest.raises(InputRefused):
        service.parts.service.erase(accepted.commitment, "a\0b", service.caller)
    assert not service.parts.service.record(accepted.commitment, disclose=False).erased


def test_a_page_of_entries_tells_the_last_of_several_changes(alone: Station) -> None:
    facts = alone.open()
    alone.accept(facts.name, [donation(facts.name, n) for n in range(3)])
    alone.settle(facts.name)
    _decide(alone, facts, seq=1, statuses=(Status.SUSPENDED, Status.CURRENT, Status.VOID))
    alone.parts.worker.round()
    page = alone.parts.service.entries(facts.name, None, 10)
    assert [entry.standing for entry in page.items] == [Status.CURRENT, Status.VOID, Status.CURRENT]
    assert {entry.state for entry in page.items} == {"final"}


def _hand_over(
    made: Station, facts: LedgerFacts, records: list[Record], key: SigningKey
) -> list[Accepted | ChainsvcError]:
    items = [(record, new_seed()) for record in records]
    commitments = [commit_record(facts.suite, record, seed) for record, seed in items]
    submission: Submission = sign_submission(key, facts.ledger_id, commitments)
    parts = made.parts.service._parts
    return parts.intake.accept_records(parts.ledgers.stored(facts.name), items, submission)


def _register(made: Station, until: int = 0) -> SigningKey:
    """Add a submission key by the organization's own account, between two calls of the worker."""
    key, account = SigningKey.generate(), KeyFileSigner.from_file(made.parts.settings.key("account"))
    made.parts.worker.round()
    institutions = Desk(made.parts.node, made.parts.network, account).institutions
    call = institutions.add_key(USCC, key.alg, key.public, Purpose.SUBMISSION, until=until)
    send_and_wait(made.parts.node, account, institutions.address, call)
    return key


def _decide(made: Station, facts: LedgerFacts, seq: int, statuses: tuple[Status, ...]) -> None:
    """Change a standing as a regulator with a ledger and an account of its own, all in one block."""
    node, contract = made.parts.node, LedgerContract(made.parts.node, facts.contract)
    book = f"D-{time.time_ns()}"
    own = ledger_id(facts.network, facts.contract, SHA256.id, 0, f"charity/{REGULATOR}/{book}")
    for call in (
        contract.open_ledger("charity", REGULATOR, book, SHA256.id, 0),
        contract.anchor([Anchor(own, 0, 3, bytes(32), 0, 0)]),
        contract.set_status([Mark(facts.ledger_id, seq, status, own, cause) for cause, status in enumerate(statuses)]),
    ):
        send_and_wait(node, made.site.regulator, facts.contract, call)


def _verdict(made: Station, accepted: Accepted) -> Verdict:
    data = made.parts.service.evidence(accepted.commitment, None, proof=False).data
    return verify(data, made.parts.network, made.parts.service._parts.source)


def _rpc(made: Station, method: str, *params: object) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    httpx.post(made.site.local.url, json=body, trust_env=False).raise_for_status()
