import os
import secrets
import signal
import time
from pathlib import Path

import pytest
from support.chain import Chain

from chainsvc import devnet
from chainsvc.chain.events import Anchored
from chainsvc.chain.identity import check_network
from chainsvc.chain.ledgers import Anchor
from chainsvc.chain.watch import vanished
from chainsvc.devnet.process import Process
from chainsvc.errors import NetworkMismatch, NodeUnavailable, StateUnavailable

pytestmark = pytest.mark.node


def kill(pid: int | None) -> None:
    assert pid is not None
    process = Process.of(pid)
    os.kill(pid, signal.SIGKILL)
    while process.alive:
        time.sleep(0.01)


def anchored(chain: Chain, ledger: bytes, first: int) -> Anchored:
    contract = chain.ledgers("charity")
    call = contract.anchor([Anchor(ledger, first, 40, secrets.token_bytes(32), 1, 0)])
    (event,) = contract.events_of(chain.send(contract.address, call))
    assert isinstance(event, Anchored)
    return event


def test_stop_and_start_keep_anchors_code_and_old_proofs(own_chain: Chain) -> None:
    chain, contract = own_chain, own_chain.ledgers("charity")
    ledger = chain.ledger("charity", chain.organization()).ledger_id
    first, second = anchored(chain, ledger, 0), anchored(chain, ledger, 40)
    root = chain.node.block(first.place.block).state_root
    devnet.down(chain.devnet.home)
    with pytest.raises(NodeUnavailable):
        chain.node.head()

    assert devnet.up(chain.devnet.home, heartbeat=0).url == chain.node.url
    check_network(chain.node, chain.deployment.network)
    assert contract.head_of(ledger, 1) == second.head
    assert contract.head_of(ledger, 1, at=first.place.block) == bytes(32)
    assert not vanished(chain.node, first.place.block, first.place.block_hash)
    assert chain.node.block(first.place.block).state_root == root
    assert list(contract.events(0, chain.node.head().number, name="Anchored")) == [first, second]
    assert anchored(chain, ledger, 80).k == 2


def test_kill_after_a_second_keeps_the_anchor(own_chain: Chain) -> None:
    chain, contract = own_chain, own_chain.ledgers("charity")
    ledger = chain.ledger("charity", chain.organization()).ledger_id
    event = anchored(chain, ledger, 0)
    time.sleep(1)
    kill(chain.devnet.pid)

    devnet.up(chain.devnet.home, heartbeat=0)
    check_network(chain.node, chain.deployment.network)
    assert contract.head_of(ledger, 0) == event.head
    assert not vanished(chain.node, event.place.block, event.place.block_hash)


def test_anchor_lost_in_a_crash_is_found_vanished_and_can_be_sent_again(own_chain: Chain) -> None:
    chain, contract = own_chain, own_chain.ledgers("charity")
    ledger = chain.ledger("charity", chain.organization()).ledger_id
    kept = anchored(chain, ledger, 0)
    time.sleep(1)
    keeper = chain.devnet.keeper_pid
    assert keeper is not None
    os.kill(keeper, signal.SIGSTOP)  # nothing is saved from here on, as in the last half second before a power cut
    lost = anchored(chain, ledger, 40)
    kill(chain.devnet.pid)
    kill(keeper)

    devnet.up(chain.devnet.home, heartbeat=0)
    assert not vanished(chain.node, kept.place.block, kept.place.block_hash)
    assert vanished(chain.node, lost.place.block, lost.place.block_hash)
    assert contract.state_of(ledger).next_seq == 40
    again = anchored(chain, ledger, 40)
    assert (again.k, again.prev) == (lost.k, lost.prev)
    assert vanished(chain.node, lost.place.block, lost.place.block_hash)


def test_old_states_saved_at_a_stop_survive_a_later_kill(own_chain: Chain) -> None:
    chain = own_chain
    block = chain.node.head()
    devnet.down(chain.devnet.home)
    running = devnet.up(chain.devnet.home, heartbeat=0)
    anchored(chain, chain.ledger("charity", chain.organization()).ledger_id, 0)
    time.sleep(1)
    kill(running.pid)

    devnet.up(chain.devnet.home, heartbeat=0)
    assert chain.node.proof(chain.institutions.address, [], block.number - 1).nodes


def test_history_cut_short_by_a_kill_costs_old_states_only(own_chain: Chain, tmp_path: Path) -> None:
    chain = own_chain
    block = chain.node.head()
    devnet.down(chain.devnet.home)
    history = (tmp_path / "history.json").read_bytes()
    (tmp_path / "history.json").write_bytes(history[: len(history) // 2])

    devnet.up(chain.devnet.home, heartbeat=0)
    assert chain.node.head() == block
    check_network(chain.node, chain.deployment.network)
    with pytest.raises(StateUnavailable):
        chain.node.proof(chain.institutions.address, [], block.number - 1)


def test_reset_is_another_network_and_names_both(own_chain: Chain) -> None:
    chain = own_chain
    time.sleep(1)  # the genesis block differs by its time, in whole seconds
    devnet.reset(chain.devnet.home)
    devnet.up(chain.devnet.home, heartbeat=0)
    with pytest.raises(NetworkMismatch) as caught:
        check_network(chain.node, chain.deployment.network)
    assert caught.value.expected == chain.deployment.network.genesis.hex()
    assert caught.value.got == chain.node.genesis().hex()
