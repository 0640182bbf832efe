import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chainsvc import devnet
from chainsvc.devnet import Devnet, rpc
from chainsvc.devnet.home import Home
from chainsvc.devnet.ports import free_port
from chainsvc.devnet.process import Process
from chainsvc.errors import ConfigurationRefused, NodeUnavailable

pytestmark = pytest.mark.node

SOMEONE = bytes.fromhex("11" * 20)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    devnet.down(tmp_path)


def ask(running: Devnet, method: str, *params: object) -> Any:
    return rpc.call(Home.read(running.home).port, method, *params)


def block(running: Devnet, tag: str) -> tuple[str, str]:
    found = ask(running, "eth_getBlockByNumber", tag, False)  # noqa: FBT003
    return found["number"], found["hash"]


def kill(pid: int | None) -> None:
    assert pid is not None
    process = Process.of(pid)
    os.kill(pid, signal.SIGKILL)
    while process.alive:
        time.sleep(0.01)


def test_starts_once_and_answers_with_its_chain_id(home: Path) -> None:
    first = devnet.up(home)
    second = devnet.up(home)
    assert first == second
    assert first.running
    assert ask(first, "eth_chainId") == hex(20260)


def test_a_port_that_is_being_given_up_is_waited_for(home: Path) -> None:
    with socket.socket() as dying:
        dying.bind(("127.0.0.1", 0))
        dying.listen()
        port = dying.getsockname()[1]
        threading.Timer(0.3, dying.close).start()
        assert devnet.up(home, port=port).url.endswith(f":{port}")


def test_stop_and_start_keep_chain_port_and_old_states(home: Path) -> None:
    running = devnet.up(home)
    devnet.fund(running, [SOMEONE], 1)
    ask(running, "evm_mine")  # anvil's setBalance reaches back into the state of the head
    devnet.fund(running, [SOMEONE], 2)
    head = block(running, "latest")
    devnet.down(home)
    stopped = devnet.status(home)
    assert stopped is not None
    assert (stopped.pid, stopped.keeper_pid) == (None, None)

    again = devnet.up(home)
    assert again.url == running.url
    assert block(again, "latest") == head
    address = f"0x{SOMEONE.hex()}"
    assert [ask(again, "eth_getBalance", address, hex(n)) for n in (1, 3)] == ["0x1", "0x2"]


def test_kill_of_anvil_keeps_the_chain_but_the_last_second(home: Path) -> None:
    running = devnet.up(home)
    devnet.fund(running, [SOMEONE])
    kept = block(running, "latest")
    time.sleep(1)
    devnet.fund(running, [SOMEONE])
    kill(running.pid)

    again = devnet.up(home)
    assert again.pid != running.pid
    assert block(again, kept[0]) == kept


def test_kill_right_after_start_keeps_the_genesis_block(home: Path) -> None:
    running = devnet.up(home)
    genesis = block(running, "0x0")
    kill(running.pid)
    assert block(devnet.up(home), "0x0") == genesis


def test_kill_of_the_keeper_loses_nothing_at_the_next_start(home: Path) -> None:
    running = devnet.up(home)
    kill(running.keeper_pid)
    devnet.fund(running, [SOMEONE])
    head = block(running, "latest")
    alone = devnet.status(home)
    assert alone is not None
    assert not alone.running

    assert block(devnet.up(home), "latest") == head


def test_reset_begins_another_chain_on_the_same_port(home: Path) -> None:
    running = devnet.up(home)
    genesis = block(running, "0x0")
    time.sleep(1)  # the genesis block differs by its time, in whole seconds
    devnet.reset(home)
    again = devnet.up(home)
    assert again.url == running.url
    assert block(again, "0x0") != genesis


def test_idle_chain_mines_a_block_each_heartbeat(home: Path) -> None:
    running = devnet.up(home, heartbeat=1)
    deadline = time.monotonic() + 60
    while int(ask(running, "eth_blockNumber"), 16) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_other_chain_id_is_refused_and_names_both(home: Path) -> None:
    devnet.up(home)
    with pytest.raises(ConfigurationRefused) as caught:
        devnet.up(home, chain_id=7)
    assert (caught.value.expected, caught.value.got) == ("7", "20260")


def test_taken_port_is_refused_and_the_stranger_lives(home: Path, tmp_path: Path) -> None:
    port = free_port()
    stranger = devnet.up(tmp_path / "stranger", port=port)
    try:
        with pytest.raises(ConfigurationRefused, match="another program listens"):
            devnet.up(home / "own", port=port)
        assert ask(stranger, "eth_chainId")
    finally:
        devnet.down(tmp_path / "stranger")


def test_pid_of_another_process_is_never_stopped(home: Path) -> None:
    devnet.up(home)
    devnet.down(home)
    ours = Process(os.getpid(), "long ago")
    Home.read(home).write_processes(ours, ours)
    stopped = devnet.status(home)
    assert stopped is not None
    assert not stopped.running
    devnet.down(home)  # would end this test run if the start time were not compared


def test_broken_binary_is_told_with_its_last_words(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "anvil"
    fake.write_text("#!/bin/sh\necho 'no such flag' >&2\nexit 2\n")
    fake.chmod(0o700)
    monkeypatch.setenv("CHAINSVC_ANVIL", str(fake))
    with pytest.raises(NodeUnavailable, match="no such flag"):
        devnet.up(home)


def test_missing_binary_is_told_with_the_command_to_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINSVC_ANVIL", str(home / "nothing"))
    with pytest.raises(NodeUnavailable, match="npm ci"):
        devnet.up(home)


def test_a_chain_ahead_of_the_clock_never_goes_back_in_time(home: Path) -> None:
    running = devnet.up(home)
    ask(running, "evm_increaseTime", 1_000)
    ask(running, "evm_mine")
    before = int(ask(running, "eth_getBlockByNumber", "latest", False)["timestamp"], 16)  # noqa: FBT003
    devnet.down(home)
    running = devnet.up(home)
    ask(running, "evm_mine")
    after = int(ask(running, "eth_getBlockByNumber", "latest", False)["timestamp"], 16)  # noqa: FBT003
    assert after >= before > time.time() + 900
