"""Access control: the admin's delayed transfer, policies, and the successor."""

import pytest
from support.contract import assert_deployment_refused
from support.world import ADMIN, ADMIN_DELAY, LONGEST_DEADLINE, NETWORK_ID, REGISTRAR, STRANGER, World, account, kind

pytestmark = pytest.mark.node

ADMIN_ROLE = bytes(32)
HEIR = account(0xF1)


def test_admin_is_transferred_in_two_steps_after_the_delay(world: World) -> None:
    world.institutions.send(ADMIN, "beginDefaultAdminTransfer", HEIR)
    schedule = world.institutions.call("pendingDefaultAdmin")[1]
    assert schedule >= world.node.now() + ADMIN_DELAY
    world.institutions.assert_refused(
        HEIR, "acceptDefaultAdminTransfer", error=("AccessControlEnforcedDefaultAdminDelay", schedule)
    )
    world.node.mine_at(schedule + 1)
    world.institutions.assert_refused(
        STRANGER, "acceptDefaultAdminTransfer", error=("AccessControlInvalidDefaultAdmin", STRANGER)
    )
    world.institutions.send(HEIR, "acceptDefaultAdminTransfer")
    assert world.institutions.call("defaultAdmin") == HEIR


def test_deployment_refuses_a_missing_admin(world: World) -> None:
    arguments = (account(0), ADMIN_DELAY, LONGEST_DEADLINE)
    assert_deployment_refused(
        world.node, ADMIN, "Institutions", *arguments, error=("AccessControlInvalidDefaultAdmin", account(0))
    )


def test_admin_role_is_never_granted_outside_the_transfer(world: World) -> None:
    world.institutions.assert_refused(
        ADMIN, "grantRole", ADMIN_ROLE, HEIR, error=("AccessControlEnforcedDefaultAdminRules",)
    )


def test_registrar_gives_up_only_its_own_role(world: World) -> None:
    role = world.institutions.call("REGISTRAR_ROLE")
    world.institutions.assert_refused(
        STRANGER, "renounceRole", role, REGISTRAR, error=("AccessControlBadConfirmation",)
    )


def test_policy_is_set_by_the_admin_only(world: World) -> None:
    for caller in (STRANGER, REGISTRAR):
        world.institutions.assert_refused(
            caller,
            "setPolicy",
            kind("funeral"),
            world.marriage.address,
            error=("AccessControlUnauthorizedAccount", caller, ADMIN_ROLE),
        )
    receipt = world.institutions.send(ADMIN, "setPolicy", kind("funeral"), world.marriage.address)
    assert receipt.event("PolicySet") == {"kind": kind("funeral"), "ledgerContract": world.marriage.address}
    assert world.institutions.call("policyOf", kind("funeral")) == world.marriage.address


def test_policy_refuses_an_address_without_code(world: World) -> None:
    world.institutions.assert_refused(
        ADMIN, "setPolicy", kind("charity"), STRANGER, error=("PolicyWithoutCode", STRANGER)
    )


def test_policy_may_be_taken_away(world: World) -> None:
    world.institutions.send(ADMIN, "setPolicy", kind("charity"), account(0))
    assert world.institutions.call("policyOf", kind("charity")) == account(0)


@pytest.mark.parametrize("bad", [b"", b"Charity", b"char1ty", b"char ity", b"ch\0rity", b"\0charity", b"char-ity"])
def test_policy_refuses_a_malformed_kind(world: World, bad: bytes) -> None:
    padded = bad.ljust(16, b"\0")
    world.institutions.assert_refused(
        ADMIN, "setPolicy", padded, world.charity.address, error=("KindMalformed", padded)
    )


def test_successor_is_announced_by_the_admin_only(world: World) -> None:
    world.charity.assert_refused(
        STRANGER, "announceSuccessor", world.marriage.address, error=("NotAdmin", ADMIN, STRANGER)
    )
    assert world.charity.call("successor") == account(0)
    receipt = world.charity.send(ADMIN, "announceSuccessor", world.marriage.address)
    assert receipt.event("SuccessorAnnounced") == {"successor": world.marriage.address}
    assert world.charity.call("successor") == world.marriage.address


def test_successor_must_be_a_contract(world: World) -> None:
    world.charity.assert_refused(ADMIN, "announceSuccessor", STRANGER, error=("SuccessorWithoutCode", STRANGER))


@pytest.mark.parametrize("name", ["CharityLedger", "MarriageLedger", "SubsidyLedger"])
def test_deployment_refuses_a_missing_network_or_register(world: World, name: str) -> None:
    register = world.institutions.address
    assert_deployment_refused(world.node, ADMIN, name, bytes(32), register, error=("NetworkIdMissing",))
    assert_deployment_refused(world.node, ADMIN, name, NETWORK_ID, STRANGER, error=("InstitutionsMissing", STRANGER))


@pytest.mark.parametrize("name", ["charity", "marriage", "subsidy"])
def test_ledger_contract_knows_its_network_and_register(world: World, name: str) -> None:
    contract = getattr(world, name)
    assert contract.call("networkId") == NETWORK_ID
    assert contract.call("institutions") == world.institutions.address
