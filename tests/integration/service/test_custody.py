"""A whole service whose keys are elsewhere: receipts signed in a security module, anchors by a remote signer."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import Engine
from support.everything import check_everything
from support.records import donation
from support.softhsm import SoftToken
from support.station import USCC, Site, Station, station
from support.web3signer import RemoteSigner, remote_signer
from support.workers import actors

from chainsvc import devnet
from chainsvc.admin import Desk
from chainsvc.chain.accounts import create_account, open_account
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.institutions import Purpose
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.opening import create_signing_key
from chainsvc.errors import SignerUnavailable
from chainsvc.ground import read_network
from chainsvc.settings import load_settings


@pytest.fixture
def remote() -> Iterator[RemoteSigner]:
    with remote_signer() as signer:
        yield signer


@pytest.fixture(scope="session")
def receipt_key(site: Site, token: SoftToken) -> tuple[str, SigningKey]:
    """A registered receipt key in the security module."""
    name = token.name("receipts of the site")
    key = create_signing_key(name)
    _desk(site, lambda desk: desk.add_key(USCC, key.alg, key.public, key.key_id, Purpose.RECEIPT))
    return name, key


def _desk(site: Site, act: object) -> None:
    assert callable(act)
    settings = load_settings(home=site.home)
    with closing(HttpNode(site.local.url)) as node:
        act(Desk(node, read_network(settings), open_account(settings.accounts[0])))


def _enable(site: Site, account: bytes) -> None:
    devnet.fund(site.local, [account])
    _desk(site, lambda desk: desk.delegate(USCC, account))


def test_records_are_final_by_keys_that_this_process_never_had(
    site: Site, engine: Engine, remote: RemoteSigner, receipt_key: tuple[str, SigningKey]
) -> None:
    _enable(site, remote.account)
    with station(site, engine, receipt_key=receipt_key[0], account_keys=(remote.name(),)) as made:
        name = made.open().name
        receipts = made.accept(name, [donation(name, number) for number in range(40)])
        made.settle(name)
        check_everything(made, name, receipts)
        found = made.parts.service.receipt(receipts[0].commitment)
    assert found.pubkey == receipt_key[1].public
    assert actors(engine) == {remote.account}


def test_account_in_a_security_module_anchors(site: Site, engine: Engine, token: SoftToken) -> None:
    account = create_account(token.name("anchoring of the site"))
    _enable(site, account.address)
    with station(site, engine, account_keys=(token.name("anchoring of the site"),)) as made:
        name = made.open().name
        receipts = made.accept(name, [donation(name, number) for number in range(3)])
        made.settle(name)
        check_everything(made, name, receipts)
    assert actors(engine) == {account.address}


def test_remote_signer_that_is_away_stops_anchoring_and_not_intake(
    site: Site, engine: Engine, remote: RemoteSigner
) -> None:
    _enable(site, remote.account)
    with station(site, engine, account_keys=(remote.name(),)) as made:
        name = made.open().name
        remote.failures = [404] * 4
        receipts = made.accept(name, [donation(name, 1)])
        with pytest.raises(SignerUnavailable):
            made.settle(name)
        receipts += made.accept(name, [donation(name, 2)])
        _finish(made, name, remote)
        check_everything(made, name, receipts)


def test_remote_signer_with_another_key_sends_nothing(site: Site, engine: Engine, remote: RemoteSigner) -> None:
    _enable(site, remote.account)
    with station(site, engine, account_keys=(remote.name(),)) as made:
        name = made.open().name
        remote.other_key, right = type(remote.key)(), remote.other_key
        receipts = made.accept(name, [donation(name, 1)])
        with pytest.raises(SignerUnavailable, match="another key"):
            made.settle(name)
        with made.parts.engine.connect() as conn:
            unsent = conn.exec_driver_sql("SELECT count(*) FROM transactions WHERE state = 'signed'").scalar_one()
        assert unsent == 0
        remote.other_key = right
        made.settle(name)
        check_everything(made, name, receipts)


def _finish(made: Station, name: str, remote: RemoteSigner) -> None:
    remote.failures = []
    made.settle(name)
