"""The whole service on four validators: blocks come by themselves, and are final when others have sealed after them."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from support.everything import check_everything
from support.records import corrected, disbursement, donation
from support.station import Site, Station, build_site, station

from chainsvc import devnet
from chainsvc.chain.http_node import HttpNode
from chainsvc.checkpoint import Checkpoint
from chainsvc.devnet import consortium
from chainsvc.proof.header import Header
from chainsvc.verify import CheckpointSource, verify

pytestmark = [pytest.mark.node, pytest.mark.database, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("four")
    try:
        yield build_site(home, "clique")
    finally:
        devnet.down(home / "devnet")


@pytest.fixture
def on_four(four: Site, engine: Engine) -> Iterator[Station]:
    with station(four, engine) as made:
        yield made


def test_the_descriptor_pins_the_rule_and_who_seals(four: Site, on_four: Station) -> None:
    network = on_four.parts.network
    assert (network.engine.name, network.engine.finality) == ("clique", "sealers")
    (epoch,) = network.validators
    assert epoch.addresses == tuple(sorted(member.address or b"" for member in four.local.validators))


def test_evidence_is_valid_by_node_and_checkpoint_also_with_one_validator_stopped(on_four: Station) -> None:
    name = on_four.open().name
    receipts = on_four.accept(name, [donation(name, n) for n in range(40)])
    on_four.settle(name)
    _check_valid(on_four, receipts[3].commitment)

    consortium.stop_validator(on_four.site.home / "devnet", 4)
    try:
        more = on_four.accept(name, [disbursement(name, 1, 5_000)])
        more += on_four.accept(name, [corrected(donation(name, 7), receipts[7].commitment, 9_000)])
        on_four.settle(name)
        _check_valid(on_four, more[0].commitment)
    finally:
        consortium.start_validator(on_four.site.home / "devnet", 4)
    check_everything(on_four, name, [*receipts, *more])


def _check_valid(on_four: Station, commitment: bytes) -> None:
    api, network = on_four.parts.service, on_four.parts.network
    note = Checkpoint.parse(api.checkpoint().encode())
    data = api.evidence(commitment, ["/body/amount"], proof=True).data
    assert verify(data, network, api._parts.source).verdict == "valid"
    assert verify(data, network, CheckpointSource(note)).verdict == "valid"


def test_nothing_is_final_before_three_others_have_sealed(on_four: Station) -> None:
    name = on_four.open().name
    (accepted,) = on_four.accept(name, [donation(name, 1)])
    on_four.settle(name)
    anchored = on_four.parts.service.batches(name, None, 1).items[0]
    assert accepted.commitment
    assert anchored.block is not None
    node = on_four.parts.node
    assert node.head().number >= anchored.block + 3
    assert Header.parse(node.header(anchored.block)).hash == anchored.block_hash


def test_the_first_contracts_block_is_still_proven(four: Site, on_four: Station) -> None:
    since = on_four.parts.network.validators[0].since
    for url in four.local.urls:
        node = HttpNode(url)
        try:
            assert node.proof(on_four.parts.network.institutions.address, [], since).nodes
        finally:
            node.close()
