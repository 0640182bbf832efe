"""What tests of backups share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from support.database import Databases
from support.restored import Elsewhere
from support.station import Station, build_site, station

from chainsvc import devnet


@pytest.fixture
def elsewhere(databases: Databases) -> Elsewhere:
    return Elsewhere(databases)


@pytest.fixture
def alone(tmp_path: Path, engine: Engine) -> Iterator[Station]:
    """A service on a chain of its own, where no other test has ledgers."""
    home = tmp_path / "site"
    try:
        with station(build_site(home), engine) as made:
            yield made
    finally:
        devnet.down(home / "devnet")
