"""Anchoring: the contract's heads are those of the Python model, and nothing out of order gets in."""

import pytest
from support.world import (
    ADMIN,
    BUREAU,
    CHARITY,
    NOBODY,
    OFFICE,
    REGISTRAR,
    STRANGER,
    Organization,
    World,
    account,
)

from chainsvc import heads

pytestmark = pytest.mark.node

ROOT = bytes(range(100, 132))
MAX_SUM = 2**53 - 1


@pytest.fixture
def lunch(world: World) -> bytes:
    return world.open_ledger(world.charity, "charity", CHARITY, "LUNCH-2026")


def test_anchored_head_equals_the_python_model(world: World, lunch: bytes) -> None:
    previous = heads.ZERO
    actor = bytes.fromhex(CHARITY.account[2:])
    for k, (first, count, credit, debit) in enumerate([(0, 3, 500, 20), (3, 1, 0, 480), (4, 4096, MAX_SUM - 500, 0)]):
        root = bytes([k + 1]) * 32
        receipt = world.charity.send(CHARITY.account, "anchor", [(lunch, first, count, root, credit, debit)])
        head = heads.head(previous, lunch, k, first, count, root, credit, debit, actor, receipt.block, receipt.time)
        assert receipt.event("Anchored") == {
            "ledgerId": lunch,
            "k": k,
            "first": first,
            "count": count,
            "root": root,
            "credit": credit,
            "debit": debit,
            "actor": CHARITY.account,
            "prev": previous,
            "head": head,
        }
        assert world.charity.call("headOf", lunch, k) == head
        previous = head
    assert world.charity.call("stateOf", lunch) == (4100, 3, MAX_SUM, 500)


def test_several_ledgers_of_several_organizations_anchor_in_one_call(world: World, lunch: bytes) -> None:
    """An operator's account is delegated by both."""
    operator = account(0x0B)
    world.institutions.send(CHARITY.account, "delegate", CHARITY.uscc, operator, 0, 0)
    world.institutions.send(BUREAU.account, "delegate", BUREAU.uscc, operator, 0, 0)
    decisions = world.open_ledger(world.charity, "charity", BUREAU, "DECISIONS")
    batches = [(lunch, 0, 1, ROOT, 9, 0), (decisions, 0, 2, ROOT, 0, 0), (lunch, 1, 2, ROOT, 0, 9)]
    receipt = world.charity.send(operator, "anchor", batches)
    assert [event.values["k"] for event in receipt.events] == [0, 0, 1]
    assert world.charity.call("stateOf", lunch) == (3, 2, 9, 9)
    assert world.charity.call("stateOf", decisions) == (2, 1, 0, 0)


def test_one_refused_batch_leaves_nothing_of_the_call(world: World, lunch: bytes) -> None:
    decisions = world.open_ledger(world.charity, "charity", BUREAU, "DECISIONS")
    batches = [(lunch, 0, 1, ROOT, 9, 0), (decisions, 0, 2, ROOT, 0, 0)]
    world.charity.assert_refused(
        CHARITY.account, "anchor", batches, error=("NotEntitled", BUREAU.uscc, CHARITY.account)
    )
    assert world.charity.call("stateOf", lunch) == (0, 0, 0, 0)


def test_repeated_root_is_not_refused(world: World, lunch: bytes) -> None:
    world.charity.send(CHARITY.account, "anchor", [(lunch, 0, 1, ROOT, 0, 0)])
    world.charity.send(CHARITY.account, "anchor", [(lunch, 1, 1, ROOT, 0, 0)])
    assert world.charity.call("headOf", lunch, 0) != world.charity.call("headOf", lunch, 1)


@pytest.mark.parametrize("first", [0, 2, 4, 2**64 - 1])
def test_batch_must_start_at_the_next_seq(world: World, lunch: bytes, first: int) -> None:
    world.charity.send(CHARITY.account, "anchor", [(lunch, 0, 3, ROOT, 0, 0)])
    world.charity.assert_refused(
        CHARITY.account,
        "anchor",
        [(lunch, first, 1, ROOT, 0, 0)],
        error=("SequenceMismatch", lunch, 3, first),
    )


@pytest.mark.parametrize("count", [0, 4097, 2**32 - 1])
def test_batch_has_1_to_4096_entries(world: World, lunch: bytes, count: int) -> None:
    world.charity.assert_refused(
        CHARITY.account,
        "anchor",
        [(lunch, 0, count, ROOT, 0, 0)],
        error=("CountOutOfRange", lunch, 4096, count),
    )


@pytest.mark.parametrize(("credit", "debit"), [(MAX_SUM, 0), (1, 2**64 - 1), (2**64 - 1, 0)])
def test_sums_stay_within_exact_json_numbers(world: World, lunch: bytes, credit: int, debit: int) -> None:
    world.charity.send(CHARITY.account, "anchor", [(lunch, 0, 1, ROOT, 1, 0)])
    got = debit or credit + 1
    world.charity.assert_refused(
        CHARITY.account,
        "anchor",
        [(lunch, 1, 1, ROOT, credit, debit)],
        error=("SumExceeded", lunch, MAX_SUM, got),
    )


