"""The door applies the same policy as the contract, entry by entry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainsvc.errors import NotFound, PolicyRefused
from chainsvc.policies import POLICIES, Totals, admit, policy_of, yuan

AMOUNTS = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), max_size=50)


def run(kind: str, amounts: list[tuple[int, int]], budget: int | None) -> list[Totals]:
    totals, seen = Totals(0, 0, budget), []
    for credit, debit in amounts:
        try:
            totals = admit(kind, totals, credit, debit)
        except PolicyRefused:
            continue
        seen.append(totals)
    return seen


@given(AMOUNTS)
def test_charity_never_spends_more_than_was_donated_at_any_point(amounts: list[tuple[int, int]]) -> None:
    assert all(totals.debit <= totals.credit for totals in run("charity", amounts, None))


@given(AMOUNTS, st.integers(0, 5000))
def test_subsidy_never_passes_its_budget_at_any_point(amounts: list[tuple[int, int]], budget: int) -> None:
    assert all(totals.debit - totals.credit <= budget for totals in run("subsidy", amounts, budget))


def test_subsidy_without_a_budget_pays_nothing() -> None:
    with pytest.raises(PolicyRefused, match="pays more than the budget"):
        admit("subsidy", Totals(0, 0, None), 0, 1)


def test_overspending_names_the_limit_and_the_sum() -> None:
    with pytest.raises(PolicyRefused) as caught:
        admit("charity", Totals(100_00, 50_00, None), 0, 50_01)
    assert (caught.value.expected, caught.value.got) == ("at most 100.00 yuan in all", "100.01 yuan")


def test_recovered_subsidy_frees_the_budget() -> None:
    totals = admit("subsidy", Totals(0, 0, 100), 0, 100)
    assert admit("subsidy", admit("subsidy", totals, 40, 0), 0, 40).debit == 140


@pytest.mark.parametrize(("credit", "debit"), [(100, 0), (0, 0), (100, 100)])
def test_after_a_cut_what_does_not_raise_the_payout_goes_in(credit: int, debit: int) -> None:
    cut = Totals(0, 1000, 500)
    assert admit("subsidy", cut, credit, debit) == Totals(credit, 1000 + debit, 500)


def test_after_a_cut_nothing_is_paid_until_the_payout_is_within_it() -> None:
    with pytest.raises(PolicyRefused) as caught:
        admit("subsidy", Totals(400, 1000, 500), 0, 1)
    assert (caught.value.expected, caught.value.got) == ("at most 5.00 yuan net", "6.01 yuan")
    assert admit("subsidy", Totals(600, 1000, 500), 0, 100).net == 500


def test_marriage_takes_no_amount() -> None:
    with pytest.raises(PolicyRefused, match="no money"):
        admit("marriage", Totals(0, 0, None), 0, 1)


@pytest.mark.parametrize("kind", sorted(POLICIES))
def test_no_sum_passes_the_largest_exact_integer(kind: str) -> None:
    with pytest.raises(PolicyRefused):
        admit(kind, Totals(2**53 - 1, 0, 2**53 - 1), 1, 0)


def test_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(NotFound, match="charity"):
        policy_of("banking")


def test_yuan_groups_thousands() -> None:
    assert yuan(123_456_789) == "1,234,567.89 yuan"
