"""Four real validators on the loopback interface."""

import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from support.command_line import call, document, problem
from support.drill.validators import Validators, eventually, within
from support.watchdog import watchdog

from chainsvc import devnet
from chainsvc.devnet import consortium
from chainsvc.devnet.consortium.curing import cure
from chainsvc.devnet.consortium.folder import Consortium, Validator
from chainsvc.devnet.consortium.judging import Condition, Judgement, judge
from chainsvc.devnet.consortium.links import mend, part, peers
from chainsvc.devnet.consortium.views import View, block, views
from chainsvc.devnet.consortium.waiting import wait_moving
from chainsvc.devnet.consortium.watching import look
from chainsvc.devnet.found import alone
from chainsvc.devnet.process import Process
from chainsvc.errors import ConfigurationRefused, Conflict, NodeUnavailable, NotFound

pytestmark = [pytest.mark.node, pytest.mark.timeout(900)]

SOMEONE = bytes.fromhex("11" * 20)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    above = tmp_path_factory.mktemp("consortium")
    folder = above / "devnet"
    try:
        devnet.up(folder, engine="clique")
        with watchdog(above, above / "watchdog.log"):
            yield folder
    finally:
        devnet.down(folder)


@pytest.fixture
def four(home: Path) -> Consortium:
    """Give all four running, connected, and sealing, whatever the test before did."""
    devnet.up(home)
    return Consortium.read(home)


def seen(found: Consortium) -> list[View]:
    return [view for view in views(found).values() if view is not None]


def judged(found: Consortium) -> Judgement:
    return judge(views(found), found.period, time.time())


def balance(one: Validator, address: bytes) -> int:
    return int(one.call("eth_getBalance", f"0x{address.hex()}", "latest"), 16)


def test_up_leaves_what_runs_and_the_chain_has_its_id(four: Consortium, home: Path) -> None:
    running = devnet.status(home)
    assert running is not None
    assert devnet.up(home) == running
    assert (running.engine, running.running, len(running.urls)) == ("clique", True, 4)
    assert {one.call("eth_chainId") for one in four.validators} == {hex(devnet.CHAIN_ID)}
    linked = [{2, 3, 4}, {1, 3, 4}, {1, 2, 4}, {1, 2, 3}]
    eventually(lambda: [peers(four, one) for one in four.validators] == linked, "not all connected")


def test_all_seal_in_turn_and_one_look_tells_who(four: Consortium) -> None:
    eventually(lambda: min(view.height for view in seen(four)) > 8, "no eight blocks")
    sight = look(four, blocks=8)
    assert sight.judgement.condition is Condition.MOVING
    assert sight.blocks == 8 == sum(sight.sealed.values())
    assert sum(1 for count in sight.sealed.values() if count) >= 3


def test_fund_gives_gas_money_on_every_validator(four: Consortium, home: Path) -> None:
    running = devnet.status(home)
    assert running is not None
    before = balance(four.validators[0], SOMEONE)
    devnet.fund(running, [SOMEONE, SOMEONE], 7)
    eventually(lambda: {balance(one, SOMEONE) for one in four.validators} == {before + 14}, "not on all")


def test_every_validator_proves_the_state_of_the_first_block(four: Consortium) -> None:
    eventually(lambda: seen(four)[0].height > 5, "no blocks")
    for one in four.validators:
        proof = one.call("eth_getProof", f"0x{four.validators[0].address.hex()}", [], "0x0")
        assert int(proof["balance"], 16) > 0


def test_one_killed_and_the_others_go_on_and_it_comes_back(four: Consortium, home: Path) -> None:
    consortium.kill_validator(home, 1)
    running = devnet.status(home)
    assert running is not None
    assert not running.running
    assert running.url == four.validators[1].url  # the first that runs
    wait_moving(four)
    height = max(view.height for view in seen(four))
    consortium.start_validator(home, 1)
    assert peers(four, four.validators[0]) == {2, 3, 4}
    assert views_of(four, 1).height >= height
    wait_moving(four)
    eventually(lambda: len({view.hash for view in seen(four)}) == 1 and len(seen(four)) == 4, "not of one mind")


