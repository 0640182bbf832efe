"""What institutions do on chain themselves, each with its own account: register, delegate, add keys, set budgets.

Every act first looks whether it is done already, so that repeating one is harmless.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from chainsvc.chain.engines import Engine, profile_of
from chainsvc.chain.institutions import Institutions, Purpose, Role
from chainsvc.chain.ledgers import LedgerContract
from chainsvc.chain.node import Node
from chainsvc.chain.signer import Signer
from chainsvc.chain.transactions import Sending, send_and_wait
from chainsvc.errors import Conflict, NotFound
from chainsvc.network import Network
from chainsvc.record import LedgerName

_MINING_S = 600  # the register compares with the time of the block that the call falls into


@dataclass(frozen=True, slots=True)
class Desk:
    """One account at work on one network.

    Attributes:
        node: Where to.
        network: Which network.
        signer: The account: a registrar's, or one delegated by the organization that acts.
        sending: What :meth:`together` waits for; None waits for each act.
    """

    node: Node
    network: Network
    signer: Signer
    sending: Sending | None = None

    @contextmanager
    def together(self) -> Iterator["Desk"]:
        """Give a desk whose acts are sent one after the other, and are final together when the block ends.

        Acts that build on each other, such as a delegation on a registration, need a block each.

        Raises:
            ChainRefused: One reverted.
            NodeUnavailable: Not final in time; they may still be mined.
        """
        sending = Sending(self.node, self.signer, engine=self._profile)
        yield replace(self, sending=sending)
        sending.settle()

    @property
    def institutions(self) -> Institutions:
        """The register."""
        return Institutions(self.node, self.network.institutions.address)

    @property
    def _profile(self) -> Engine:
        return profile_of(self.network.engine)

    def _send(self, contract: bytes, data: bytes) -> None:
        if self.sending is None:
            send_and_wait(self.node, self.signer, contract, data, engine=self._profile)
        else:
            self.sending.send(contract, data)

    def register(self, uscc: str, roles: Role) -> bool:
        """Register an organization; False when it was registered like this already.

        Raises:
            Conflict: It is registered with other roles.
            ChainRefused: The account is no registrar, or the code's check character is wrong.
        """
        known = self.institutions.organization_of(uscc)
        if known is not None:
            if known.roles != roles:
                got = ", ".join(role.name or "" for role in known.roles)
                raise Conflict("the organization is registered with other roles", got=got, where=uscc)
            return False
        self._send(self.institutions.address, self.institutions.register_organization(uscc, roles))
        return True

    def delegate(self, uscc: str, account: bytes) -> bool:
        """Let an account act for an organization from now on; False when it may already.

        Raises:
            ChainRefused: This account may not delegate for it.
        """
        if self.institutions.may_anchor(uscc, account):
            return False
        self._send(self.institutions.address, self.institutions.delegate(uscc, account))
        return True

    def add_key(self, uscc: str, alg: int, public: bytes, key_id: bytes, purpose: Purpose) -> bool:
        """Register a signing key; False when it is registered already.

        Raises:
            Conflict: It belongs to another organization or has another purpose.
            ChainRefused: This account may not add keys for it.
        """
        known = self.institutions.key_of(key_id)
        if known is not None:
            if (known.uscc, known.purpose) != (uscc, purpose):
                got = f"{known.purpose.name.lower()} of {known.uscc}"
                raise Conflict("the key is registered for something else", got=got, where=key_id.hex())
            return False
        self._send(self.institutions.address, self.institutions.add_key(uscc, alg, public, purpose))
        return True

    def end_key(self, key_id: bytes, until: int) -> None:
        """End a key at a future block time, in Unix seconds."""
        self._send(self.institutions.address, self.institutions.end_key(key_id, until))

    def compromise_key(self, key_id: bytes, since: int) -> None:
        """Say that nothing signed by a key since a block time counts."""
        self._send(self.institutions.address, self.institutions.compromise_key(key_id, since))

    def end_organization(self, uscc: str, until: int | None = None) -> int:
        """Plan an organization's end as registrar, and return when it is, in Unix seconds of the chain.

        Without ``until`` the one that is planned already, else the soonest, which leaves time to anchor what was
        accepted from it.

        Raises:
            NotFound: The organization is not registered.
            ChainRefused: The account is no registrar, the time is too soon, or a later one than is planned.
        """
        known = self.institutions.organization_of(uscc)
        if known is None:
            raise NotFound("the organization is not registered", got=uscc)
        if known.until and (until is None or known.until == until):
            return known.until
        if until is None:
            now = max(int(time.time()), self.node.head().time)
            until = now + self.institutions.longest_deadline() + _MINING_S
        self._send(self.institutions.address, self.institutions.end_organization(uscc, until))
        return until

    def suspend(self, uscc: str, by: str, reason: str) -> None:
        """Suspend an organization at once: an event that excuses its receipts; ``by`` empty acts as registrar."""
        digest = reason.encode()[:32].ljust(32, b"\0")
        self._send(self.institutions.address, self.institutions.suspend_organization(uscc, by, digest))

    def resume(self, uscc: str, by: str) -> None:
        """Lift a suspension."""
        self._send(self.institutions.address, self.institutions.resume_organization(uscc, by))

    def set_budget(self, ledger: str, ledger_id: bytes, by: str, fen: int) -> bool:
        """Set a ledger's budget as the regulator ``by``; False when it is that already.

        Raises:
            NotFound: The network has no contract for the ledger's kind.
            ChainRefused: ``by`` is no regulator, or this account does not act for it.
        """
        contract = self._contract(ledger)
        budget = contract.budget_of(ledger_id)
        if budget.present == fen and not budget.following_from:
            return False
        self._send(contract.address, contract.set_budget(ledger_id, by, fen))
        return True

    def _contract(self, ledger: str) -> LedgerContract:
        kind = LedgerName.parse(ledger).kind
        found = self.network.contract_of(kind)
        if found is None:
            raise NotFound("the network has no contract for this kind", got=kind)
        return LedgerContract(self.node, found.address)
