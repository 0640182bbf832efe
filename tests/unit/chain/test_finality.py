"""The rules of finality, on headers sealed on paper and on the captured clique network."""

from collections.abc import Sequence
from typing import cast

import pytest
from support.captured_seals import CLIQUE as CAPTURED
from support.captured_seals import RULES, header, replayed
from support.header_chain import HeaderChain
from support.paper_seals import ADDRESSES, clique_header, qbft_header

from chainsvc.chain.engines import CLIQUE, QBFT
from chainsvc.chain.finality import LOOKED_BACK, FinalAfter, FinalAtOnce, FinalBySealers, FinalByTag, finality_of
from chainsvc.chain.node import Node
from chainsvc.errors import BlockGone, NodeUnavailable
from chainsvc.proof.header import Header
from chainsvc.proof.seals.following import threshold

FOUR, FIVE, SEVEN = ADDRESSES[:4], ADDRESSES[:5], ADDRESSES[:7]


def chain(turns: Sequence[int], sealers: tuple[bytes, ...] = FOUR) -> HeaderChain:
    """Return block 0 and one block more for each turn, sealed by the sealer of that place."""
    headers = [clique_header(0, bytes(32), 0, bytes(32), sealer=sealers[0], sealers=sealers, listed=sealers)]
    for number, turn in enumerate(turns, start=1):
        parent = Header.parse(headers[-1]).hash
        headers.append(clique_header(number, parent, number, bytes(32), sealer=sealers[turn], sealers=sealers))
    return HeaderChain(headers, lambda _number: sealers)


def node(made: HeaderChain) -> Node:
    return cast("Node", made)


def final(made: HeaderChain, rule: FinalBySealers | FinalAfter | FinalByTag | FinalAtOnce) -> int:
    return rule.final_block(node(made)).number


@pytest.mark.parametrize(
    ("turns", "number"),
    [
        ([], 0),
        ([1], 0),
        ([1, 2], 0),
        ([1, 2, 3], 0),
        ([1, 2, 3, 0], 1),
        ([1, 2, 3, 0, 1, 2, 3], 4),
        ([1, 2, 1, 2, 1, 2], 0),  # never valid, and never final: two sealers only
        ([0, 1, 2, 1, 2, 1, 2], 0),
        ([3, 0, 1, 2, 1, 2, 1, 2], 1),
    ],
)
def test_with_four_sealers_three_different_ones_must_follow(turns: list[int], number: int) -> None:
    made = chain(turns)
    assert final(made, FinalBySealers()) == number
    rule = FinalBySealers()
    for height in range(len(turns) + 1):
        block_hash = made.block(height).hash
        assert rule.is_final(node(made), height, block_hash) is (height <= number)
        assert not rule.is_final(node(made), height, bytes(32))


def test_a_chain_of_seven_that_four_keep_up_has_no_final_block_until_a_fifth_is_back() -> None:
    made = chain([1, 2, 3, 4] * (LOOKED_BACK // 4 + 1), SEVEN)
    with pytest.raises(NodeUnavailable, match="too few different validators"):
        final(made, FinalBySealers())
    back = chain([1, 2, 3, 4] * (LOOKED_BACK // 4 + 1) + [5], SEVEN)
    assert final(back, FinalBySealers()) == LOOKED_BACK + 4 - 4


def test_the_larger_set_counts_while_a_sealer_is_voted_out() -> None:
    made = chain([1, 2, 3, 0, 1, 2, 3])
    shrinking = HeaderChain(made.headers, lambda number: FIVE if number < 5 else FOUR)
    assert threshold(5) == 4
    assert final(shrinking, FinalBySealers()) == 3


def test_one_head_is_judged_once_and_a_new_one_reads_only_new_headers() -> None:
    made = chain([1, 2, 3, 0, 1, 2, 3])
    rule = FinalBySealers()
    final(made, rule)
    before = made.read
    final(made, rule)
    assert made.read == before
    grown = chain([1, 2, 3, 0, 1, 2, 3, 0])
    made.headers.append(grown.headers[-1])
    assert final(made, rule) == 5
    assert made.read == before + 1


def test_another_branch_is_judged_by_its_own_blocks() -> None:
    rule = FinalBySealers()
    assert final(chain([1, 2, 3, 0, 1, 2]), rule) == 3
    assert final(chain([1, 2, 3, 1, 2, 1]), rule) == 2


def test_every_block_of_the_captured_network_is_final_when_its_sealers_say_so() -> None:
    blocks = CAPTURED["chain"]
    states = replayed(blocks, RULES)
    headers = [header(block) for block in blocks]
    for top in range(1, len(blocks)):
        found = final(HeaderChain(headers[: top + 1], lambda n: tuple(states[n].sealers)), FinalBySealers())
        after = {block["sealer"] for block in blocks[found + 1 : top + 1]}
        size = max(len(states[n].sealers) for n in range(found, top + 1))
        assert len(after) >= threshold(size) or found == 0
        assert found == 0 or len({block["sealer"] for block in blocks[found + 2 : top + 1]}) < threshold(size)


def test_a_block_without_a_seal_is_the_nodes_fault() -> None:
    made = chain([1, 2, 3])
    unsealed = qbft_header(3, made.block(2).hash, 3, bytes(32), validators=FOUR, sealed_by=FOUR)
    broken = HeaderChain([*made.headers[:3], unsealed], lambda _number: FOUR)
    with pytest.raises(NodeUnavailable, match="no seal of clique"):
        final(broken, FinalBySealers())


def test_confirmations_count_blocks_above() -> None:
    made = chain([1, 2, 3, 0, 1])
    rule = FinalAfter(2)
    assert final(made, rule) == 3
    assert final(chain([1]), rule) == 0
    assert rule.is_final(node(made), 3, made.block(3).hash)
    assert not rule.is_final(node(made), 4, made.block(4).hash)
    assert not rule.is_final(node(made), 3, made.block(2).hash)


def test_the_finalized_tag_is_the_nodes_word() -> None:
    made = chain([1, 2, 3, 0, 1])
    with pytest.raises(BlockGone):
        final(made, FinalByTag())
    made.finalized = 2
    assert final(made, FinalByTag()) == 2
    assert FinalByTag().is_final(node(made), 2, made.block(2).hash)
    assert not FinalByTag().is_final(node(made), 3, made.block(3).hash)


def test_a_block_of_an_engine_that_votes_first_is_final_at_once() -> None:
    made = chain([1])
    assert final(made, FinalAtOnce()) == 1
    assert QBFT.is_final(node(made), 1, made.block(1).hash)
    assert not QBFT.is_final(node(made), 1, made.block(0).hash)


@pytest.mark.parametrize("text", ["block", "sealers", "finalized", "confirmations:7"])
def test_a_descriptors_rule_comes_back_as_it_was(text: str) -> None:
    assert finality_of(text).text == text


def test_clique_is_final_by_its_sealers() -> None:
    assert CLIQUE.finality.text == "sealers"
    made = chain([1, 2, 3, 0])
    assert CLIQUE.final_block(node(made)).number == 1
