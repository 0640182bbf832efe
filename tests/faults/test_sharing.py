"""Two accounts on one journal, round by round: who works on what, who is entitled, and who finishes for whom."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy import Engine
from support.everything import check_everything
from support.records import donation
from support.station import Site, Station, station
from support.workers import another_account

from chainsvc.chain.http_node import HttpNode
from chainsvc.client.answers import LedgerFacts
from chainsvc.errors import LeaseLost, NodeUnavailable, NotEntitled
from chainsvc.journal import leases, transactions
from chainsvc.service.workers import Workers


@pytest.fixture
def other(site: Site, engine: Engine, service: Station) -> Iterator[Station]:
    """The worker of another account, beside the service's own."""
    account = another_account(site, "second")
    service.parts.worker.round()
    with station(site, engine, account_key_file=account) as made:
        yield made


def accept(made: Station, number: int = 1) -> LedgerFacts:
    facts = made.open()
    made.accept(facts.name, [donation(facts.name, number)])
    return facts


def anchor_by_turns(one: Station, two: Station, names: list[str]) -> None:
    for _ in range(12):
        one.parts.worker.round()
        two.parts.worker.round()
    for name in names:
        facts = one.parts.service.ledger(name)
        assert facts.entries == facts.anchored_entries == 1


def test_ledgers_are_shared_out_and_each_has_one_worker(service: Station, other: Station) -> None:
    other.parts.worker.round()
    names = [accept(service, number).name for number in range(8)]
    service.parts.worker.round()
    other.parts.worker.round()
    ours, theirs = (made.parts.worker._anchorer.share.ledgers for made in (service, other))
    assert not ours & theirs
    anchor_by_turns(service, other, names)
    for name in names:
        check_everything(service, name, [])


def test_an_account_that_is_not_entitled_leaves_a_ledger_to_one_that_is(
    site: Site, engine: Engine, service: Station
) -> None:
    stranger = another_account(site, "stranger", delegated=False)
    facts = [accept(service, number) for number in range(6)]
    with station(site, engine, account_key_file=stranger) as made:
        made.parts.worker.round()  # alone, it has all, and says what is wrong
        made.parts.worker.round()
        assert "NotEntitled" in (made.parts.worker.trouble or "")
        service.parts.worker.round()
        anchor_by_turns(made, service, [one.name for one in facts])


def test_the_door_is_open_when_any_account_is_entitled(site: Site, engine: Engine, service: Station) -> None:
    stranger = another_account(site, "stranger", delegated=False)
    name = service.open().name
    with station(site, engine, account_key_file=stranger) as made:
        (refused,) = made.send(name, [donation(name, 1)])
        assert isinstance(refused, NotEntitled)
        assert refused.got == "the service does not act for it"
    service.parts.worker.round()
    with station(site, engine, account_key_file=stranger) as made:
        assert len(made.accept(name, [donation(name, 1)])) == 1


def test_a_process_without_an_account_asks_the_leases_who_anchors(engine: Engine, service: Station) -> None:
    workers = Workers(engine, [])
    assert workers.accounts() == frozenset()
    assert "no worker" in (workers.trouble() or "")
    service.parts.worker.round()
    assert workers.trouble() is None
    assert Workers(engine, []).accounts() == {service.parts.worker._anchorer.sender.account}


def test_a_transaction_of_an_account_without_a_worker_is_finished_by_another(
    site: Site, engine: Engine, service: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = service.open()
    service.settle(facts.name)
    service.accept(facts.name, [donation(facts.name, 1)])
    _save_but_not_send(service, monkeypatch)
    service.parts.worker.stop(1)
    with station(site, engine, account_key_file=another_account(site, "second")) as made:
        made.settle(facts.name)
        check_everything(made, facts.name, [])
    with engine.connect() as conn:
        (mined,) = transactions.newest_mined(conn, limit=1, offset=0)
    assert mined.sender == service.parts.worker._anchorer.sender.account


def _save_but_not_send(made: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_answer(_node: HttpNode, _raw: bytes) -> bytes:
        raise NodeUnavailable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(HttpNode, "send", no_answer)
        with pytest.raises(NodeUnavailable):
            made.parts.worker.round()


def test_who_lost_its_account_seals_and_sends_nothing(engine: Engine, service: Station) -> None:
    book = service.open().name
    service.settle(book)
    receipts = service.accept(book, [donation(book, 1)])
    anchorer = service.parts.worker._anchorer
    anchorer.share.look()
    with engine.begin() as conn:  # as if it had slept: another process has the account, and the watch
        conn.exec_driver_sql("UPDATE leases SET expires_at = 'epoch'")
        names = (leases.of_account(anchorer.sender.account), leases.WATCH)
        others = [lease for name in names if (lease := leases.acquire(conn, name, "another process", 600))]
        assert len(others) == len(names)
    assert anchorer.sealer.seal_due() == 0
    with pytest.raises(LeaseLost):
        anchorer.sender.send()
    with engine.connect() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM batches").scalar_one() == 0
    with engine.begin() as conn:
        for lease in others:
            leases.release(conn, lease)
    with suppress(LeaseLost):  # of the watch, of which it learns now
        service.parts.worker.round()
    service.settle(book)
    check_everything(service, book, receipts)