def test_two_stopped_stand_still_which_is_named_and_the_third_sets_them_going(four: Consortium, home: Path) -> None:
    consortium.stop_validator(home, 3)
    consortium.stop_validator(home, 4)
    eventually(lambda: judged(four).condition is Condition.TOO_FEW, "not named")
    assert judged(four).answering == (1, 2)
    consortium.start_validator(home, 3)
    wait_moving(four)
    eventually(lambda: judged(four).well, "does not move")


def test_all_killed_at_once_lose_no_block(four: Consortium, home: Path) -> None:
    before = max(seen(four), key=lambda view: view.total_difficulty)
    for one in four.validators:
        consortium.kill_validator(home, one.number)
    devnet.up(home)
    wait_moving(four)
    kept = [block(one, f"0x{before.hash.hex()}") for one in four.validators]
    assert any(found is not None for found in kept)


def test_a_wiped_validator_learns_all_from_the_others(four: Consortium, home: Path) -> None:
    genesis = block(four.validators[1], "0x0")
    consortium.wipe_validator(home, 2)
    assert not four.validators[1].database.exists()
    consortium.start_validator(home, 2)
    wait_moving(four)
    assert block(four.validators[1], "0x0") == genesis
    address = four.validators[1].address
    assert Consortium.read(home).validators[1].address == address


def test_three_go_on_without_the_one_that_is_cut_off_which_follows_them_afterwards(four: Consortium) -> None:
    height = _without_the_fourth(four)
    assert views_of(four, 4).height <= height + 3
    mend(four)
    eventually(lambda: views_of(four, 4).height > height + 4, "the one does not follow")


def _without_the_fourth(four: Consortium) -> int:
    """Cut it off, and return the height from which the others went on; where the cut left them at odds, once more."""
    for _ in range(5):
        part(four, [1, 2, 3], [4])
        assert peers(four, four.validators[3]) == frozenset()
        height = seen(four)[0].height
        if within(45, partial(is_beyond, four, height + 4)):
            return height
        mend(four)
        wait_moving(four)
    raise AssertionError("the three do not go on")


def is_beyond(found: Consortium, height: int) -> bool:
    return views_of(found, 1).height > height


def views_of(found: Consortium, number: int) -> View:
    view = views(found)[number]
    assert view is not None
    return view


def test_the_deadlock_of_an_even_split_is_noticed_and_cured(four: Consortium, home: Path) -> None:
    with alone(home):  # the watchdog would be first
        Validators(home).deadlock(loaded=False)
        judgement = judged(four)
        assert (judgement.condition, [len(side) for side in judgement.sides]) == (Condition.DEADLOCKED, [2, 2])
        stuck = max(view.height for view in seen(four))
        done = cure(four, judgement)
        assert done.validators == judgement.sides[0]
        assert done.height < stuck
        eventually(lambda: judged(four).well, "the cure does not help")
    eventually(lambda: min(view.height for view in seen(four)) > stuck, "not all go on")


def test_a_validator_leaves_and_comes_back_by_vote(four: Consortium) -> None:
    """As docs/consortium.md tells operators."""
    leaving = four.validators[3]
    vote(four, leaving, stays=False)
    eventually(lambda: leaving.address not in signers(four), "not voted out")
    assert len(signers(four)) == 3
    wait_moving(four)
    vote(four, leaving, stays=True)
    eventually(lambda: leaving.address in signers(four), "not voted in")
    eventually(lambda: look(four, blocks=8).sealed[leaving.number] > 0, "seals nothing")


def vote(found: Consortium, about: Validator, *, stays: bool) -> None:
    address = f"0x{about.address.hex()}"
    for one in found.others(about):
        one.call("clique_propose", address, stays)
    eventually(lambda: (about.address in signers(found)) is stays, "the vote has no effect")
    for one in found.others(about):
        one.call("clique_discard", address)


