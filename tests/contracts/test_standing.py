"""Standing: words equal the Python model, and only listed moves by entitled organizations go through."""

import pytest
from support.contract import Contract, Refused
from support.standing import (
    DIVORCE_AND_REISSUE,
    MARRIAGE_OWN,
    MARRIAGE_REGULATORS,
    OWN,
    REGULATORS,
    REV,
    SUP,
    SUS,
    VOID,
    C,
    Moves,
)
from support.storage import WORDS, nested, store
from support.world import (
    BUREAU,
    CHARITY,
    COUNTY,
    NOBODY,
    OFFICE,
    OTHER_OFFICE,
    REGISTRAR,
    STRANGER,
    Organization,
    World,
)

from chainsvc.heads import ZERO, Status, status_word

pytestmark = pytest.mark.node

ROOT = bytes(32)


def ledger_of(world: World, contract: Contract, kind: str, owner: Organization, book: str = "BOOK") -> bytes:
    """Open a ledger with three entries."""
    ledger = world.open_ledger(contract, kind, owner, book)
    contract.send(owner.account, "anchor", [(ledger, 0, 3, ROOT, 0, 0)])
    return ledger


def put(contract: Contract, ledger: bytes, seq: int, status: int) -> None:
    """Write a word of this status straight into storage, to start from any standing."""
    store(contract, nested(WORDS, ledger, seq), bytes([9]) * 31 + bytes([status]))


def passes(contract: Contract, sender: str, mark: tuple[bytes, int, int, bytes, int], start: int) -> bool:
    """Tell whether a move goes through; when not, it is refused for what it is and nothing else."""
    try:
        contract.call("setStatus", [mark], sender=sender)
    except Refused as refused:
        if (refused.name, *refused.values[:4]) != ("StandingRefused", mark[0], mark[1], start, mark[2]):
            raise
        return False
    return True


def moves(contract: Contract, sender: str, ledger: bytes, cause: tuple[bytes, int]) -> set[tuple[int, int]]:
    """Try all 49 moves of entry 0; return those that go through."""
    allowed: set[tuple[int, int]] = set()
    for start in Status:
        put(contract, ledger, 0, start)
        for target in Status:
            if passes(contract, sender, (ledger, 0, target, *cause), start):
                allowed.add((start, target))
    return allowed


def test_changed_word_equals_the_python_model(world: World) -> None:
    ledger = ledger_of(world, world.charity, "charity", CHARITY)
    decisions = ledger_of(world, world.charity, "charity", BUREAU)
    steps = [(BUREAU, SUS, decisions, 0), (BUREAU, C, decisions, 1), (CHARITY, REV, ledger, 2)]
    previous = ZERO
    for by, status, cause, cause_seq in steps:
        receipt = world.charity.send(by.account, "setStatus", [(ledger, 1, status, cause, cause_seq)])
        actor = bytes.fromhex(by.account[2:])
        word = status_word(previous, ledger, 1, status, cause, cause_seq, actor, receipt.block, receipt.time)
        assert receipt.event("StandingChanged") == {
            "ledgerId": ledger,
            "seq": 1,
            "status": status,
            "causeLedgerId": cause,
            "causeSeq": cause_seq,
            "actor": by.account,
            "prev": previous,
            "word": word,
        }
        assert world.charity.call("statusOf", ledger, 1) == word
        previous = word
    assert world.charity.call("statusOf", ledger, 0) == ZERO


def test_revision_supersedes_in_the_transaction_that_anchors_it(world: World) -> None:
    ledger = ledger_of(world, world.charity, "charity", CHARITY)
    receipt = world.charity.send(
        CHARITY.account, "anchorAndMark", [(ledger, 3, 2, ROOT, 0, 0)], [(ledger, 0, SUP, ledger, 4)]
    )
    assert [event.name for event in receipt.events] == ["Anchored", "StandingChanged"]
    assert world.charity.call("statusOf", ledger, 0)[-1] == SUP


def test_entry_of_the_same_call_may_be_changed_too(world: World) -> None:
    ledger = ledger_of(world, world.charity, "charity", CHARITY)
    world.charity.send(CHARITY.account, "anchorAndMark", [(ledger, 3, 2, ROOT, 0, 0)], [(ledger, 3, SUP, ledger, 4)])
    assert world.charity.call("statusOf", ledger, 3)[-1] == SUP


