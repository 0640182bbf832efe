import secrets

import pytest
from support.chain import Chain

from chainsvc.chain.institutions import Purpose, Role
from chainsvc.crypto.keys import ED25519, SigningKey
from chainsvc.errors import ChainRefused

pytestmark = pytest.mark.node


def test_registered_organization_may_anchor_by_its_account_only(chain: Chain) -> None:
    register = chain.institutions
    organization = chain.organization(Role.ISSUER | Role.AUDITOR)
    found = register.organization_of(organization)
    assert found is not None
    assert found.roles == Role.ISSUER | Role.AUDITOR
    assert (found.until, found.suspended, found.has_key, found.has_account) == (0, False, False, True)
    assert register.is_active(organization)
    assert register.may_anchor(organization, chain.signer.address)
    assert not register.may_anchor(organization, secrets.token_bytes(20))


def test_unknown_organization_key_and_kind_are_none(chain: Chain) -> None:
    register = chain.institutions
    assert register.organization_of("9" * 18) is None
    assert register.key_of(secrets.token_bytes(32)) is None
    assert register.policy_of("unknown") is None
    assert register.ledgers_of("9" * 18) == ()


def test_wrong_check_character_is_refused_with_the_right_one(chain: Chain) -> None:
    register = chain.institutions
    with pytest.raises(ChainRefused) as caught:
        chain.send(register.address, register.register_organization("1" * 18, Role.ISSUER))
    assert (caught.value.name, caught.value.expected, caught.value.got) == ("UsccCheckMismatch", "5", "1")
    assert caught.value.arguments["uscc"] == "1" * 18


def test_key_is_found_by_the_id_that_the_core_computes(chain: Chain) -> None:
    register, key = chain.institutions, SigningKey.generate()
    organization = chain.organization()
    receipt = chain.send(register.address, register.add_key(organization, ED25519, key.public, Purpose.SUBMISSION))
    since = chain.node.block(receipt.block_hash).time
    found = register.key_of(key.key_id)
    assert found is not None
    assert found == (organization, ED25519, Purpose.SUBMISSION, since, 0, 0)

    chain.send(register.address, register.compromise_key(key.key_id, since))
    compromised = register.key_of(key.key_id)
    assert compromised is not None
    assert compromised.compromised_from == since
    before = register.key_of(key.key_id, at=receipt.block_number)
    assert before == found


def test_suspension_by_a_regulator_stops_anchoring_and_is_an_event(chain: Chain) -> None:
    register = chain.institutions
    organization, bureau = chain.organization(), chain.organization(Role.REGULATOR)
    begin = chain.node.head().number
    reason = secrets.token_bytes(32)
    receipt = chain.send(register.address, register.suspend_organization(organization, bureau, reason))
    assert not register.may_anchor(organization, chain.signer.address)
    last = chain.node.head().number
    (event,) = register.events(begin, last, name="OrganizationSuspended", uscc=organization)
    assert (event.block, event.arguments["reason"]) == (receipt.block_number, reason)
    assert event.time == chain.node.block(receipt.block_hash).time
    assert list(register.events(begin, last, name="OrganizationSuspended", uscc=bureau)) == []

    chain.send(register.address, register.resume_organization(organization, bureau))
    assert register.may_anchor(organization, chain.signer.address)


def test_end_is_planned_no_sooner_than_the_longest_deadline(chain: Chain) -> None:
    register, organization = chain.institutions, chain.organization()
    now = chain.node.head().time
    with pytest.raises(ChainRefused) as caught:
        chain.send(register.address, register.end_organization(organization, now + 60))
    assert caught.value.name == "EndTooEarly"
    until = now + register.longest_deadline() + 600
    chain.send(register.address, register.end_organization(organization, until))
    found = register.organization_of(organization)
    assert found is not None
    assert found.until == until
    assert register.is_active(organization)


def test_second_account_is_delegated_by_the_organization_and_can_be_ended(chain: Chain) -> None:
    register, organization = chain.institutions, chain.organization()
    account = secrets.token_bytes(20)
    chain.send(register.address, register.delegate(organization, account))
    assert register.may_anchor(organization, account)
    until = chain.node.head().time + register.longest_deadline() + 600
    chain.send(register.address, register.end_delegation(organization, account, until))
    assert register.may_anchor(organization, account)
