"""The command line in this process, over the real API of the fake service."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command_line import Run, call
from support.fake_service import FakeService
from support.logged import logging_to_memory
from support.paper_evidence import ISSUER_KEY, LEDGER, USCC
from support.served import Server, serving

from chainsvc.api.app import create_app
from chainsvc.api.ports import Scope
from chainsvc.cli import connection
from chainsvc.crypto.suites import SHA256
from chainsvc.verify.keys import SUBMISSION

KEY = "csk_full_secret"


@pytest.fixture(autouse=True)
def logged() -> Iterator[io.StringIO]:
    with logging_to_memory() as stream:
        yield stream


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def service(server: Server) -> FakeService:
    service = FakeService()
    service.add_key(KEY, USCC, *Scope)
    service.open_ledger(LEDGER, SHA256, signed=False)
    service.issuer_keys[USCC] = ISSUER_KEY.public
    service.chain.register_key(ISSUER_KEY, USCC, SUBMISSION)
    server.app = create_app(service)
    return service


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHAINSVC_HOME", str(tmp_path / "home"))
    for name in ("CHAINSVC_API_KEY_FILE", "CHAINSVC_NODE_URL", "CHAINSVC_NETWORK_FILE", "CHAINSVC_SETTINGS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CHAINSVC_URL", "http://127.0.0.1:1")
    monkeypatch.setattr(connection, "RETRY_S", 0.0)
    return tmp_path


@pytest.fixture
def run(home: Path) -> Run:
    """Call the command line with nothing set up; any exception that is no exit is a failure."""
    del home

    return call


@pytest.fixture
def served(run: Run, home: Path, server: Server, service: FakeService, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call the command line with a service, an API key and the network's descriptor."""
    (home / "home").mkdir()
    (home / "home/network.json").write_bytes(service.chain.network.to_bytes())
    (home / "api.key").write_text(f"{KEY}\n")
    monkeypatch.setenv("CHAINSVC_URL", server.url)
    monkeypatch.setenv("CHAINSVC_API_KEY_FILE", str(home / "api.key"))
    return run
