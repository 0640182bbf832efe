from collections.abc import Iterator
from pathlib import Path

import pytest
from support.chain import Chain, start

from chainsvc import devnet


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    home = tmp_path_factory.mktemp("devnet")
    try:
        yield start(home)
    finally:
        devnet.down(home)


@pytest.fixture
def own_chain(tmp_path: Path) -> Iterator[Chain]:
    """For tests that stop, kill or reset the node."""
    try:
        yield start(tmp_path)
    finally:
        devnet.down(tmp_path)
