"""A devnet with deployed contracts for the session; a service with an empty journal for each test."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from support.database import _shared, databases, embedded_server, engine
from support.station import Site, Station, build_site, station

from chainsvc import devnet

__all__ = ["_shared", "databases", "embedded_server", "engine"]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("site")
    try:
        yield build_site(home)
    finally:
        devnet.down(home / "devnet")


@pytest.fixture
def service(site: Site, engine: Engine) -> Iterator[Station]:
    with station(site, engine) as made:
        yield made
