"""The register of organizations on chain: who may anchor, which keys count, which ledgers there are."""

from collections.abc import Iterator
from enum import IntEnum, IntFlag
from typing import Any, NamedTuple

from chainsvc.chain.abi import abi_of
from chainsvc.chain.artifacts import INSTITUTIONS
from chainsvc.chain.contract import Contract
from chainsvc.chain.facts import unword, word
from chainsvc.chain.node import At, Node
from chainsvc.proof.keccak import keccak256

REGISTRAR_ROLE = keccak256(b"REGISTRAR")
"""The role whose accounts register organizations and their first key and account."""


class Role(IntFlag):
    """What an organization does; one may have several roles."""

    ISSUER = 1
    REGULATOR = 2
    AUDITOR = 4
    OPERATOR = 8
    REGISTRATION_OFFICE = 16


class Purpose(IntEnum):
    """What a key signs."""

    SUBMISSION = 1
    RECEIPT = 2
    CHECKPOINT = 3


class Organization(NamedTuple):
    """An organization as registered; times are block times, ``until`` 0 is open.

    Attributes:
        since: Active from.
        until: Active before.
        roles: What it does.
        suspended: Whether a regulator or registrar suspended it.
        has_key: Whether it has its first key.
        has_account: Whether it has its first account.
    """

    since: int
    until: int
    roles: Role
    suspended: bool
    has_key: bool
    has_account: bool


class Delegation(NamedTuple):
    """An account's right to act for an organization; times are block times.

    Attributes:
        since: In force from.
        until: In force before; 0 is open.
    """

    since: int
    until: int


class Key(NamedTuple):
    """A signing key as registered; times are block times.

    Attributes:
        uscc: Whose key.
        alg: 1 Ed25519, 2 SM2.
        purpose: What it signs.
        since: Valid from.
        until: Valid before; 0 is open.
        compromised_from: Nothing signed from here on counts; 0 is never.
    """

    uscc: str
    alg: int
    purpose: Purpose
    since: int
    until: int
    compromised_from: int


class InstitutionEvent(NamedTuple):
    """Something that the register reported.

    Attributes:
        name: E.g. ``OrganizationSuspended``.
        arguments: By the contract's names.
        block: Block number.
        time: The block's time.
    """

    name: str
    arguments: dict[str, Any]
    block: int
    time: int


