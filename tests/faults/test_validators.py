"""What befalls a network of four validators of different institutions, while records come in: no promise is broken.

One network for all of them, since it takes a minute to make; each test heals what it broke and then proves everything.
"""

from collections.abc import Iterator

import pytest
from support.drill.trial import Trial, trial
from support.drill.validators import eventually
from support.fake_chain import FakeChain, FakeNode

from chainsvc import devnet
from chainsvc.devnet.consortium.judging import Condition

pytestmark = [pytest.mark.node, pytest.mark.database, pytest.mark.timeout(1200)]

SOMEONE = bytes.fromhex("11" * 20)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with trial(tmp_path_factory.mktemp("trial")) as built:
        yield built


def test_with_one_validator_killed_anchoring_goes_on(made: Trial) -> None:
    with made.load():
        made.validators.kill(2)
        made.wait_accepted(20)
        made.wait_anchored()
        made.wait_told(made.relays[1].url, "silent")
    made.prove()


def test_with_two_killed_receipts_are_given_and_anchoring_waits_until_they_are_back(made: Trial) -> None:
    with made.load():
        made.validators.kill(1, 3)
        eventually(lambda: made.validators.judged().condition is Condition.TOO_FEW, "too few told")
        made.wait_standing()
        made.validators.start()
        made.wait_anchored()
    made.prove()


def test_all_killed_at_once_and_half_of_them_wiped_lose_nothing(made: Trial) -> None:
    with made.load():
        made.validators.kill()
        made.validators.wipe(2)
        made.validators.wipe(3)
        made.wait_accepted(20)
        made.validators.start()
        made.wait_anchored()
    made.prove()


def test_anchors_in_a_branch_that_one_validator_sealed_alone_fall_out_and_are_sent_again(made: Trial) -> None:
    network = made.validators
    with made.load():
        network.rest(4)
        network.wait_blocks(3)  # then it may seal the next one whoever else does
        made.lose_at(1, 2, 3)
        network.part([1, 2, 3], [4])
        network.wait_pooled("pending", 4)
        network.wake(4)
        aside = network.wait_own_block(4)
        made.lose_at()
        made.wait_anchored()
        network.mend()
    made.prove()
    for one in network.network.validators:
        places = {one.call("eth_getTransactionReceipt", sent)["blockHash"] for sent in aside["transactions"]}
        assert aside["hash"] not in places


def test_a_transaction_that_all_nodes_lost_is_sent_again_and_those_behind_it_follow(made: Trial) -> None:
    with made.load():
        made.lose_one_of(made.accounts[0])
        with made.opening(2):
            made.wait_lost()
            made.validators.wait_pooled("queued")
            made.lose_at()
        made.wait_anchored()
    made.prove()


def test_a_deadlock_with_anchors_on_both_sides_is_noticed_and_cured_by_the_watchdog(made: Trial) -> None:
    with made.load(tended=False):
        made.lose_at(1, 2, 3, 4)
        made.wait_lost()
        made.lose_at()
        made.validators.deadlock()
        made.wait_standing()
        with made.watchdog() as told:
            made.wait_anchored()
            assert "deadlocked for good" in told()
            eventually(lambda: "Set back" in told(), "the cure told")  # when all links are there again
    made.prove()


def test_gas_money_arrives_though_the_validators_were_deadlocked(made: Trial) -> None:
    made.validators.deadlock(loaded=False)
    devnet.fund(made.plant.site.local, [SOMEONE], 7)
    assert int(made.validators.network.validators[0].call("eth_getBalance", f"0x{SOMEONE.hex()}", "latest"), 16) == 7
    eventually(lambda: made.validators.judged().well, "of one mind")


def test_when_validators_ask_for_more_gas_money_what_waits_is_signed_anew(made: Trial) -> None:
    with made.load():
        made.validators.ask_price(1000)
        made.wait_anchored()
        made.validators.ask_price(1)
    made.prove()
    assert made.logs.events["fee_raised"] > 0


def test_an_even_split_stands_still_and_goes_on_when_its_links_are_back(made: Trial) -> None:
    with made.load(tended=False), made.watchdog() as told:
        made.validators.part([1, 3], [2, 4])
        eventually(lambda: "not all connected" in told(), "parted told")
        made.wait_standing()
        made.validators.mend()
        made.wait_anchored()
    made.prove()


def test_a_node_that_answers_from_another_chain_is_left_out(made: Trial) -> None:
    relay = made.relays[2]
    with made.load():
        relay.instead = FakeNode(FakeChain().grow(40))
        made.wait_told(relay.url, "other-chain")
        made.wait_anchored()
        relay.instead = None
    made.prove()
    made.restart()


def test_a_validators_node_that_lies_is_caught_and_changes_nothing(made: Trial) -> None:
    relay = made.relays[3]
    made.liars.add(relay.url)
    with made.load():
        relay.lies["eth_getTransactionReceipt"] = lambda _, true: true and true | {"status": "0x0", "logs": []}
        relay.lies["eth_getLogs"] = lambda _params, _true: []
        relay.lies["eth_call"] = lambda _params, _true: "0x"
        made.wait_told(relay.url, "wrong")
        made.wait_anchored()
        relay.lies.clear()
    made.prove()
