"""The whole service behind HTTP: API, worker, journal and node are the real ones."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine
from support.database import _shared, databases, embedded_server, engine
from support.logged import logging_to_memory
from support.station import USCC, Site, build_site, station
from support.whole import Served

from chainsvc import devnet
from chainsvc.admin import Desk
from chainsvc.api.ports import Scope
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.institutions import Purpose
from chainsvc.chain.signer import KeyFileSigner
from chainsvc.crypto.keys import SigningKey
from chainsvc.ground import read_network
from chainsvc.journal import keys
from chainsvc.serving import served
from chainsvc.settings import load_settings

HOOKS_HERE = {"webhook_allowed_networks": ["127.0.0.0/8"], "webhook_allow_http": True}
"""Receivers of webhooks are on this machine."""

__all__ = ["_shared", "databases", "embedded_server", "engine"]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("site")
    try:
        yield build_site(home)
    finally:
        devnet.down(home / "devnet")


@pytest.fixture(scope="session")
def issuer_key(site: Site) -> SigningKey:
    """A submission key, registered by the organization's own account before any worker uses its nonces."""
    key, settings = SigningKey.generate(), load_settings(home=site.home)
    with closing(HttpNode(site.local.url)) as node:
        desk = Desk(node, read_network(settings), KeyFileSigner.from_file(settings.key("account")))
        desk.add_key(USCC, key.alg, key.public, key.key_id, Purpose.SUBMISSION)
    return key


@pytest.fixture
def running(site: Site, engine: Engine, issuer_key: SigningKey) -> Iterator[Served]:
    del issuer_key
    with logging_to_memory(), station(site, engine, **HOOKS_HERE) as made:
        with made.parts.engine.begin() as conn:
            _, token = keys.create(conn, USCC, Scope, "test", now=0)
        with served(made.parts) as url:
            yield Served(url, token, site.local.url, made)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "private.db"
