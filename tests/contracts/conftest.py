"""One anvil and one deployed network for the whole folder; every test starts from the same state."""

from collections.abc import Iterator

import pytest
from support.anvil import Node, anvil
from support.world import World, build


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    with anvil() as running:
        yield running


@pytest.fixture(scope="session")
def _built(node: Node) -> World:
    return build(node)


@pytest.fixture
def world(_built: World) -> Iterator[World]:
    """Give the network as it was after deployment, whatever a test did to it."""
    snapshot = _built.node.rpc("evm_snapshot")
    yield _built
    assert _built.node.rpc("evm_revert", snapshot)