def test_refused_mark_takes_its_batches_back(world: World) -> None:
    ledger = ledger_of(world, world.charity, "charity", CHARITY)
    arguments = ([(ledger, 3, 2, ROOT, 0, 0)], [(ledger, 0, SUP, ledger, 5)])
    world.charity.assert_refused(CHARITY.account, "anchorAndMark", *arguments, error=("EntryUnknown", ledger, 5, 5))
    with pytest.raises(Refused):
        world.charity.send(CHARITY.account, "anchorAndMark", *arguments)
    assert world.charity.call("stateOf", ledger)[0] == 3


def test_marks_without_anchors_are_setstatus(world: World) -> None:
    ledger = ledger_of(world, world.charity, "charity", CHARITY)
    world.charity.send(CHARITY.account, "anchorAndMark", [], [(ledger, 0, REV, ledger, 1)])
    assert world.charity.call("statusOf", ledger, 0)[-1] == REV


@pytest.mark.parametrize("seq", [3, 4, 2**64 - 1])
def test_target_and_cause_must_be_anchored(world: World, seq: int) -> None:
    ledger = ledger_of(world, world.charity, "charity", CHARITY)
    for mark in ((ledger, seq, REV, ledger, 0), (ledger, 0, REV, ledger, seq)):
        world.charity.assert_refused(CHARITY.account, "setStatus", [mark], error=("EntryUnknown", ledger, 3, seq))


def test_entry_is_not_its_own_cause(world: World) -> None:
    ledger = ledger_of(world, world.charity, "charity", CHARITY)
    world.charity.assert_refused(
        CHARITY.account, "setStatus", [(ledger, 1, REV, ledger, 1)], error=("CauseIsTarget", ledger, 1)
    )


@pytest.mark.parametrize("status", [7, 255])
def test_unknown_status_is_refused(world: World, status: int) -> None:
    ledger = ledger_of(world, world.charity, "charity", CHARITY)
    world.charity.assert_refused(
        CHARITY.account, "setStatus", [(ledger, 0, status, ledger, 1)], error=("StatusUnknown", 6, status)
    )


def test_unknown_ledgers_are_refused(world: World) -> None:
    ledger, other = ledger_of(world, world.charity, "charity", CHARITY), bytes([1]) * 32
    for mark in ((other, 0, REV, ledger, 1), (ledger, 0, REV, other, 1)):
        world.charity.assert_refused(CHARITY.account, "setStatus", [mark], error=("LedgerUnknown", other))


def test_cause_must_be_on_the_same_contract(world: World) -> None:
    ledger = ledger_of(world, world.charity, "charity", CHARITY)
    decisions = ledger_of(world, world.marriage, "marriage", BUREAU)
    world.charity.assert_refused(
        BUREAU.account, "setStatus", [(ledger, 0, REV, decisions, 0)], error=("LedgerUnknown", decisions)
    )


def test_caller_must_be_entitled_for_the_causes_organization(world: World) -> None:
    ledger = ledger_of(world, world.charity, "charity", CHARITY)
    decisions = ledger_of(world, world.charity, "charity", BUREAU)
    for caller, cause, by in (
        (STRANGER, ledger, CHARITY),
        (BUREAU.account, ledger, CHARITY),
        (REGISTRAR, ledger, CHARITY),
        (CHARITY.account, decisions, BUREAU),
    ):
        world.charity.assert_refused(
            caller, "setStatus", [(ledger, 0, REV, cause, 1)], error=("NotEntitled", by.uscc, caller)
        )


def test_anchoring_for_one_organization_gives_no_right_over_another(world: World) -> None:
    """The entitlement found while anchoring is for that organization alone."""
    ledger = ledger_of(world, world.charity, "charity", CHARITY)
    decisions = ledger_of(world, world.charity, "charity", BUREAU)
    world.charity.assert_refused(
        CHARITY.account,
        "anchorAndMark",
        [(ledger, 3, 1, ROOT, 0, 0)],
        [(ledger, 0, VOID, decisions, 0)],
        error=("NotEntitled", BUREAU.uscc, CHARITY.account),
    )


def test_every_mark_of_a_call_is_judged_for_its_own_cause(world: World) -> None:
    """An entitlement found for the first mark is not taken for the second."""
    ledger = ledger_of(world, world.charity, "charity", CHARITY)
    decisions = ledger_of(world, world.charity, "charity", BUREAU)
    world.charity.assert_refused(
        CHARITY.account,
        "setStatus",
        [(ledger, 0, REV, ledger, 1), (ledger, 1, SUS, decisions, 0)],
        error=("NotEntitled", BUREAU.uscc, CHARITY.account),
    )


