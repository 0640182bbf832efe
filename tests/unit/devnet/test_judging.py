import pytest

from chainsvc.devnet.consortium.judging import Condition, judge, needed, patience
from chainsvc.devnet.consortium.views import View

NOW = 1_800_000_000.0
FRESH, OLD = int(NOW) - 1, int(NOW) - 60
ONE, OTHER, THIRD = (bytes([n]) * 32 for n in (1, 2, 3))


def view(number: int, head: bytes = ONE, weight: int = 40, time: int = OLD, peers: int = 3) -> View:
    return View(number, height=20, hash=head, total_difficulty=weight, head_time=time, peers=peers)


def judged(*views: View | None) -> tuple[Condition, tuple[tuple[int, ...], ...]]:
    found = judge(dict(enumerate(views, start=1)), 1, NOW)
    return found.condition, found.sides


def test_a_fresh_head_on_one_validator_is_a_moving_chain() -> None:
    assert judged(view(1, time=FRESH), view(2), None, view(4)) == (Condition.MOVING, ())


def test_nobody_answering_is_told_without_an_age() -> None:
    found = judge({1: None, 2: None}, 1, NOW)
    assert (found.condition, found.head_age, found.height, found.answering) == (Condition.SILENT, None, None, ())


def test_two_of_four_are_too_few_even_on_two_chains_of_one_weight() -> None:
    assert judged(view(1, peers=1), view(2, OTHER, peers=1), None, None) == (Condition.TOO_FEW, ())


def test_an_even_split_of_links_is_parted_not_deadlocked() -> None:
    sides = view(1, peers=1), view(2, peers=1), view(3, OTHER, peers=1), view(4, OTHER, peers=1)
    assert judged(*sides) == (Condition.PARTED, ())


def test_two_equally_heavy_heads_of_connected_validators_are_a_deadlock_with_its_sides() -> None:
    four = view(1), view(2, OTHER), view(3), view(4, OTHER)
    assert judged(*four) == (Condition.DEADLOCKED, ((1, 3), (2, 4)))


def test_a_deadlock_with_three_answering_names_the_smaller_side_first() -> None:
    three = view(1, peers=2), view(2, OTHER, peers=2), view(3, peers=2), None
    assert judged(*three) == (Condition.DEADLOCKED, ((2,), (1, 3)))


def test_a_lighter_chain_is_no_side_of_a_deadlock() -> None:
    four = view(1), view(2, OTHER), view(3, THIRD, weight=39), view(4)
    assert judged(*four) == (Condition.DEADLOCKED, ((2,), (1, 4)))


def test_connected_validators_that_do_not_follow_the_heaviest_chain_are_apart_the_lightest_first() -> None:
    unequal = view(1), view(2), view(3, OTHER, weight=39), view(4, THIRD, weight=38)
    assert judged(*unequal) == (Condition.APART, ((4,), (3,), (1, 2)))


def test_only_what_stands_on_several_chains_is_curable() -> None:
    deadlocked, stalled = ({1: view(1), 2: view(2, head), 3: view(3), 4: view(4)} for head in (OTHER, ONE))
    assert judge(deadlocked, 1, NOW).is_curable
    assert not judge(stalled, 1, NOW).is_curable


def test_one_head_for_all_that_grows_old_is_stalled() -> None:
    found = judge({number: view(number) for number in (1, 2, 3, 4)}, 1, NOW)
    assert (found.condition, found.head_age, found.height, found.answering) == (Condition.STALLED, 60, 20, (1, 2, 3, 4))
    assert not found.well


@pytest.mark.parametrize(("age", "well"), [(7, True), (8, False)])
def test_a_head_is_old_after_three_blocks_that_are_late(age: int, well: bool) -> None:  # noqa: FBT001
    assert patience(1) == 7.5
    assert judge({1: view(1, time=int(NOW) - age, peers=0)}, 1, NOW).well is well


def test_a_block_of_the_future_has_no_negative_age() -> None:
    assert judge({1: view(1, time=int(NOW) + 5, peers=0)}, 1, NOW).head_age == 0


@pytest.mark.parametrize(("validators", "majority"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (7, 4)])
def test_more_than_half_must_seal(validators: int, majority: int) -> None:
    assert needed(validators) == majority


@pytest.mark.parametrize(
    ("views", "word"),
    [
        ([view(1), view(2, OTHER), view(3), view(4, OTHER)], "chainsvc devnet cure"),
        ([view(1), view(2, OTHER, weight=39), view(3), view(4)], "validators 2 and 1 3 4 are connected"),
        ([view(1, peers=1), view(2, peers=1), None, None], "2 of 4 validators answer, 3 must seal"),
        ([view(1, peers=1), view(2), view(3), view(4)], "links"),
        ([view(1), view(2), view(3), view(4)], "logs"),
    ],
)
def test_what_is_told_says_what_to_do(views: list[View | None], word: str) -> None:
    assert word in judge(dict(enumerate(views, start=1)), 1, NOW).text
