"""A running service takes a later descriptor from its file; what is another network, or none, it refuses and tells."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine
from support.records import donation
from support.station import Site, Station, station

from chainsvc.crypto.keys import SigningKey
from chainsvc.files import whole
from chainsvc.journal import network as journal_network
from chainsvc.network import Network
from chainsvc.note import Signer
from chainsvc.verify import verify

pytestmark = [pytest.mark.node, pytest.mark.database]

_PATIENCE_S = 60.0


@pytest.fixture
def file(site: Site, tmp_path: Path) -> Path:
    """Give a copy of the site's descriptor, that a test may change."""
    path = tmp_path / "network.json"
    path.write_bytes((site.home / "network.json").read_bytes())
    return path


@pytest.fixture
def made(site: Site, engine: Engine, file: Path) -> Iterator[Station]:
    with station(site, engine, network_file=file) as running:
        yield running


def put(file: Path, data: bytes) -> None:
    with whole(file) as beside:
        beside.write_bytes(data)


def later(network: Network) -> Network:
    """Return the same network with one signer more."""
    signer = Signer("another-institution", SigningKey.generate())
    return replace(network, signers=(*network.signers, signer.verifier_key))


def wait(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def trouble(made: Station) -> str:
    return made.parts.service.ready().parts["descriptor"]


def test_a_later_descriptor_is_served_and_kept_without_a_restart(made: Station, file: Path) -> None:
    after = later(made.parts.network)
    put(file, after.to_bytes())
    wait(lambda: made.parts.service.network_bytes() == after.to_bytes())
    assert made.parts.network == after
    assert trouble(made) == "ok"
    with made.parts.engine.connect() as conn:
        bound = journal_network.belonging(conn)
    assert bound is not None
    assert bound.descriptor == after.to_bytes()


def test_work_goes_on_across_the_change(made: Station, file: Path) -> None:
    name = made.open().name
    (first,) = made.accept(name, [donation(name, 1)])
    after = later(made.parts.network)
    put(file, after.to_bytes())
    wait(lambda: made.parts.network == after)
    (second,) = made.accept(name, [donation(name, 2)])
    made.settle(name)
    for accepted in (first, second):
        data = made.parts.service.evidence(accepted.commitment, None, proof=False).data
        assert verify(data, after, made.parts.service._parts.source).verdict == "valid"
        assert made.parts.service.verify(data).verdict == "valid"


def other_chain(network: Network) -> bytes:
    return replace(network, chain_id=network.chain_id + 1).to_bytes()


def fewer_schemas(network: Network) -> bytes:
    return replace(network, schemas=dict(list(network.schemas.items())[1:])).to_bytes()


def half(network: Network) -> bytes:
    data = later(network).to_bytes()
    return data[: len(data) // 2]


@pytest.mark.parametrize("wrong", [other_chain, fewer_schemas, half])
def test_what_does_not_follow_is_told_and_the_descriptor_before_goes_on(
    made: Station, file: Path, wrong: Callable[[Network], bytes]
) -> None:
    before = made.parts.network
    put(file, wrong(before))
    wait(lambda: "is not taken, and the descriptor before goes on" in trouble(made))
    assert made.parts.service.network_bytes() == before.to_bytes()
    assert made.parts.service.ready().ready
    after = later(before)
    put(file, after.to_bytes())
    wait(lambda: made.parts.network == after and trouble(made) == "ok")


def test_a_file_that_is_gone_is_told_until_it_is_back(made: Station, file: Path) -> None:
    data = made.parts.network.to_bytes()
    file.unlink()
    wait(lambda: "can't be read" in trouble(made))
    assert made.parts.service.network_bytes() == data
    put(file, data)
    wait(lambda: trouble(made) == "ok")