def test_suspended_organization_changes_nothing_but_the_regulator_does(world: World) -> None:
    ledger = ledger_of(world, world.charity, "charity", CHARITY)
    decisions = ledger_of(world, world.charity, "charity", BUREAU)
    world.institutions.send(BUREAU.account, "suspendOrganization", CHARITY.uscc, BUREAU.uscc, bytes(32))
    world.charity.assert_refused(
        CHARITY.account,
        "setStatus",
        [(ledger, 0, REV, ledger, 1)],
        error=("NotEntitled", CHARITY.uscc, CHARITY.account),
    )
    world.charity.send(BUREAU.account, "setStatus", [(ledger, 0, SUS, decisions, 0)])
    assert world.charity.call("statusOf", ledger, 0)[-1] == SUS


def test_suspended_regulator_changes_nothing(world: World) -> None:
    ledger = ledger_of(world, world.charity, "charity", CHARITY)
    decisions = ledger_of(world, world.charity, "charity", BUREAU)
    world.institutions.send(REGISTRAR, "suspendOrganization", BUREAU.uscc, NOBODY, bytes(32))
    world.charity.assert_refused(
        BUREAU.account,
        "setStatus",
        [(ledger, 0, SUS, decisions, 0)],
        error=("NotEntitled", BUREAU.uscc, BUREAU.account),
    )


@pytest.mark.parametrize(
    ("name", "owner", "own"), [("charity", CHARITY, OWN), ("subsidy", COUNTY, OWN), ("marriage", OFFICE, MARRIAGE_OWN)]
)
def test_own_organization_makes_exactly_the_listed_moves(
    world: World, name: str, owner: Organization, own: Moves
) -> None:
    contract = getattr(world, name)
    ledger = ledger_of(world, contract, name, owner)
    assert moves(contract, owner.account, ledger, (ledger, 1)) == own


@pytest.mark.parametrize(
    ("name", "owner", "listed"),
    [("charity", CHARITY, REGULATORS), ("subsidy", COUNTY, REGULATORS), ("marriage", OFFICE, MARRIAGE_REGULATORS)],
)
def test_regulator_makes_exactly_the_listed_moves(world: World, name: str, owner: Organization, listed: Moves) -> None:
    contract = getattr(world, name)
    ledger = ledger_of(world, contract, name, owner)
    decisions = ledger_of(world, contract, name, BUREAU)
    assert moves(contract, BUREAU.account, ledger, (decisions, 0)) == listed


def test_regulator_makes_both_kinds_of_moves_in_its_own_ledger(world: World) -> None:
    decisions = ledger_of(world, world.charity, "charity", BUREAU)
    assert moves(world.charity, BUREAU.account, decisions, (decisions, 1)) == OWN | REGULATORS


@pytest.mark.parametrize(
    ("name", "owner", "other"),
    [("charity", CHARITY, COUNTY), ("subsidy", COUNTY, CHARITY), ("marriage", OFFICE, CHARITY)],
)
def test_another_organization_moves_nothing(world: World, name: str, owner: Organization, other: Organization) -> None:
    """Not even an issuer with a ledger on the same contract: a marriage needs a registration office."""
    contract = getattr(world, name)
    ledger = ledger_of(world, contract, name, owner)
    cause = ledger_of(world, contract, name, other)
    assert moves(contract, other.account, ledger, (cause, 0)) == set()


def test_another_registration_office_divorces_and_reissues(world: World) -> None:
    ledger = ledger_of(world, world.marriage, "marriage", OFFICE)
    elsewhere = ledger_of(world, world.marriage, "marriage", OTHER_OFFICE)
    assert moves(world.marriage, OTHER_OFFICE.account, ledger, (elsewhere, 0)) == DIVORCE_AND_REISSUE


def test_registration_office_has_no_such_right_outside_marriage(world: World) -> None:
    ledger = ledger_of(world, world.charity, "charity", CHARITY)
    elsewhere = ledger_of(world, world.charity, "charity", OTHER_OFFICE)
    assert moves(world.charity, OTHER_OFFICE.account, ledger, (elsewhere, 0)) == set()


def test_refusal_names_move_and_organization(world: World) -> None:
    ledger = ledger_of(world, world.charity, "charity", CHARITY)
    world.charity.assert_refused(
        CHARITY.account,
        "setStatus",
        [(ledger, 0, VOID, ledger, 1)],
        error=("StandingRefused", ledger, 0, C, VOID, CHARITY.uscc),
    )
