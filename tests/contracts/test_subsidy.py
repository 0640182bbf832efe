"""Budgets: raised at once, cut after the longest deadline, never passed by a batch that pays out more."""

import pytest
from support.storage import BUDGETS, mapping, stored
from support.world import BUREAU, CHARITY, COUNTY, ISSUER, LONGEST_DEADLINE, REGULATOR, STRANGER, World

pytestmark = pytest.mark.node

ROOT = bytes(32)


@pytest.fixture
def nursing(world: World) -> bytes:
    return world.open_ledger(world.subsidy, "subsidy", COUNTY, "NURSING-2026-09")


def set_budget(world: World, ledger: bytes, amount: int) -> int:
    """Set a budget by the regulator; return the time."""
    return world.subsidy.send(BUREAU.account, "setBudget", ledger, BUREAU.uscc, amount).time


def pay(world: World, ledger: bytes, credit: int, debit: int) -> None:
    """Anchor one entry."""
    first = world.subsidy.call("stateOf", ledger)[0]
    world.subsidy.send(COUNTY.account, "anchor", [(ledger, first, 1, ROOT, credit, debit)])


def test_ledger_without_a_budget_pays_nothing(world: World, nursing: bytes) -> None:
    assert world.subsidy.call("budgetOf", nursing) == (0, 0, 0)
    batch = (nursing, 0, 1, ROOT, 0, 1)
    world.subsidy.assert_refused(COUNTY.account, "anchor", [batch], error=("BudgetExceeded", nursing, 0, 1))


def test_raise_holds_at_once(world: World, nursing: bytes) -> None:
    receipt = world.subsidy.send(BUREAU.account, "setBudget", nursing, BUREAU.uscc, 100)
    assert receipt.event("BudgetSet") == {
        "ledgerId": nursing,
        "by": BUREAU.uscc,
        "present": 100,
        "next": 0,
        "nextFrom": 0,
        "actor": BUREAU.account,
    }
    pay(world, nursing, 0, 100)
    batch = (nursing, 1, 1, ROOT, 0, 1)
    world.subsidy.assert_refused(COUNTY.account, "anchor", [batch], error=("BudgetExceeded", nursing, 100, 101))


def test_recovered_money_may_be_paid_again(world: World, nursing: bytes) -> None:
    set_budget(world, nursing, 100)
    pay(world, nursing, 0, 100)
    pay(world, nursing, 40, 0)
    pay(world, nursing, 0, 40)
    batch = (nursing, 3, 1, ROOT, 5, 6)
    world.subsidy.assert_refused(COUNTY.account, "anchor", [batch], error=("BudgetExceeded", nursing, 100, 101))


def test_cut_holds_only_after_the_longest_deadline(world: World, nursing: bytes) -> None:
    set_budget(world, nursing, 100)
    receipt = world.subsidy.send(BUREAU.account, "setBudget", nursing, BUREAU.uscc, 60)
    effective = receipt.time + LONGEST_DEADLINE
    cut = receipt.event("BudgetSet")
    assert (cut["present"], cut["next"], cut["nextFrom"]) == (100, 60, effective)
    assert world.subsidy.call("budgetOf", nursing) == (100, 60, effective)
    world.node.mine_at(effective - 1)
    assert world.subsidy.call("budgetOf", nursing) == (100, 60, effective)
    world.subsidy.call("anchor", [(nursing, 0, 1, ROOT, 0, 100)], sender=COUNTY.account)
    world.node.mine_at(effective)
    assert world.subsidy.call("budgetOf", nursing) == (60, 0, 0)
    batch = (nursing, 0, 1, ROOT, 0, 61)
    world.subsidy.assert_refused(COUNTY.account, "anchor", [batch], error=("BudgetExceeded", nursing, 60, 61))
    pay(world, nursing, 0, 60)


def test_cut_below_what_was_paid_still_lets_recoveries_and_decisions_in(world: World, nursing: bytes) -> None:
    set_budget(world, nursing, 100)
    pay(world, nursing, 0, 90)
    world.node.mine_at(set_budget(world, nursing, 50) + LONGEST_DEADLINE)
    pay(world, nursing, 10, 0)
    pay(world, nursing, 0, 0)
    pay(world, nursing, 3, 3)
    batch = (nursing, 4, 1, ROOT, 3, 4)
    world.subsidy.assert_refused(COUNTY.account, "anchor", [batch], error=("BudgetExceeded", nursing, 50, 81))


def test_second_cut_replaces_the_first_and_waits_anew(world: World, nursing: bytes) -> None:
    set_budget(world, nursing, 100)
    first = set_budget(world, nursing, 60) + LONGEST_DEADLINE
    world.node.mine_at(first - 1)
    second = set_budget(world, nursing, 40) + LONGEST_DEADLINE
    world.node.mine_at(first + 1)
    assert world.subsidy.call("budgetOf", nursing) == (100, 40, second)
    world.node.mine_at(second)
    assert world.subsidy.call("budgetOf", nursing) == (40, 0, 0)


def test_raise_takes_a_coming_cut_back(world: World, nursing: bytes) -> None:
    set_budget(world, nursing, 100)
    cut = set_budget(world, nursing, 60) + LONGEST_DEADLINE
    set_budget(world, nursing, 100)
    assert world.subsidy.call("budgetOf", nursing) == (100, 0, 0)
    world.node.mine_at(cut + 1)
    assert world.subsidy.call("budgetOf", nursing) == (100, 0, 0)


def test_raise_after_a_cut_is_measured_from_the_cut(world: World, nursing: bytes) -> None:
    set_budget(world, nursing, 100)
    world.node.mine_at(set_budget(world, nursing, 60) + LONGEST_DEADLINE)
    set_budget(world, nursing, 70)
    assert world.subsidy.call("budgetOf", nursing) == (70, 0, 0)


def test_budget_word_is_packed_as_documented(world: World, nursing: bytes) -> None:
    set_budget(world, nursing, 100)
    effective = set_budget(world, nursing, 60) + LONGEST_DEADLINE
    expected = bytes(8) + (100).to_bytes(8) + (60).to_bytes(8) + effective.to_bytes(8)
    assert stored(world.subsidy, mapping(BUDGETS, nursing)) == expected


def test_budget_is_set_by_a_regulator_only(world: World, nursing: bytes) -> None:
    world.subsidy.assert_refused(
        COUNTY.account,
        "setBudget",
        nursing,
        COUNTY.uscc,
        100,
        error=("RoleMissing", COUNTY.uscc, REGULATOR, ISSUER),
    )
    for caller in (STRANGER, COUNTY.account, CHARITY.account):
        world.subsidy.assert_refused(
            caller, "setBudget", nursing, BUREAU.uscc, 100, error=("NotEntitled", BUREAU.uscc, caller)
        )


def test_budget_stays_within_exact_json_numbers(world: World, nursing: bytes) -> None:
    world.subsidy.assert_refused(
        BUREAU.account,
        "setBudget",
        nursing,
        BUREAU.uscc,
        2**53,
        error=("SumExceeded", nursing, 2**53 - 1, 2**53),
    )
    set_budget(world, nursing, 2**53 - 1)


def test_budget_refuses_an_unknown_ledger(world: World) -> None:
    world.subsidy.assert_refused(BUREAU.account, "setBudget", ROOT, BUREAU.uscc, 100, error=("LedgerUnknown", ROOT))
