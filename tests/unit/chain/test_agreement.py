"""What a quorum decides, whatever the others say."""

from hypothesis import given
from hypothesis import strategies as st

from chainsvc.chain.agreement import LAG, Fault, agreed, common_height, faults_of, left_behind, majority, usual

ANSWERS = st.dictionaries(st.integers(0, 8), st.sampled_from("abc"), max_size=9)


@given(ANSWERS, st.integers(1, 9))
def test_what_is_agreed_was_said_by_a_quorum_and_by_no_fewer_than_anything_else(
    answers: dict[int, str], quorum: int
) -> None:
    found = agreed(answers, quorum)
    counts = {value: list(answers.values()).count(value) for value in set(answers.values())}
    best = [value for value, count in counts.items() if count == max(counts.values()) and count >= quorum]
    assert (None if found is None else found.value) == (best[0] if len(best) == 1 else None)
    if found is not None:
        assert set(found.agreeing) | set(found.differing) == set(answers)
        assert {answers[node] for node in found.agreeing} == {found.value}
        assert found.value not in {answers[node] for node in found.differing}


@given(st.integers(1, 9), st.data())
def test_liars_fewer_than_those_needed_beside_the_honest_change_nothing(count: int, data: st.DataObject) -> None:
    """More than half are honest and say the same: no word of the others, together or apart, comes through."""
    quorum = majority(count)
    lies = data.draw(st.lists(st.sampled_from("bcd"), max_size=count - quorum))
    answers = dict(enumerate(data.draw(st.permutations(["a"] * (count - len(lies)) + lies))))
    found = agreed(answers, quorum)
    assert found is not None
    assert found.value == "a"
    assert sorted(answers[node] for node in found.differing) == sorted(lies)


@given(ANSWERS.filter(bool))
def test_the_usual_answer_is_a_most_frequent_one(answers: dict[int, str]) -> None:
    counts = {value: list(answers.values()).count(value) for value in answers.values()}
    assert counts[usual(answers).value] == max(counts.values())


@given(st.lists(st.integers(0, 100), max_size=9), st.integers(1, 9))
def test_the_common_height_is_the_highest_that_a_quorum_reached(heights: list[int], quorum: int) -> None:
    reached = common_height(heights, quorum)
    if len(heights) < quorum:
        assert reached is None
    else:
        assert reached is not None
        assert sum(height >= reached for height in heights) >= quorum
        assert sum(height > reached for height in heights) < quorum


@given(st.lists(st.integers(0, 10), min_size=4, max_size=4))
def test_one_node_of_four_that_claims_the_sky_holds_up_nobody(heights: list[int]) -> None:
    assert not left_behind([10**9, *heights[:3]], 4, 3)


def test_two_of_four_that_begin_anew_are_waited_for() -> None:
    assert left_behind([1000, 1000, 0, 0], 4, 3)
    assert not left_behind([1000, 1000, 1000 - LAG, 0], 4, 3)


def test_each_node_has_at_most_one_fault_of_its_chain() -> None:
    found = faults_of({"a": 10, "b": 9, "c": 12, "d": 10}, 10, ["d"])
    assert found == {"a": None, "b": Fault.BEHIND, "c": None, "d": Fault.FORKED}
