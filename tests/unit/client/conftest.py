"""The real API over the fake service on a loopback port, for clients of every kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.fake_service import FakeService
from support.logged import logging_to_memory
from support.paper_evidence import ISSUER_KEY, LEDGER, USCC
from support.served import Server, serving

from chainsvc.api.app import create_app
from chainsvc.api.ports import Scope
from chainsvc.client import Client
from chainsvc.crypto.suites import SHA256, SM3
from chainsvc.verify.keys import SUBMISSION

KEY = "csk_full_secret"
SIGNED = f"charity/{USCC}/SIGNED"


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> Iterator[None]:
    with logging_to_memory():
        yield


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def service() -> FakeService:
    service = FakeService()
    service.add_key(KEY, USCC, *Scope)
    service.open_ledger(LEDGER, SHA256, signed=False)
    service.open_ledger(SIGNED, SM3, signed=True)
    service.issuer_keys[USCC] = ISSUER_KEY.public
    service.chain.register_key(ISSUER_KEY, USCC, SUBMISSION)
    return service


@pytest.fixture
def url(server: Server, service: FakeService) -> str:
    server.app = create_app(service)
    return server.url


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url, KEY, retry_s=0) as client:
        yield client


@pytest.fixture
def private(url: str, tmp_path: Path) -> Iterator[Client]:
    with Client(url, KEY, private=True, store=tmp_path / "private.db", signing_key=ISSUER_KEY, retry_s=0) as client:
        yield client
