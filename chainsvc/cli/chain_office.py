"""The service's accounts at work on chain for single acts, while its workers anchor with the same ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chainsvc.anchor.calling import Caller
from chainsvc.chain.engines import engine_of
from chainsvc.chain.institutions import Institutions
from chainsvc.chain.signer import Signer
from chainsvc.errors import Conflict
from chainsvc.ground import Ground, grounded
from chainsvc.keyring import read_accounts
from chainsvc.settings import Settings


@dataclass(frozen=True, slots=True)
class Office:
    """Where the service's accounts act on chain beside its workers: each nonce is taken in the journal.

    Attributes:
        ground: The journal, the node and the network.
        signers: The service's accounts.
    """

    ground: Ground
    signers: tuple[Signer, ...]

    @property
    def institutions(self) -> Institutions:
        """The register."""
        return Institutions(self.ground.node, self.ground.network.institutions.address)

    def call(self, uscc: str, data: bytes, contract: bytes | None = None) -> None:
        """Call a contract, the register by default, by an account that the organization lets act for it.

        Raises:
            Conflict: It lets none of the service's.
            ChainRefused: The contract refuses.
        """
        register = self.institutions
        if not any(register.may_anchor(uscc, signer.address) for signer in self.signers):
            raise Conflict(
                "no account of this service acts for the organization",
                got=uscc,
                hint="Delegate one first: chainsvc org delegate USCC.",
            )
        profile = engine_of(self.ground.network.engine.name)
        caller = Caller(self.ground.engine, self.ground.node, profile, self.signers, register.may_anchor)
        caller.call(uscc, contract or register.address, data)


@contextmanager
def office_of(settings: Settings, *more: Signer) -> Iterator[Office]:
    """Open the office of a home's accounts, and of more."""
    with grounded(settings) as ground:
        known = read_accounts(settings)
        new = [signer for signer in more if signer.address not in {one.address for one in known}]
        yield Office(ground, (*known, *new))
