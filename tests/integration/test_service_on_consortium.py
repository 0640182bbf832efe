"""The whole service on four validators: blocks come by themselves, and are final when others have sealed after them."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine
from support.everything import check_everything
from support.records import corrected, disbursement, donation
from support.station import Site, Station, build_site, station
from support.watchdog import watchdog

from chainsvc import devnet
from chainsvc.chain.describing import described_anew
from chainsvc.chain.engines import profile_of
from chainsvc.chain.facts import to_hex
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.node import Node
from chainsvc.chain.runs import proof_header
from chainsvc.checkpoint import Checkpoint
from chainsvc.devnet import consortium
from chainsvc.errors import NodeUnavailable, NotReady
from chainsvc.evidence import Proof
from chainsvc.files import whole
from chainsvc.keyring import checkpoint_signer
from chainsvc.network import Network, Validators
from chainsvc.proof.header import Header
from chainsvc.succession import Successor, follow, parse_all
from chainsvc.verify import CheckpointSource, Seals, verify
from chainsvc.verify.sealing import seals_of

pytestmark = [pytest.mark.node, pytest.mark.database, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Four validators with the watchdog that operators have beside them: an equal split may come at any time."""
    home = tmp_path_factory.mktemp("four")
    try:
        site = build_site(home, "clique")
        with watchdog(home, home / "watchdog.log"):
            yield site
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


def test_evidence_is_valid_by_node_checkpoint_and_seals_also_with_one_validator_stopped(on_four: Station) -> None:
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


def test_a_home_with_a_consortium_asks_all_its_validators_and_bears_that_any_one_stops(
    four: Site, engine: Engine
) -> None:
    with station(four, engine, node_url=None) as made:
        assert made.parts.node.url == ", ".join(four.local.urls)
        name = made.open().name
        receipts = made.accept(name, [donation(name, 1)])
        for number in range(1, 5):
            consortium.stop_validator(four.home / "devnet", number)
            try:
                more = made.accept(name, [donation(name, 10 * number + n) for n in range(4)])
                made.settle(name)
                shown = made.parts.service.evidence(more[0].commitment, None, proof=False).data
                assert made.parts.service.verify(shown).verdict == "valid"
                receipts += more
            finally:
                consortium.start_validator(four.home / "devnet", number)
        check_everything(made, name, receipts)


def _check_valid(on_four: Station, commitment: bytes, needed: int = 3) -> None:
    api, network = on_four.parts.service, on_four.parts.network
    note = Checkpoint.parse(api.checkpoint().encode())
    data = api.evidence(commitment, ["/body/amount"], proof=True).data
    assert verify(data, network, api._parts.source).verdict == "valid"
    assert verify(data, network, CheckpointSource(note)).verdict == "valid"
    by_seals = verify(data, network, None)
    assert by_seals.verdict == "valid", by_seals.step(6)
    assert by_seals.facts is not None
    assert by_seals.facts.seals is not None
    assert (by_seals.facts.seals.needed, by_seals.facts.seals.validators) == (needed, network.validators[-1].addresses)


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


@pytest.fixture
def with_file(four: Site, engine: Engine, tmp_path: Path) -> Iterator[tuple[Station, Path]]:
    """Give a service whose descriptor is a file that a test may change."""
    file = tmp_path / "network.json"
    file.write_bytes((four.home / "network.json").read_bytes())
    with station(four, engine, network_file=file) as made:
        yield made, file


def test_successor_carries_the_descriptor_and_a_running_service_through_a_vote_of_the_validators(
    four: Site, with_file: tuple[Station, Path]
) -> None:
    made, file = with_file
    before, node = made.parts.network, made.parts.node
    fifth = bytes(19) + b"\x05"
    try:
        _vote(four, fifth, adds=True)
        first_block = _first_block(node, fifth)
        _await(lambda: profile_of(before.engine).final_block(node).number > first_block)
        after = described_anew(before, node)
        assert after.validators == (
            *before.validators,
            Validators(first_block, tuple(sorted([*before.validators[0].addresses, fifth]))),
        )
        successor = Successor(after, before.sha256).sign([checkpoint_signer(made.parts.settings)])
        followed = follow(before, parse_all(successor.to_bytes()))
        _await(lambda: _sealed(node, followed, first_block).needed == 4)
        with whole(file) as beside:
            beside.write_bytes(followed.to_bytes())
        _await(lambda: made.parts.service.network_bytes() == followed.to_bytes())
        name = made.open().name
        (accepted,) = made.accept(name, [donation(name, 1)])
        made.settle(name)
        _check_valid(made, accepted.commitment, needed=4)
    finally:
        _vote(four, fifth, adds=False)


def _sealed(node: Node, network: Network, number: int) -> Seals:
    return seals_of(Proof(proof_header(node, network, number), (), (), (), (), ()), network)


def _vote(four: Site, candidate: bytes, *, adds: bool) -> None:
    """Have the validators vote, until all of them have counted it."""
    with ExitStack() as stack:
        nodes = [stack.enter_context(closing(HttpNode(url))) for url in four.local.urls]
        for node in nodes:
            node.request("clique_propose", to_hex(candidate), adds)
        for node in nodes:
            _await(partial(_is_counted, node, candidate, adds=adds))
        for node in nodes:
            node.request("clique_discard", to_hex(candidate))


def _is_counted(node: Node, candidate: bytes, *, adds: bool) -> bool:
    return (candidate in node.clique_signers(node.head().number)) == adds


def _first_block(node: Node, candidate: bytes) -> int:
    """Return the first block that the set with a candidate seals, which was voted in just now."""
    number = node.head().number
    while candidate in node.clique_signers(number - 1):
        number -= 1
    return number + 1


def _await(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while True:
        with suppress(NotReady, NodeUnavailable):  # not final yet, or the newest blocks changed
            if holds():
                return
        assert time.monotonic() < deadline
        time.sleep(0.2)