def signers(found: Consortium) -> set[bytes]:
    return {bytes.fromhex(address[2:]) for address in found.validators[0].call("clique_getSigners", "latest")}


def test_a_moving_network_is_not_cured(four: Consortium) -> None:
    eventually(lambda: judged(four).well, "stands still")
    with pytest.raises(Conflict, match="only a deadlock"):
        cure(four, judged(four))


@pytest.fixture
def _of_the_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINSVC_HOME", str(home.parent))


@pytest.mark.usefixtures("_of_the_home", "four")
def test_the_command_line_stops_starts_and_shows_validators() -> None:
    again = document(call("devnet", "up", "--json"))
    assert (again["engine"], again["running"], len(again["validators"])) == ("clique", True, 4)
    assert document(call("devnet", "stop-validator", 2, "--json")) == {"validator": 2, "running": False}
    shown = document(call("devnet", "status", "--json"))
    assert (shown["running"], shown["answering"]) == (False, [1, 3, 4])
    assert "height" not in shown["validators"][1]
    assert sum(one["sealed"] for one in shown["validators"]) == shown["blocks"] > 0
    assert "3 of 4 validators answer" in call("devnet", "status").stdout
    assert document(call("devnet", "start-validator", 2, "--json")) == {"validator": 2, "running": True}


@pytest.mark.usefixtures("_of_the_home")
def test_watch_tells_by_its_exit_status_whether_the_chain_moves(four: Consortium, home: Path) -> None:
    moving = call("devnet", "watch", "--once", "--json")
    assert (moving.exit_code, document(moving)["condition"]) == (0, "moving")
    refused = call("devnet", "cure", "--json")
    assert (refused.exit_code, problem(refused)["code"]) == (Conflict.exit_code, Conflict.code)
    for number in (1, 2):
        consortium.stop_validator(home, number)
    eventually(lambda: judged(four).condition is Condition.TOO_FEW, "not named")
    still = call("devnet", "watch", "--once", "--json")
    assert (still.exit_code, document(still)["condition"]) == (NodeUnavailable.exit_code, "too-few")


def test_another_engine_or_number_of_validators_is_refused(four: Consortium, home: Path) -> None:
    with pytest.raises(ConfigurationRefused) as caught:
        devnet.up(home, engine="anvil")
    assert (caught.value.expected, caught.value.got) == ("anvil", "clique")
    with pytest.raises(ConfigurationRefused, match="another number of validators"):
        devnet.up(home, validators=len(four.validators) + 1)
    with pytest.raises(NotFound, match="1 to 4"):
        consortium.stop_validator(home, 5)


def test_stop_and_start_keep_the_chain_and_strangers_pids_are_left_alone(four: Consortium, home: Path) -> None:
    before = seen(four)[0]
    devnet.down(home)
    stopped = devnet.status(home)
    assert stopped is not None
    assert [one.pid for one in stopped.validators] == [None] * 4
    four.validators[0].keep_process(Process(os.getpid(), "long ago"))
    devnet.down(home)  # would end this test run if the start time were not compared
    devnet.up(home)
    found = block(four.validators[0], f"0x{before.hash.hex()}")
    assert int(found["number"], 16) == before.height


def test_reset_begins_another_network_with_other_keys_at_the_same_ports(tmp_path: Path) -> None:
    try:
        first = devnet.up(tmp_path, engine="clique", validators=1)
        genesis = block(Consortium.read(tmp_path).validators[0], "0x0")["hash"]
        devnet.reset(tmp_path)
        forgotten = devnet.status(tmp_path)
        assert forgotten is not None
        assert forgotten.validators[0].address is None
        again = devnet.up(tmp_path)
        assert again.urls == first.urls
        assert again.validators[0].address != first.validators[0].address
        assert block(Consortium.read(tmp_path).validators[0], "0x0")["hash"] != genesis
    finally:
        devnet.down(tmp_path)
