"""Institutions: signing keys, their validity and their recovery."""

import hashlib

import pytest
from support.world import (
    BUREAU,
    CHARITY,
    LONGEST_DEADLINE,
    NOBODY,
    REGISTRAR,
    STRANGER,
    World,
    account,
    uscc,
)

pytestmark = pytest.mark.node

UNKNOWN = uscc("51110000MA000000U")
PUBLIC = bytes(range(32))
POINT = bytes([4]) + bytes(64)
KEY_ID = hashlib.sha256(bytes([1]) + PUBLIC).digest()
SPARE = bytes(range(1, 33))
NEW_ACCOUNT = account(0xE1)


def key_id(alg: int, public: bytes) -> bytes:
    return hashlib.sha256(bytes([alg]) + public).digest()


def add_first(world: World, until: int = 0) -> int:
    """Add the charity's first key; return its start."""
    return world.institutions.send(REGISTRAR, "addKey", CHARITY.uscc, 1, PUBLIC, 1, 0, until).time


@pytest.mark.parametrize(("alg", "public", "purpose"), [(1, PUBLIC, 1), (1, PUBLIC, 2), (2, POINT, 3)])
def test_first_key_is_added_by_the_registrar(world: World, alg: int, public: bytes, purpose: int) -> None:
    receipt = world.institutions.send(REGISTRAR, "addKey", CHARITY.uscc, alg, public, purpose, 0, 0)
    assert receipt.event("KeyAdded") == {
        "uscc": CHARITY.uscc,
        "keyId": key_id(alg, public),
        "alg": alg,
        "publicKey": public,
        "purpose": purpose,
        "from": receipt.time,
        "until": 0,
    }
    kept = (0, 0, receipt.time, purpose, alg, CHARITY.uscc)
    assert world.institutions.call("keyOf", key_id(alg, public)) == kept


def test_first_key_is_refused_from_anyone_else(world: World) -> None:
    role = world.institutions.call("REGISTRAR_ROLE")
    for caller in (CHARITY.account, STRANGER):
        world.institutions.assert_refused(
            caller,
            "addKey",
            CHARITY.uscc,
            1,
            PUBLIC,
            1,
            0,
            0,
            error=("AccessControlUnauthorizedAccount", caller, role),
        )


def test_later_keys_are_added_by_the_organization_only(world: World) -> None:
    add_first(world)
    for caller in (REGISTRAR, STRANGER, BUREAU.account):
        world.institutions.assert_refused(
            caller, "addKey", CHARITY.uscc, 1, SPARE, 1, 0, 0, error=("NotEntitled", CHARITY.uscc, caller)
        )
    start = world.node.now() + 100
    world.institutions.send(CHARITY.account, "addKey", CHARITY.uscc, 1, SPARE, 1, start, start + 50)
    assert world.institutions.call("keyOf", key_id(1, SPARE)) == (0, start + 50, start, 1, 1, CHARITY.uscc)


def test_key_refuses_a_start_in_the_past(world: World) -> None:
    now = world.node.now()
    world.institutions.assert_refused(
        REGISTRAR, "addKey", CHARITY.uscc, 1, PUBLIC, 1, now - 1, 0, error=("StartInPast", now, now - 1)
    )


def test_key_refuses_an_empty_window(world: World) -> None:
    start = world.node.now() + 10
    world.institutions.assert_refused(
        REGISTRAR, "addKey", CHARITY.uscc, 1, PUBLIC, 1, start, start, error=("WindowEmpty", start + 1, start)
    )


@pytest.mark.parametrize("alg", [0, 3, 255])
def test_key_refuses_an_unknown_algorithm(world: World, alg: int) -> None:
    world.institutions.assert_refused(
        REGISTRAR, "addKey", CHARITY.uscc, alg, PUBLIC, 1, 0, 0, error=("AlgorithmUnknown", alg)
    )


@pytest.mark.parametrize(("alg", "length", "got"), [(1, 32, 31), (1, 32, 33), (1, 32, 0), (2, 65, 64), (2, 65, 32)])
def test_key_refuses_a_wrong_length(world: World, alg: int, length: int, got: int) -> None:
    world.institutions.assert_refused(
        REGISTRAR, "addKey", CHARITY.uscc, alg, bytes(got), 1, 0, 0, error=("PublicKeyMalformed", length, got)
    )


@pytest.mark.parametrize("purpose", [0, 4])
def test_key_refuses_an_unknown_purpose(world: World, purpose: int) -> None:
    world.institutions.assert_refused(
        REGISTRAR, "addKey", CHARITY.uscc, 1, PUBLIC, purpose, 0, 0, error=("PurposeUnknown", purpose)
    )


def test_key_belongs_to_one_organization_for_ever(world: World) -> None:
    add_first(world)
    for owner in (CHARITY, BUREAU):
        caller = CHARITY.account if owner is CHARITY else REGISTRAR
        world.institutions.assert_refused(caller, "addKey", owner.uscc, 1, PUBLIC, 2, 0, 0, error=("KeyExists", KEY_ID))


