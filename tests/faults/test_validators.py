"""What befalls a network of four validators of different institutions, while records come in: no promise is broken.

One network for all of them, since it takes a minute to make; each test heals what it broke and then proves everything.
"""

from collections.abc import Iterator

import pytest
from support.drill.trial import Trial, trial
from support.drill.validators import eventually

from chainsvc.devnet.consortium.judging import Condition

pytestmark = [pytest.mark.node, pytest.mark.database, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with trial(tmp_path_factory.mktemp("trial")) as built:
        yield built


def test_with_one_validator_killed_anchoring_goes_on(made: Trial) -> None:
    with made.load():
        made.validators.kill(2)
        made.wait_accepted(20)
        made.wait_anchored()
        made.wait_told(made.plant.site.local.urls[1], "silent")
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


def test_a_validators_node_that_lies_is_caught_and_changes_nothing(made: Trial) -> None:
    relay = made.relay
    made.liars.add(relay.url)
    with made.load():
        relay.lies["eth_getTransactionReceipt"] = lambda _, true: true and true | {"status": "0x0", "logs": []}
        relay.lies["eth_getLogs"] = lambda _params, _true: []
        relay.lies["eth_call"] = lambda _params, _true: "0x"
        made.wait_told(relay.url, "wrong")
        made.wait_anchored()
        relay.lies.clear()
    made.prove()
