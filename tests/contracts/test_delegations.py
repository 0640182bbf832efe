"""Institutions: who may act for an organization, and until when."""

import pytest
from support.world import (
    BUREAU,
    CHARITY,
    ISSUER,
    LONGEST_DEADLINE,
    NOBODY,
    REGISTRAR,
    STRANGER,
    World,
    account,
    uscc,
)

pytestmark = pytest.mark.node

NEW = uscc("51110000MA000000N")
SECOND = account(0xD2)
THIRD = account(0xD3)


def test_first_account_is_delegated_by_the_registrar_only(world: World) -> None:
    world.institutions.send(REGISTRAR, "registerOrganization", NEW, ISSUER, 0, 0)
    role = world.institutions.call("REGISTRAR_ROLE")
    world.institutions.assert_refused(
        STRANGER, "delegate", NEW, STRANGER, 0, 0, error=("AccessControlUnauthorizedAccount", STRANGER, role)
    )
    receipt = world.institutions.send(REGISTRAR, "delegate", NEW, SECOND, 0, 0)
    delegated = {"uscc": NEW, "account": SECOND, "from": receipt.time, "until": 0}
    assert receipt.event("Delegated") == delegated
    assert world.institutions.call("delegationOf", NEW, SECOND) == (receipt.time, 0)
    assert world.institutions.call("mayAnchor", NEW, SECOND)


def test_later_accounts_are_delegated_by_the_organization_only(world: World) -> None:
    for caller in (REGISTRAR, STRANGER, BUREAU.account):
        world.institutions.assert_refused(
            caller, "delegate", CHARITY.uscc, SECOND, 0, 0, error=("NotEntitled", CHARITY.uscc, caller)
        )
    world.institutions.send(CHARITY.account, "delegate", CHARITY.uscc, SECOND, 0, 0)
    world.institutions.send(SECOND, "delegate", CHARITY.uscc, THIRD, 0, 0)
    assert world.institutions.call("mayAnchor", CHARITY.uscc, THIRD)


def test_delegation_holds_in_its_window_only(world: World) -> None:
    start = world.node.now() + 100
    world.institutions.send(CHARITY.account, "delegate", CHARITY.uscc, SECOND, start, start + 50)
    for moment, entitled in ((start - 1, False), (start, True), (start + 49, True), (start + 50, False)):
        world.node.mine_at(moment)
        assert world.institutions.call("mayAnchor", CHARITY.uscc, SECOND) is entitled


def test_delegation_is_for_one_organization(world: World) -> None:
    assert world.institutions.call("mayAnchor", CHARITY.uscc, CHARITY.account)
    assert not world.institutions.call("mayAnchor", BUREAU.uscc, CHARITY.account)


def test_delegation_refuses_an_unknown_organization(world: World) -> None:
    world.institutions.assert_refused(REGISTRAR, "delegate", NEW, SECOND, 0, 0, error=("OrganizationUnknown", NEW))


def test_delegation_refuses_the_zero_account(world: World) -> None:
    world.institutions.assert_refused(
        CHARITY.account, "delegate", CHARITY.uscc, account(0), 0, 0, error=("AccountMissing",)
    )


def test_delegation_refuses_a_start_in_the_past(world: World) -> None:
    now = world.node.now()
    world.institutions.assert_refused(
        CHARITY.account, "delegate", CHARITY.uscc, SECOND, now - 1, 0, error=("StartInPast", now, now - 1)
    )


def test_delegation_refuses_an_account_whose_delegation_runs_or_is_to_come(world: World) -> None:
    world.institutions.send(CHARITY.account, "delegate", CHARITY.uscc, SECOND, world.node.now() + 1000, 0)
    for existing in (CHARITY.account, SECOND):
        world.institutions.assert_refused(
            CHARITY.account,
            "delegate",
            CHARITY.uscc,
            existing,
            0,
            0,
            error=("DelegationExists", CHARITY.uscc, existing),
        )


def test_account_may_be_delegated_anew_after_its_end(world: World) -> None:
    until = world.node.now() + 100
    world.institutions.send(CHARITY.account, "delegate", CHARITY.uscc, SECOND, 0, until)
    world.node.mine_at(until)
    assert not world.institutions.call("mayAnchor", CHARITY.uscc, SECOND)
    world.institutions.send(CHARITY.account, "delegate", CHARITY.uscc, SECOND, 0, 0)
    assert world.institutions.call("mayAnchor", CHARITY.uscc, SECOND)


def test_organization_ends_a_delegation_from_the_next_moment_on(world: World) -> None:
    world.institutions.send(CHARITY.account, "delegate", CHARITY.uscc, SECOND, 0, 0)
    now = world.node.now() + 10
    world.node.mine_at(now)
    world.institutions.assert_refused(
        CHARITY.account, "endDelegation", CHARITY.uscc, SECOND, now, error=("EndTooEarly", now + 1, now)
    )
    receipt = world.institutions.send(CHARITY.account, "endDelegation", CHARITY.uscc, SECOND, now + 60)
    assert receipt.event("DelegationEnded") == {"uscc": CHARITY.uscc, "account": SECOND, "until": now + 60}
    world.node.mine_at(now + 60)
    assert not world.institutions.call("mayAnchor", CHARITY.uscc, SECOND)


def test_registrar_ends_a_delegation_not_before_the_longest_deadline(world: World) -> None:
    earliest = world.node.now() + LONGEST_DEADLINE
    world.institutions.assert_refused(
        REGISTRAR,
        "endDelegation",
        CHARITY.uscc,
        CHARITY.account,
        earliest - 1,
        error=("EndTooEarly", earliest, earliest - 1),
    )
    world.institutions.send(REGISTRAR, "endDelegation", CHARITY.uscc, CHARITY.account, earliest + 5)
    world.node.mine_at(earliest + 5)
    assert not world.institutions.call("mayAnchor", CHARITY.uscc, CHARITY.account)


def test_end_of_a_delegation_is_never_put_off(world: World) -> None:
    until = world.node.now() + 100
    world.institutions.send(CHARITY.account, "delegate", CHARITY.uscc, SECOND, 0, until)
    for later in (until, until + 1):
        world.institutions.assert_refused(
            CHARITY.account, "endDelegation", CHARITY.uscc, SECOND, later, error=("EndExtended", until, later)
        )


def test_end_refuses_strangers_and_unknown_delegations(world: World) -> None:
    until = world.node.now() + 10 * LONGEST_DEADLINE
    world.institutions.assert_refused(
        STRANGER,
        "endDelegation",
        CHARITY.uscc,
        CHARITY.account,
        until,
        error=("NotEntitled", CHARITY.uscc, STRANGER),
    )
    world.institutions.assert_refused(
        CHARITY.account,
        "endDelegation",
        CHARITY.uscc,
        STRANGER,
        until,
        error=("DelegationUnknown", CHARITY.uscc, STRANGER),
    )


def test_suspended_organization_cannot_delegate(world: World) -> None:
    world.institutions.send(REGISTRAR, "suspendOrganization", CHARITY.uscc, NOBODY, bytes(32))
    world.institutions.assert_refused(
        CHARITY.account,
        "delegate",
        CHARITY.uscc,
        SECOND,
        0,
        0,
        error=("NotEntitled", CHARITY.uscc, CHARITY.account),
    )
