"""A node that has forgotten old states is refused where its engine's nodes have to keep them."""

from types import SimpleNamespace
from typing import NoReturn, cast

import pytest

from chainsvc.chain.identity import check_kept_states
from chainsvc.chain.node import Node
from chainsvc.errors import ConfigurationRefused, StateUnavailable
from chainsvc.network import Engine, Network, Validators

REGISTER = b"\x01" * 20


def network(engine: str, *since: int) -> Network:
    pinned = Engine(engine, "block", 1)
    epochs = tuple(Validators(number, (REGISTER,)) for number in since)
    return cast(
        "Network", SimpleNamespace(engine=pinned, validators=epochs, institutions=SimpleNamespace(address=REGISTER))
    )


class Forgetful:
    url = "http://node.example"

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, object]] = []

    def as_node(self) -> Node:
        return cast("Node", self)

    def proof(self, address: bytes, slots: object, at: int) -> NoReturn:
        del slots
        self.asked.append((address, at))
        raise StateUnavailable("gone", got="missing trie node")


@pytest.mark.parametrize("engine", ["clique", "qbft"])
def test_the_state_of_the_first_contracts_block_must_be_there(engine: str) -> None:
    node = Forgetful()
    with pytest.raises(ConfigurationRefused, match="does not keep old states") as caught:
        check_kept_states(node.as_node(), network(engine, 17, 90))
    assert node.asked == [(REGISTER, 17)]
    assert "archive" in str(caught.value)


@pytest.mark.parametrize("engine", ["anvil", "other"])
def test_where_old_states_are_not_promised_none_is_asked_for(engine: str) -> None:
    node = Forgetful()
    check_kept_states(node.as_node(), network(engine, 17))
    check_kept_states(node.as_node(), network("clique"))  # nobody pinned, so no block to begin from
    assert node.asked == []
