from types import SimpleNamespace
from typing import cast

import pytest

from chainsvc.chain.engines import ANVIL, ENGINES, GasPolicy, engine_of, profile_of
from chainsvc.chain.node import Fees, Node
from chainsvc.devnet import STATES_KEPT
from chainsvc.errors import ConfigurationRefused
from chainsvc.network import Engine as Pinned

GAS = GasPolicy(most=10**9, priority=1, margin_percent=25, replace_percent=10)


def test_engines_are_found_by_the_name_in_the_descriptor() -> None:
    assert engine_of("anvil") is ANVIL
    assert {name: engine.name for name, engine in ENGINES.items()} == {name: name for name in ENGINES}


def test_unknown_engine_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationRefused) as caught:
        engine_of("raft")
    assert (caught.value.expected, caught.value.got) == ("anvil or clique or qbft or other", "raft")


def test_what_a_descriptor_pins_goes_before_the_engines_own() -> None:
    pinned = Pinned(name="other", finality="confirmations:30", block_time=5)
    profile = profile_of(pinned)
    assert (profile.finality.text, profile.block_time, profile.gas) == ("confirmations:30", 5, ENGINES["other"].gas)


def test_where_gas_is_free_nothing_is_offered_until_the_base_fee_rises() -> None:
    free = ENGINES["qbft"].gas
    assert free.fees(node_with_base_fee(0)) == Fees(0, 0)
    assert free.fees(node_with_base_fee(7)) == Fees(14, 0)


def test_on_clique_the_least_price_that_geth_takes_is_offered() -> None:
    assert ENGINES["clique"].gas.fees(node_with_base_fee(3)) == Fees(10**9, 1)


def node_with_base_fee(fee: int) -> Node:
    return cast("Node", SimpleNamespace(base_fee=lambda: fee))


def test_devnet_keeps_the_states_that_its_profile_promises() -> None:
    assert ANVIL.proof_depth == STATES_KEPT


@pytest.mark.parametrize(
    ("fees", "raised"),
    [
        (Fees(10**9, 1), Fees(1_100_000_000, 2)),
        (Fees(0, 0), Fees(1, 1)),  # a free chain still wants to see more
        (Fees(15, 11), Fees(17, 13)),  # rounded up: 10 % at least
    ],
)
def test_replacement_raises_both_fees_by_ten_percent_at_least(fees: Fees, raised: Fees) -> None:
    assert GAS.replacing(fees) == raised


def test_nodes_that_ask_for_more_are_offered_ten_times_as_much_up_to_one_gwei() -> None:
    assert GAS.outbidding(Fees(10**9, 1)) == Fees(1_100_000_000, 10)
    assert GAS.outbidding(Fees(0, 0)) == Fees(1, 1)
    assert GAS.outbidding(Fees(10**9, 10**8)) == Fees(2 * 10**9, 10**9)
    assert GAS.outbidding(Fees(2 * 10**9, 10**9)) is None


def test_gas_limit_has_its_margin() -> None:
    assert GAS.gas_limit(80_001) == 100_001