class Institutions(Contract):
    """The deployed register.

    Args:
        node: The node to read from.
        address: 20 bytes.
    """

    def __init__(self, node: Node, address: bytes) -> None:
        """Read nothing yet."""
        super().__init__(node, address, abi_of(INSTITUTIONS))

    # --- reading ---

    def may_anchor(self, uscc: str, account: bytes, at: At = "latest") -> bool:
        """Whether the organization is active and the account acts for it, at the time of the block."""
        return bool(self.view("mayAnchor", word(uscc), account, at=at)[0])

    def is_active(self, uscc: str, at: At = "latest") -> bool:
        """Whether the organization is registered, within its time and not suspended."""
        return bool(self.view("isActive", word(uscc), at=at)[0])

    def organization_of(self, uscc: str, at: At = "latest") -> Organization | None:
        """Return an organization, or None when it was never registered."""
        since, until, roles, *flags = self.view("organizationOf", word(uscc), at=at)[0]
        return Organization(since, until, Role(roles), *flags) if roles else None

    def delegation_of(self, uscc: str, account: bytes, at: At = "latest") -> Delegation | None:
        """Return an account's right to act for an organization, running or not; None when it never had one."""
        since, until = self.view("delegationOf", word(uscc), account, at=at)[0]
        return Delegation(since, until) if since else None

    def key_of(self, key_id: bytes, at: At = "latest") -> Key | None:
        """Return a key, or None when it was never registered."""
        compromised_from, until, since, purpose, alg, uscc = self.view("keyOf", key_id, at=at)[0]
        return Key(unword(uscc), alg, Purpose(purpose), since, until, compromised_from) if alg else None

    def ledgers_of(self, uscc: str, at: At = "latest") -> tuple[bytes, ...]:
        """Return the ids of every ledger of an organization, in order of opening."""
        return tuple(map(bytes, self.view("ledgersOf", word(uscc), at=at)[0]))

    def ledger_named(self, name: str, at: At = "latest") -> bytes | None:
        """Return the id of the one ledger of this name, or None when it was never opened."""
        found = bytes(self.view("ledgerNamed", name, at=at)[0])
        return found if any(found) else None

    def policy_of(self, kind: str, at: At = "latest") -> bytes | None:
        """Return the address of the contract for ledgers of a kind, or None when there is none."""
        found = bytes(self.view("policyOf", word(kind), at=at)[0])
        return found if any(found) else None

    def longest_deadline(self, at: At = "latest") -> int:
        """Return the seconds by which ends and budget cuts are delayed, so that accepted entries can still anchor."""
        return int(self.view("longestDeadline", at=at)[0])

    def is_registrar(self, account: bytes, at: At = "latest") -> bool:
        """Whether the account may register organizations."""
        return bool(self.view("hasRole", REGISTRAR_ROLE, account, at=at)[0])

    def events(self, first: int, last: int, *, name: str, uscc: str | None = None) -> Iterator[InstitutionEvent]:
        """Yield one kind of event about an organization (or all) from block ``first`` to ``last``, oldest first."""
        about = None if uscc is None else word(uscc).ljust(32, b"\0")
        for log in self.node.logs([self.address], [self.abi.topic(name), about], first, last):
            found = self.abi.event(log)
            if found is not None:
                yield InstitutionEvent(*found, log.block_number, self.node.block(log.block_hash).time)

    # --- calls that change something ---

    def grant_registrar(self, account: bytes) -> bytes:
        """Return the call by which the admin makes an account a registrar."""
        return self.abi.call("grantRole", REGISTRAR_ROLE, account)

    def set_policy(self, kind: str, contract: bytes) -> bytes:
        """Return the call by which the admin names the contract for ledgers of a kind."""
        return self.abi.call("setPolicy", word(kind), contract)

    def register_organization(self, uscc: str, roles: Role, since: int = 0, until: int = 0) -> bytes:
        """Return the registrar's call; ``since`` 0 is the block's time, ``until`` 0 is open."""
        return self.abi.call("registerOrganization", word(uscc), int(roles), since, until)

    def end_organization(self, uscc: str, until: int) -> bytes:
        """Return the registrar's call that plans an end, no sooner than the longest deadline."""
        return self.abi.call("endOrganization", word(uscc), until)

    def suspend_organization(self, uscc: str, by: str, reason: bytes) -> bytes:
        """Return the call by which the regulator ``by`` (a registrar when empty) suspends; ``reason`` is 32 bytes."""
        return self.abi.call("suspendOrganization", word(uscc), word(by), reason)

    def resume_organization(self, uscc: str, by: str) -> bytes:
        """Return the call by which the regulator ``by`` (a registrar when empty) lifts a suspension."""
        return self.abi.call("resumeOrganization", word(uscc), word(by))

    def delegate(self, uscc: str, account: bytes, since: int = 0, until: int = 0) -> bytes:
        """Return the call that lets an account act for an organization: the registrar's first, then its own."""
        return self.abi.call("delegate", word(uscc), account, since, until)

    def end_delegation(self, uscc: str, account: bytes, until: int) -> bytes:
        """Return the call that ends an account's right."""
        return self.abi.call("endDelegation", word(uscc), account, until)

    def add_key(self, uscc: str, alg: int, public: bytes, purpose: Purpose, since: int = 0, until: int = 0) -> bytes:
        """Return the call that registers a key: the registrar's for the first, then the organization's own."""
        return self.abi.call("addKey", word(uscc), alg, public, int(purpose), since, until)

    def end_key(self, key_id: bytes, until: int) -> bytes:
        """Return the call that ends a key."""
        return self.abi.call("endKey", key_id, until)

    def compromise_key(self, key_id: bytes, since: int) -> bytes:
        """Return the call that says from when on a key's signatures don't count."""
        return self.abi.call("compromiseKey", key_id, since)