def test_key_refuses_an_unknown_organization(world: World) -> None:
    world.institutions.assert_refused(
        REGISTRAR, "addKey", UNKNOWN, 1, PUBLIC, 1, 0, 0, error=("OrganizationUnknown", UNKNOWN)
    )


def test_key_start_beyond_32_bits_is_refused(world: World) -> None:
    world.node.mine_at(2**32)
    world.institutions.assert_refused(
        REGISTRAR,
        "addKey",
        CHARITY.uscc,
        1,
        PUBLIC,
        1,
        0,
        0,
        error=("SafeCastOverflowedUintDowncast", 32, 2**32),
    )


def test_organization_ends_its_key(world: World) -> None:
    start = add_first(world)
    now = world.node.now()
    world.institutions.assert_refused(CHARITY.account, "endKey", KEY_ID, now, error=("EndTooEarly", now + 1, now))
    receipt = world.institutions.send(CHARITY.account, "endKey", KEY_ID, now + 60)
    assert receipt.event("KeyEnded") == {"uscc": CHARITY.uscc, "keyId": KEY_ID, "until": now + 60}
    assert world.institutions.call("keyOf", KEY_ID) == (0, now + 60, start, 1, 1, CHARITY.uscc)


def test_registrar_ends_a_key_not_before_the_longest_deadline(world: World) -> None:
    add_first(world)
    earliest = world.node.now() + LONGEST_DEADLINE
    world.institutions.assert_refused(
        REGISTRAR, "endKey", KEY_ID, earliest - 1, error=("EndTooEarly", earliest, earliest - 1)
    )
    world.institutions.send(REGISTRAR, "endKey", KEY_ID, earliest + 5)
    assert world.institutions.call("keyOf", KEY_ID)[1] == earliest + 5


def test_end_of_a_key_is_never_put_off(world: World) -> None:
    until = world.node.now() + 1000
    add_first(world, until)
    for later in (until, until + 1):
        world.institutions.assert_refused(CHARITY.account, "endKey", KEY_ID, later, error=("EndExtended", until, later))
    world.institutions.send(CHARITY.account, "endKey", KEY_ID, until - 1)
    world.node.mine_at(until)
    after = until + 10
    world.institutions.assert_refused(CHARITY.account, "endKey", KEY_ID, after, error=("EndExtended", until - 1, after))


def test_end_refuses_strangers_and_unknown_keys(world: World) -> None:
    add_first(world)
    until = world.node.now() + 10 * LONGEST_DEADLINE
    world.institutions.assert_refused(STRANGER, "endKey", KEY_ID, until, error=("NotEntitled", CHARITY.uscc, STRANGER))
    world.institutions.assert_refused(CHARITY.account, "endKey", bytes(32), until, error=("KeyUnknown", bytes(32)))


@pytest.mark.parametrize("caller", [REGISTRAR, CHARITY.account])
def test_compromise_is_declared_for_the_past_and_moves_only_earlier(world: World, caller: str) -> None:
    add_first(world)
    since = world.node.now() - 100
    receipt = world.institutions.send(caller, "compromiseKey", KEY_ID, since)
    assert receipt.event("KeyCompromised") == {"uscc": CHARITY.uscc, "keyId": KEY_ID, "since": since}
    for later in (since, since + 1):
        world.institutions.assert_refused(
            caller, "compromiseKey", KEY_ID, later, error=("CompromiseMalformed", KEY_ID, since - 1, later)
        )
    world.institutions.send(caller, "compromiseKey", KEY_ID, since - 1)
    assert world.institutions.call("keyOf", KEY_ID)[0] == since - 1


def test_compromise_refuses_the_future_and_zero(world: World) -> None:
    add_first(world)
    now = world.node.now()
    for since in (now + 1, 0):
        world.institutions.assert_refused(
            REGISTRAR, "compromiseKey", KEY_ID, since, error=("CompromiseMalformed", KEY_ID, now, since)
        )


def test_compromise_refuses_strangers_and_unknown_keys(world: World) -> None:
    add_first(world)
    world.institutions.assert_refused(
        STRANGER, "compromiseKey", KEY_ID, 1, error=("NotEntitled", CHARITY.uscc, STRANGER)
    )
    world.institutions.assert_refused(REGISTRAR, "compromiseKey", bytes(32), 1, error=("KeyUnknown", bytes(32)))


def test_recovered_key_is_valid_after_the_delay_only(world: World) -> None:
    add_first(world)
    recovery = (CHARITY.uscc, 1, SPARE, 1)
    receipt = world.institutions.send(REGISTRAR, "announceRecovery", *recovery)
    announced = receipt.event("RecoveryAnnounced")
    ready = receipt.time + LONGEST_DEADLINE
    assert (announced["uscc"], announced["readyAt"]) == (CHARITY.uscc, ready)
    recovery_id = announced["recoveryId"]
    assert world.institutions.call("recoveryOf", recovery_id) == (CHARITY.uscc, ready)
    world.node.mine_at(ready - 1)
    world.institutions.assert_refused(
        REGISTRAR, "executeRecovery", *recovery, error=("RecoveryTooEarly", recovery_id, ready, ready - 1)
    )
    world.node.mine_at(ready)
    done = world.institutions.send(REGISTRAR, "executeRecovery", *recovery)
    assert done.event("RecoveryExecuted") == {"uscc": CHARITY.uscc, "recoveryId": recovery_id}
    assert world.institutions.call("keyOf", key_id(1, SPARE)) == (0, 0, done.time, 1, 1, CHARITY.uscc)
    world.institutions.assert_refused(REGISTRAR, "executeRecovery", *recovery, error=("RecoveryUnknown", recovery_id))


