"""Institutions: registering, ending, suspending and resuming organizations."""

import pytest
from support.contract import assert_deployment_refused
from support.world import (
    ADMIN,
    ADMIN_DELAY,
    BUREAU,
    CHARITY,
    ISSUER,
    LONGEST_DEADLINE,
    NOBODY,
    REGISTRAR,
    REGULATOR,
    STRANGER,
    World,
    account,
    uscc,
)

pytestmark = pytest.mark.node

NEW = uscc("51110000MA000000N")
UNKNOWN = uscc("51110000MA000000U")
REASON = bytes([7]) * 32


def test_register_refuses_a_zero_deadline(world: World) -> None:
    arguments = (ADMIN, ADMIN_DELAY, 0)
    assert_deployment_refused(world.node, ADMIN, "Institutions", *arguments, error=("LongestDeadlineMissing",))


def test_registered_organization_is_active_from_this_block(world: World) -> None:
    receipt = world.institutions.send(REGISTRAR, "registerOrganization", NEW, ISSUER, 0, 0)
    assert receipt.event("OrganizationRegistered") == {"uscc": NEW, "roles": ISSUER, "from": receipt.time, "until": 0}
    assert world.institutions.call("organizationOf", NEW) == (receipt.time, 0, ISSUER, False, False, False)
    assert world.institutions.call("isActive", NEW)
    assert world.institutions.call("rolesOf", NEW) == ISSUER


def test_unknown_organization_is_not_active(world: World) -> None:
    assert not world.institutions.call("isActive", UNKNOWN)
    assert not world.institutions.call("mayAnchor", UNKNOWN, CHARITY.account)
    assert world.institutions.call("rolesOf", UNKNOWN) == 0


def test_organization_is_active_in_its_window_only(world: World) -> None:
    start = world.node.now() + 100
    world.institutions.send(REGISTRAR, "registerOrganization", NEW, ISSUER, start, start + 50)
    for moment, active in ((start - 1, False), (start, True), (start + 49, True), (start + 50, False)):
        world.node.mine_at(moment)
        assert world.institutions.call("isActive", NEW) is active


@pytest.mark.parametrize("position", [0, 8, 17])
def test_register_refuses_a_character_outside_the_alphabet(world: World, position: int) -> None:
    bad = NEW[:position] + b"I" + NEW[position + 1 :]
    world.institutions.assert_refused(
        REGISTRAR, "registerOrganization", bad, ISSUER, 0, 0, error=("UsccMalformed", bad, position)
    )


def test_register_refuses_a_wrong_check_character(world: World) -> None:
    wrong = b"0" if NEW[17:] != b"0" else b"1"
    world.institutions.assert_refused(
        REGISTRAR,
        "registerOrganization",
        NEW[:17] + wrong,
        ISSUER,
        0,
        0,
        error=("UsccCheckMismatch", NEW[:17] + wrong, NEW[17:], wrong),
    )


@pytest.mark.parametrize("body", ["ABCDEFGHJKLMNPQRT", "UWXY0123456789ABC", "00000000000000000", "YYYYYYYYYYYYYYYYY"])
def test_register_accepts_every_character_of_the_alphabet(world: World, body: str) -> None:
    world.institutions.send(REGISTRAR, "registerOrganization", uscc(body), ISSUER, 0, 0)
    assert world.institutions.call("isActive", uscc(body))


def test_register_refuses_a_code_twice(world: World) -> None:
    world.institutions.assert_refused(
        REGISTRAR, "registerOrganization", CHARITY.uscc, ISSUER, 0, 0, error=("OrganizationExists", CHARITY.uscc)
    )


@pytest.mark.parametrize("roles", [0, 32, 255])
def test_register_refuses_unknown_roles(world: World, roles: int) -> None:
    world.institutions.assert_refused(
        REGISTRAR, "registerOrganization", NEW, roles, 0, 0, error=("RolesMalformed", 31, roles)
    )


def test_register_refuses_a_start_in_the_past(world: World) -> None:
    now = world.node.now()
    world.institutions.assert_refused(
        REGISTRAR, "registerOrganization", NEW, ISSUER, now - 1, 0, error=("StartInPast", now, now - 1)
    )


@pytest.mark.parametrize("length", [0, -5])
def test_register_refuses_an_empty_window(world: World, length: int) -> None:
    start = world.node.now() + 10
    window = (start, start + length)
    world.institutions.assert_refused(
        REGISTRAR, "registerOrganization", NEW, ISSUER, *window, error=("WindowEmpty", start + 1, start + length)
    )


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("registerOrganization", (NEW, ISSUER, 0, 0)),
        ("endOrganization", (CHARITY.uscc, 2**40)),
        ("suspendOrganization", (CHARITY.uscc, NOBODY, REASON)),
        ("resumeOrganization", (CHARITY.uscc, NOBODY)),
    ],
)
def test_only_a_registrar_registers_ends_and_suspends(
    world: World, function: str, arguments: tuple[object, ...]
) -> None:
    role = world.institutions.call("REGISTRAR_ROLE")
    for caller in (STRANGER, ADMIN, CHARITY.account):
        world.institutions.assert_refused(
            caller, function, *arguments, error=("AccessControlUnauthorizedAccount", caller, role)
        )


