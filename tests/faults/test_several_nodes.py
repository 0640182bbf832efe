"""Nodes of several institutions: what one of them does, says or no longer says stops nothing and changes nothing."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import Engine
from support.everything import check_everything
from support.fake_chain import FakeChain, FakeNode
from support.node_server import Relay, served
from support.records import donation
from support.station import Site, Station, station

from chainsvc.errors import NodeUnavailable


@pytest.fixture
def relays(site: Site) -> Iterator[list[Relay]]:
    with ExitStack() as stack:
        yield [stack.enter_context(served(Relay(site.local.url))) for _ in range(3)]


@pytest.fixture
def several(site: Site, engine: Engine, relays: list[Relay]) -> Iterator[Station]:
    with station(site, engine, node_urls=tuple(relay.url for relay in relays)) as made:
        yield made


def nodes_detail(made: Station) -> str:
    return made.parts.service.ready().parts["nodes"]


def test_records_reach_the_chain_through_several_nodes(several: Station) -> None:
    name = several.open().name
    receipts = several.accept(name, [donation(name, n) for n in range(40)])
    several.settle(name)
    check_everything(several, name, receipts)
    assert nodes_detail(several) == "ok"


def test_one_dead_node_of_three_is_named_and_stops_nothing(several: Station, relays: list[Relay]) -> None:
    name = several.open().name
    relays[0].is_dead = True
    receipts = several.accept(name, [donation(name, n) for n in range(40)])
    several.settle(name)
    assert f"{relays[0].url} is silent" in nodes_detail(several)
    relays[0].is_dead, relays[1].is_dead = False, True
    receipts += several.accept(name, [donation(name, n) for n in range(40, 60)])
    several.settle(name)
    check_everything(several, name, receipts)


def test_with_two_dead_of_three_receipts_are_given_and_anchoring_waits(several: Station, relays: list[Relay]) -> None:
    name = several.open().name
    several.settle(name)
    relays[0].is_dead = relays[2].is_dead = True
    receipts = several.accept(name, [donation(name, n) for n in range(40)])
    with pytest.raises(NodeUnavailable):
        several.parts.worker.round()
    assert several.parts.service.ledger(name).anchored_entries == 0
    relays[0].is_dead = relays[2].is_dead = False
    several.settle(name)
    check_everything(several, name, receipts)


def test_a_node_whose_address_leads_to_another_chain_is_named_and_left_out(
    several: Station, relays: list[Relay]
) -> None:
    name = several.open().name
    relays[1].instead = FakeNode(FakeChain().grow(40))
    receipts = several.accept(name, [donation(name, n) for n in range(40)])
    several.settle(name)
    assert f"{relays[1].url} is other-chain" in nodes_detail(several)
    check_everything(several, name, receipts)


def test_a_node_that_lies_of_receipts_logs_and_state_is_caught(several: Station, relays: list[Relay]) -> None:
    name = several.open().name
    liar = relays[0]
    liar.lies["eth_getTransactionReceipt"] = lambda _, true: true and true | {"status": "0x0", "logs": []}
    liar.lies["eth_getLogs"] = lambda _params, _true: []
    liar.lies["eth_getTransactionCount"] = lambda _params, _true: "0x7f"
    liar.lies["eth_getProof"] = lambda _, true: true | {"nonce": "0x7f", "accountProof": true["accountProof"][:-1]}
    liar.lies["eth_sendRawTransaction"] = lambda _params, _true: "0x" + "00" * 32
    receipts = several.accept(name, [donation(name, n) for n in range(40)])
    several.settle(name)
    assert f"{liar.url} is wrong" in nodes_detail(several)
    liar.lies.clear()
    check_everything(several, name, receipts)