def test_recovery_is_announced_once_and_keeps_its_date(world: World) -> None:
    recovery = (CHARITY.uscc, 1, SPARE, 1)
    announced = world.institutions.send(REGISTRAR, "announceRecovery", *recovery).event("RecoveryAnnounced")
    world.institutions.assert_refused(
        REGISTRAR, "announceRecovery", *recovery, error=("RecoveryExists", announced["recoveryId"])
    )


@pytest.mark.parametrize("caller", [REGISTRAR, CHARITY.account])
def test_recovery_is_called_off_by_registrar_or_organization(world: World, caller: str) -> None:
    recovery = (CHARITY.uscc, 1, SPARE, 1)
    receipt = world.institutions.send(REGISTRAR, "announceRecovery", *recovery)
    recovery_id = receipt.event("RecoveryAnnounced")["recoveryId"]
    world.institutions.assert_refused(
        STRANGER, "cancelRecovery", recovery_id, error=("NotEntitled", CHARITY.uscc, STRANGER)
    )
    gone = world.institutions.send(caller, "cancelRecovery", recovery_id).event("RecoveryCancelled")
    assert gone == {"uscc": CHARITY.uscc, "recoveryId": recovery_id, "actor": caller}
    world.node.mine_at(receipt.time + LONGEST_DEADLINE)
    world.institutions.assert_refused(REGISTRAR, "executeRecovery", *recovery, error=("RecoveryUnknown", recovery_id))
    world.institutions.assert_refused(caller, "cancelRecovery", recovery_id, error=("RecoveryUnknown", recovery_id))


def test_recovery_refuses_a_malformed_key_and_an_unknown_organization(world: World) -> None:
    world.institutions.assert_refused(
        REGISTRAR, "announceRecovery", CHARITY.uscc, 1, b"", 1, error=("PublicKeyMalformed", 32, 0)
    )
    world.institutions.assert_refused(
        REGISTRAR, "announceRecovery", UNKNOWN, 1, SPARE, 1, error=("OrganizationUnknown", UNKNOWN)
    )


def test_recovered_account_is_entitled_after_the_delay_only(world: World) -> None:
    recovery = (CHARITY.uscc, NEW_ACCOUNT)
    receipt = world.institutions.send(REGISTRAR, "announceAccountRecovery", *recovery)
    announced = receipt.event("RecoveryAnnounced")
    ready = receipt.time + LONGEST_DEADLINE
    world.institutions.assert_refused(
        REGISTRAR,
        "executeAccountRecovery",
        *recovery,
        error=("RecoveryTooEarly", announced["recoveryId"], ready, receipt.time),
    )
    assert not world.institutions.call("mayAnchor", *recovery)
    world.node.mine_at(ready)
    done = world.institutions.send(REGISTRAR, "executeAccountRecovery", *recovery)
    assert done.event("Delegated") == {"uscc": CHARITY.uscc, "account": NEW_ACCOUNT, "from": done.time, "until": 0}
    assert world.institutions.call("mayAnchor", *recovery)


def test_account_recovery_refuses_the_zero_account(world: World) -> None:
    world.institutions.assert_refused(
        REGISTRAR, "announceAccountRecovery", CHARITY.uscc, account(0), error=("AccountMissing",)
    )


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("announceRecovery", (CHARITY.uscc, 1, SPARE, 1)),
        ("executeRecovery", (CHARITY.uscc, 1, SPARE, 1)),
        ("announceAccountRecovery", (CHARITY.uscc, NEW_ACCOUNT)),
        ("executeAccountRecovery", (CHARITY.uscc, NEW_ACCOUNT)),
    ],
)
def test_only_a_registrar_recovers(world: World, function: str, arguments: tuple[object, ...]) -> None:
    role = world.institutions.call("REGISTRAR_ROLE")
    world.institutions.assert_refused(
        STRANGER, function, *arguments, error=("AccessControlUnauthorizedAccount", STRANGER, role)
    )


def test_suspended_organization_cannot_call_off_a_recovery(world: World) -> None:
    """A thief with the organization's account could; the suspension stops that too."""
    receipt = world.institutions.send(REGISTRAR, "announceAccountRecovery", CHARITY.uscc, NEW_ACCOUNT)
    recovery_id = receipt.event("RecoveryAnnounced")["recoveryId"]
    world.institutions.send(REGISTRAR, "suspendOrganization", CHARITY.uscc, NOBODY, bytes(32))
    world.institutions.assert_refused(
        CHARITY.account, "cancelRecovery", recovery_id, error=("NotEntitled", CHARITY.uscc, CHARITY.account)
    )
