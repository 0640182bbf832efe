"""A small network for contract tests: one register, three policy contracts, a few organizations."""

from dataclasses import dataclass
from typing import Final

from support.anvil import Node
from support.contract import Contract, deploy

from chainsvc.record import ledger_id

NETWORK_ID: Final = bytes(range(32))
LONGEST_DEADLINE: Final = 3600
ADMIN_DELAY: Final = 86_400

ADMIN: Final = "0x00000000000000000000000000000000000000a0"
REGISTRAR: Final = "0x00000000000000000000000000000000000000a1"
STRANGER: Final = "0x00000000000000000000000000000000000000ff"

ISSUER, REGULATOR, AUDITOR, OPERATOR, REGISTRATION_OFFICE = 1, 2, 4, 8, 16

NOBODY: Final = bytes(18)
"""The registrar's sign in place of a regulator's code."""


def account(number: int) -> str:
    """Return a lowercase account address."""
    return f"0x{number:040x}"


def uscc(body: str) -> bytes:
    """Complete 17 characters of a code with their check character (GB 32100-2015)."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return (body + alphabet[(31 - total % 31) % 31]).encode()


def kind(name: str) -> bytes:
    """Return a kind as the contracts take it."""
    return name.encode().ljust(16, b"\0")


@dataclass(frozen=True)
class Organization:
    """An organization with the account that acts for it."""

    uscc: bytes
    account: str
    roles: int


CHARITY: Final = Organization(uscc("53110000MA0000001"), account(0xC1), ISSUER)
OFFICE: Final = Organization(uscc("11110101MA0000002"), account(0xC2), ISSUER | REGISTRATION_OFFICE)
OTHER_OFFICE: Final = Organization(uscc("11310101MA0000003"), account(0xC3), ISSUER | REGISTRATION_OFFICE)
COUNTY: Final = Organization(uscc("11110102MA0000004"), account(0xC4), ISSUER)
BUREAU: Final = Organization(uscc("11110000MA0000005"), account(0xC5), REGULATOR)
AUDIT_OFFICE: Final = Organization(uscc("11110000MA0000006"), account(0xC6), AUDITOR)
ORGANIZATIONS: Final = (CHARITY, OFFICE, OTHER_OFFICE, COUNTY, BUREAU, AUDIT_OFFICE)


@dataclass(frozen=True)
class World:
    """The deployed contracts."""

    node: Node
    institutions: Contract
    charity: Contract
    marriage: Contract
    subsidy: Contract

    def open_ledger(
        self, contract: Contract, kind_name: str, owner: Organization, book: str, *, suite: int = 1, flags: int = 0
    ) -> bytes:
        """Open a ledger by its organization's account and return its identity, computed in Python."""
        contract.send(owner.account, "openLedger", kind(kind_name), owner.uscc, book, suite, flags)
        name = f"{kind_name}/{owner.uscc.decode()}/{book}"
        return ledger_id(NETWORK_ID, contract.raw_address, suite, flags, name)


def build(node: Node) -> World:
    """Deploy the network and register its organizations, each with one delegated account."""
    institutions = deploy(node, ADMIN, "Institutions", ADMIN, ADMIN_DELAY, LONGEST_DEADLINE)
    role = institutions.call("REGISTRAR_ROLE")
    institutions.send(ADMIN, "grantRole", role, REGISTRAR)
    names = ("CharityLedger", "MarriageLedger", "SubsidyLedger")
    charity, marriage, subsidy = (deploy(node, ADMIN, n, NETWORK_ID, institutions.address) for n in names)
    for name, contract in (("charity", charity), ("marriage", marriage), ("subsidy", subsidy)):
        institutions.send(ADMIN, "setPolicy", kind(name), contract.address)
    for organization in ORGANIZATIONS:
        register(institutions, organization)
    return World(node, institutions, charity, marriage, subsidy)


def register(institutions: Contract, organization: Organization) -> None:
    """Register an organization from now on and delegate its account."""
    institutions.send(REGISTRAR, "registerOrganization", organization.uscc, organization.roles, 0, 0)
    institutions.send(REGISTRAR, "delegate", organization.uscc, organization.account, 0, 0)