def test_call_takes_32_batches_and_no_more(world: World, lunch: bytes) -> None:
    batches = [(lunch, i, 1, ROOT, 0, 0) for i in range(33)]
    world.charity.assert_refused(CHARITY.account, "anchor", batches, error=("TooManyAnchors", 32, 33))
    world.charity.send(CHARITY.account, "anchor", batches[:32])
    assert world.charity.call("stateOf", lunch) == (32, 32, 0, 0)


@pytest.mark.parametrize(
    ("function", "arguments"), [("anchor", ([],)), ("setStatus", ([],)), ("anchorAndMark", ([], []))]
)
def test_empty_call_is_refused(world: World, function: str, arguments: tuple[object, ...]) -> None:
    world.charity.assert_refused(CHARITY.account, function, *arguments, error=("EmptyCall",))


def test_unknown_ledger_is_refused(world: World) -> None:
    world.charity.assert_refused(CHARITY.account, "anchor", [(ROOT, 0, 1, ROOT, 0, 0)], error=("LedgerUnknown", ROOT))


def test_ledger_of_another_contract_is_unknown_here(world: World, lunch: bytes) -> None:
    world.marriage.assert_refused(
        CHARITY.account, "anchor", [(lunch, 0, 1, ROOT, 0, 0)], error=("LedgerUnknown", lunch)
    )


@pytest.mark.parametrize("caller", [STRANGER, ADMIN, REGISTRAR, BUREAU.account, OFFICE.account])
def test_only_an_entitled_account_anchors(world: World, lunch: bytes, caller: str) -> None:
    world.charity.assert_refused(
        caller, "anchor", [(lunch, 0, 1, ROOT, 0, 0)], error=("NotEntitled", CHARITY.uscc, caller)
    )


def test_ended_delegation_anchors_nothing_more(world: World, lunch: bytes) -> None:
    clerk, until = account(0xD2), world.node.now() + 100
    world.institutions.send(CHARITY.account, "delegate", CHARITY.uscc, clerk, 0, until)
    world.node.mine_at(until - 1)
    world.charity.send(clerk, "anchor", [(lunch, 0, 1, ROOT, 0, 0)])
    world.node.mine_at(until)
    world.charity.assert_refused(
        clerk, "anchor", [(lunch, 1, 1, ROOT, 0, 0)], error=("NotEntitled", CHARITY.uscc, clerk)
    )


def test_suspended_organization_anchors_nothing(world: World, lunch: bytes) -> None:
    world.institutions.send(REGISTRAR, "suspendOrganization", CHARITY.uscc, NOBODY, bytes(32))
    world.charity.assert_refused(
        CHARITY.account,
        "anchor",
        [(lunch, 0, 1, ROOT, 0, 0)],
        error=("NotEntitled", CHARITY.uscc, CHARITY.account),
    )


@pytest.mark.parametrize(("credit", "debit"), [(0, 1), (100, 101)])
def test_charity_never_spends_more_than_it_received(world: World, lunch: bytes, credit: int, debit: int) -> None:
    world.charity.assert_refused(
        CHARITY.account,
        "anchor",
        [(lunch, 0, 1, ROOT, credit, debit)],
        error=("DebitExceedsCredit", lunch, credit, debit),
    )


def test_charity_spends_the_last_fen_and_not_one_more(world: World, lunch: bytes) -> None:
    world.charity.send(CHARITY.account, "anchor", [(lunch, 0, 1, ROOT, 100, 0), (lunch, 1, 1, ROOT, 0, 100)])
    world.charity.assert_refused(
        CHARITY.account,
        "anchor",
        [(lunch, 2, 1, ROOT, 7, 8)],
        error=("DebitExceedsCredit", lunch, 107, 108),
    )


@pytest.mark.parametrize(("credit", "debit"), [(1, 0), (0, 1), (1, 1)])
def test_marriage_ledger_takes_no_money(world: World, credit: int, debit: int) -> None:
    ledger = world.open_ledger(world.marriage, "marriage", OFFICE, "2026")
    world.marriage.assert_refused(
        OFFICE.account,
        "anchor",
        [(ledger, 0, 1, ROOT, credit, debit)],
        error=("MoneyRefused", ledger, credit, debit),
    )
    world.marriage.send(OFFICE.account, "anchor", [(ledger, 0, 1, ROOT, 0, 0)])


def test_unknown_batch_and_entry_read_as_zero(world: World, lunch: bytes) -> None:
    assert world.charity.call("headOf", lunch, 0) == bytes(32)
    assert world.charity.call("statusOf", lunch, 0) == bytes(32)
    assert world.charity.call("stateOf", ROOT) == (0, 0, 0, 0)
    assert world.charity.call("metaOf", ROOT) == (False, 0, 0, bytes(18))


@pytest.mark.parametrize("owner", [CHARITY, BUREAU])
def test_issuer_and_regulator_both_anchor_their_own(world: World, owner: Organization) -> None:
    ledger = world.open_ledger(world.charity, "charity", owner, "BOOK")
    world.charity.send(owner.account, "anchor", [(ledger, 0, 1, ROOT, 0, 0)])
    assert world.charity.call("stateOf", ledger)[0] == 1
