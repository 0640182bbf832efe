"""What all tests share: one PostgreSQL and one deployed devnet a session, made when first asked for."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine
from support.database import _shared, databases, embedded_server, engine
from support.distribution import pytest_collection_modifyitems, pytest_xdist_make_scheduler
from support.softhsm import token, tokens
from support.station import Site, Station, build_site, station

from chainsvc import devnet

__all__ = [
    "_shared",
    "databases",
    "embedded_server",
    "engine",
    "pytest_collection_modifyitems",
    "pytest_xdist_make_scheduler",
    "token",
    "tokens",
]

_connect = socket.socket.connect


def _connect_here(self: socket.socket, address: Any) -> None:
    """Connect to this machine only: a test that reaches further is a mistake."""
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "localhost", "::1"):
        raise AssertionError(f"a test reached out to {address}")
    _connect(self, address)


@pytest.fixture(scope="session", autouse=True)
def _stay_on_this_machine() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _connect_here)
        yield


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A devnet with deployed contracts and registered organizations."""
    home = tmp_path_factory.mktemp("site")
    try:
        yield build_site(home)
    finally:
        devnet.down(home / "devnet")


@pytest.fixture
def service(site: Site, engine: Engine) -> Iterator[Station]:
    """A service with an empty journal on that devnet; its worker runs when told to."""
    with station(site, engine) as made:
        yield made
