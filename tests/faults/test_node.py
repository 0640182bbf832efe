"""The node is away, went back, or is another one."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine
from support.everything import check_everything
from support.records import donation
from support.station import Site, Station, build_site, station

from chainsvc import devnet
from chainsvc.errors import NetworkMismatch, NodeUnavailable
from chainsvc.journal import transactions


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Site]:
    try:
        yield build_site(tmp_path)
    finally:
        devnet.down(tmp_path / "devnet")


@pytest.fixture
def alone(own_site: Site, engine: Engine) -> Iterator[Station]:
    with station(own_site, engine) as made:
        yield made


def test_intake_goes_on_without_a_node_and_anchoring_resumes(alone: Station) -> None:
    name = alone.open().name
    receipts = alone.accept(name, [donation(name, 0)])
    alone.settle(name)
    devnet.down(alone.site.home / "devnet")
    receipts += alone.accept(name, [donation(name, n) for n in range(1, 40)])
    with pytest.raises(NodeUnavailable):
        alone.parts.worker.round()
    assert alone.parts.service.ready().ready
    devnet.up(alone.site.home / "devnet")
    alone.settle(name)
    check_everything(alone, name, receipts)


def test_a_service_starts_without_a_node_and_takes_records(own_site: Site, engine: Engine) -> None:
    with station(own_site, engine) as made:
        name = made.open().name
        made.settle(name)
    devnet.down(own_site.home / "devnet")
    with station(own_site, engine) as made:
        receipts = made.accept(name, [donation(name, 1)])
        devnet.up(own_site.home / "devnet")
        made.settle(name)
        check_everything(made, name, receipts)


def test_anchors_that_vanished_are_sent_again(alone: Station) -> None:
    name = alone.open().name
    receipts = alone.accept(name, [donation(name, 0)])
    alone.settle(name)
    snapshot = _rpc(alone, "evm_snapshot")
    receipts += alone.accept(name, [donation(name, n) for n in range(1, 40)])
    alone.settle(name)
    _rpc(alone, "evm_revert", snapshot)
    assert alone.parts.worker.round().lost == 1
    alone.settle(name)
    check_everything(alone, name, receipts)


def test_a_final_anchor_that_is_taken_back_is_an_alarm_with_both_hashes_until_it_is_final_again(
    alone: Station, capsys: pytest.CaptureFixture[str]
) -> None:
    name = alone.open().name
    alone.settle(name)
    snapshot = _rpc(alone, "evm_snapshot")
    receipts = alone.accept(name, [donation(name, n) for n in range(3)])
    alone.settle(name)
    anchored = alone.parts.service.batches(name, None, 1).items[0]
    assert anchored.block is not None
    assert anchored.block_hash is not None
    before = _taken_back()
    _rpc(alone, "evm_revert", snapshot)
    _rpc(alone, "anvil_mine", "0x5")
    alone.parts.worker.round()
    now = alone.parts.node.block(anchored.block).hash
    told = f"block {anchored.block} was {anchored.block_hash.hex()} and is {now.hex()}"
    assert now != anchored.block_hash
    assert told in (alone.parts.worker.trouble or "")
    assert "final_taken_back" in capsys.readouterr().err
    assert _taken_back() == before + 1
    alone.settle(name)
    alone.parts.worker.round()
    assert alone.parts.worker.trouble is None
    check_everything(alone, name, receipts)


def _taken_back() -> float:
    return REGISTRY.get_sample_value("chainsvc_finals_taken_back_total") or 0.0


def test_a_ledger_whose_opening_vanished_is_opened_again(alone: Station) -> None:
    alone.settle(alone.open().name)
    snapshot = _rpc(alone, "evm_snapshot")
    name = alone.open().name
    receipts = alone.accept(name, [donation(name, n) for n in range(3)])
    alone.settle(name)
    _rpc(alone, "evm_revert", snapshot)
    alone.settle(name)
    check_everything(alone, name, receipts)


def test_an_anchor_that_moved_to_another_block_is_recorded_anew(alone: Station) -> None:
    name = alone.open().name
    alone.settle(name)
    snapshot = _rpc(alone, "evm_snapshot")
    receipts = alone.accept(name, [donation(name, n) for n in range(3)])
    alone.settle(name)
    with alone.parts.engine.connect() as conn:
        raw = transactions.mined_from_block(conn, 0)[-1].raw
    _rpc(alone, "evm_revert", snapshot)
    _rpc(alone, "evm_mine")
    _rpc(alone, "eth_sendRawTransaction", f"0x{raw.hex()}")
    alone.settle(name)
    check_everything(alone, name, receipts)


def test_a_killed_node_comes_back_and_everything_is_there(alone: Station) -> None:
    name = alone.open().name
    alone.settle(name)
    home = alone.site.home / "devnet"
    receipts = []
    for turn in range(3):
        receipts += alone.accept(name, [donation(name, 100 * turn + n) for n in range(20)])
        alone.settle(name)
        running = devnet.status(home)
        assert running is not None
        assert running.pid is not None
        os.kill(running.pid, signal.SIGKILL)
        devnet.up(home)
    receipts += alone.accept(name, [donation(name, 9_999)])
    alone.settle(name)
    check_everything(alone, name, receipts)


def test_a_reset_devnet_is_refused_as_another_network(alone: Station) -> None:
    home = alone.site.home / "devnet"
    alone.parts.worker.round()
    devnet.reset(home)
    devnet.up(home)
    with pytest.raises(NetworkMismatch) as caught:
        alone.parts.worker.round()
    assert caught.value.expected == alone.parts.network.genesis.hex()
    assert caught.value.got not in (None, caught.value.expected)


def test_a_service_refuses_to_start_on_a_reset_devnet(own_site: Site, engine: Engine) -> None:
    devnet.reset(own_site.home / "devnet")
    devnet.up(own_site.home / "devnet")
    with pytest.raises(NetworkMismatch, match="genesis"), station(own_site, engine):
        pass


def _rpc(made: Station, method: str, *params: object) -> object:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return httpx.post(made.site.local.url, json=body, trust_env=False).json()["result"]