def test_end_stops_the_organization_at_its_time(world: World) -> None:
    until = world.node.now() + LONGEST_DEADLINE + 10
    receipt = world.institutions.send(REGISTRAR, "endOrganization", CHARITY.uscc, until)
    assert receipt.event("OrganizationEnded") == {"uscc": CHARITY.uscc, "until": until}
    world.node.mine_at(until - 1)
    assert world.institutions.call("mayAnchor", CHARITY.uscc, CHARITY.account)
    world.node.mine_at(until)
    assert not world.institutions.call("mayAnchor", CHARITY.uscc, CHARITY.account)


def test_end_refuses_to_come_before_the_longest_deadline(world: World) -> None:
    earliest = world.node.now() + LONGEST_DEADLINE
    for until in (0, earliest - 1):
        world.institutions.assert_refused(
            REGISTRAR, "endOrganization", CHARITY.uscc, until, error=("EndTooEarly", earliest, until)
        )


def test_end_is_never_put_off(world: World) -> None:
    until = world.node.now() + 2 * LONGEST_DEADLINE
    world.institutions.send(REGISTRAR, "endOrganization", CHARITY.uscc, until)
    for later in (until, until + 1):
        world.institutions.assert_refused(
            REGISTRAR, "endOrganization", CHARITY.uscc, later, error=("EndExtended", until, later)
        )
    world.institutions.send(REGISTRAR, "endOrganization", CHARITY.uscc, until - 1)
    assert world.institutions.call("organizationOf", CHARITY.uscc)[1] == until - 1


def test_end_refuses_an_unknown_organization(world: World) -> None:
    until = world.node.now() + LONGEST_DEADLINE
    world.institutions.assert_refused(
        REGISTRAR, "endOrganization", UNKNOWN, until, error=("OrganizationUnknown", UNKNOWN)
    )


@pytest.mark.parametrize(("caller", "by"), [(REGISTRAR, NOBODY), (BUREAU.account, BUREAU.uscc)])
def test_suspension_holds_at_once_until_it_is_lifted(world: World, caller: str, by: bytes) -> None:
    receipt = world.institutions.send(caller, "suspendOrganization", CHARITY.uscc, by, REASON)
    suspended = {"uscc": CHARITY.uscc, "by": by, "reason": REASON, "actor": caller}
    assert receipt.event("OrganizationSuspended") == suspended
    assert not world.institutions.call("isActive", CHARITY.uscc)
    assert not world.institutions.call("mayAnchor", CHARITY.uscc, CHARITY.account)
    receipt = world.institutions.send(caller, "resumeOrganization", CHARITY.uscc, by)
    assert receipt.event("OrganizationResumed") == {"uscc": CHARITY.uscc, "by": by, "actor": caller}
    assert world.institutions.call("mayAnchor", CHARITY.uscc, CHARITY.account)


def test_suspension_refuses_one_that_is_no_regulator(world: World) -> None:
    world.institutions.assert_refused(
        CHARITY.account,
        "suspendOrganization",
        BUREAU.uscc,
        CHARITY.uscc,
        REASON,
        error=("RoleMissing", CHARITY.uscc, REGULATOR, ISSUER),
    )


def test_suspension_refuses_an_account_that_is_not_the_regulators(world: World) -> None:
    world.institutions.assert_refused(
        CHARITY.account,
        "suspendOrganization",
        CHARITY.uscc,
        BUREAU.uscc,
        REASON,
        error=("NotEntitled", BUREAU.uscc, CHARITY.account),
    )


def test_suspended_regulator_cannot_lift_its_own_suspension(world: World) -> None:
    world.institutions.send(REGISTRAR, "suspendOrganization", BUREAU.uscc, NOBODY, REASON)
    world.institutions.assert_refused(
        BUREAU.account,
        "resumeOrganization",
        BUREAU.uscc,
        BUREAU.uscc,
        error=("NotEntitled", BUREAU.uscc, BUREAU.account),
    )


def test_suspension_refuses_what_stands_already(world: World) -> None:
    world.institutions.assert_refused(
        REGISTRAR,
        "resumeOrganization",
        CHARITY.uscc,
        NOBODY,
        error=("SuspensionMismatch", CHARITY.uscc, True, False),
    )
    world.institutions.send(REGISTRAR, "suspendOrganization", CHARITY.uscc, NOBODY, REASON)
    world.institutions.assert_refused(
        REGISTRAR,
        "suspendOrganization",
        CHARITY.uscc,
        NOBODY,
        REASON,
        error=("SuspensionMismatch", CHARITY.uscc, False, True),
    )


def test_suspension_refuses_an_unknown_organization(world: World) -> None:
    world.institutions.assert_refused(
        REGISTRAR, "suspendOrganization", UNKNOWN, NOBODY, REASON, error=("OrganizationUnknown", UNKNOWN)
    )


def test_registrar_cannot_act_for_an_organization(world: World) -> None:
    assert not world.institutions.call("mayAnchor", CHARITY.uscc, REGISTRAR)
    assert not world.institutions.call("mayAnchor", CHARITY.uscc, ADMIN)
    assert not world.institutions.call("mayAnchor", CHARITY.uscc, account(0))
