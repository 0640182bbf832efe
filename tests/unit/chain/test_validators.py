"""Who seals, as nodes tell it, and the epochs that a deployment or a successor pins."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.captured_seals import QBFT, header, trusted
from support.paper_seals import ADDRESSES

from chainsvc.chain.validators import CliqueSigners, ListedInHeader, Unsealed, epochs_after
from chainsvc.network import Validators

if TYPE_CHECKING:
    from chainsvc.chain.node import Node


@dataclass
class SetNode:
    """A node that knows a set from each of some blocks on, as clique's API says it: after the block before."""

    sets: dict[int, tuple[bytes, ...]]
    asked: list[int] = field(default_factory=list)
    url: str = "http://paper"

    def clique_signers(self, number: int) -> tuple[bytes, ...]:
        self.asked.append(number)
        return self.sets[max(since for since in self.sets if since <= number + 1)]

    def header(self, number: int) -> bytes:
        return header(next(case for case in QBFT["valid"] if case["number"] == number))


def test_clique_signers_of_a_block_are_those_after_the_one_before() -> None:
    node = SetNode({0: ADDRESSES[:4], 20: ADDRESSES[:5]})
    source = CliqueSigners()
    found = [source.validators_at(cast("Node", node), number) for number in (0, 19, 20)]
    assert found == [ADDRESSES[:4], ADDRESSES[:4], ADDRESSES[:5]]
    assert node.asked == [0, 18, 19]


@pytest.mark.parametrize("number", [1, 266, 267, 275, 276])
def test_qbft_validators_are_those_that_the_header_lists(number: int) -> None:
    case = next(case for case in QBFT["valid"] if case["number"] == number)
    assert ListedInHeader().validators_at(cast("Node", SetNode({})), number) == trusted(case)


def test_engine_without_seals_pins_nobody() -> None:
    assert Unsealed().validators_at(cast("Node", SetNode({})), 1) == ()


@given(st.lists(st.integers(11, 5000), unique=True, max_size=5))
def test_every_change_is_found_at_its_block(changes: list[int]) -> None:
    sizes = range(4, 4 + len(changes) + 1)
    sets = {since: ADDRESSES[:size] for since, size in zip([10, *sorted(changes)], sizes, strict=True)}
    node = SetNode(sets)
    first, *later = [Validators(since, addresses) for since, addresses in sets.items()]
    assert list(epochs_after(CliqueSigners(), cast("Node", node), first, 6000)) == later
    assert len(node.asked) < 20 * (len(changes) + 1)
