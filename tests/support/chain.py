"""A deployed network on a devnet of its own, as the service would find it."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from support.world import uscc

from chainsvc import devnet
from chainsvc.chain.deploy import Deployment, deploy
from chainsvc.chain.engines import ANVIL
from chainsvc.chain.events import LedgerOpened
from chainsvc.chain.facts import Receipt
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.institutions import Institutions, Role
from chainsvc.chain.ledgers import LedgerContract
from chainsvc.chain.signer import KeyFileSigner
from chainsvc.chain.transactions import send_and_wait
from chainsvc.crypto.keys import SigningKey
from chainsvc.devnet import Devnet
from chainsvc.note import VerifierKey


@dataclass(frozen=True)
class Chain:
    devnet: Devnet
    node: HttpNode
    signer: KeyFileSigner
    deployment: Deployment

    @property
    def institutions(self) -> Institutions:
        return Institutions(self.node, self.deployment.network.institutions.address)

    def ledgers(self, kind: str) -> LedgerContract:
        contract = self.deployment.network.contract_of(kind)
        assert contract is not None
        return LedgerContract(self.node, contract.address)

    def send(self, to: bytes, data: bytes) -> Receipt:
        return send_and_wait(self.node, self.signer, to, data)

    def organization(self, roles: Role = Role.ISSUER) -> str:
        """Register an organization of its own for each test; the deployer acts for it."""
        code = uscc(f"5311000{secrets.randbelow(10**10):010d}").decode()
        self.send(self.institutions.address, self.institutions.register_organization(code, roles))
        self.send(self.institutions.address, self.institutions.delegate(code, self.signer.address))
        return code

    def ledger(self, kind: str, organization: str, book: str = "BOOK-1") -> LedgerOpened:
        contract = self.ledgers(kind)
        receipt = self.send(contract.address, contract.open_ledger(kind, organization, book, 1, 0))
        (opened,) = contract.events_of(receipt)
        assert isinstance(opened, LedgerOpened)
        return opened


def start(home: Path) -> Chain:
    """Start a devnet in the folder and deploy the contracts to it; ``devnet.down(home)`` ends it."""
    running = devnet.up(home, heartbeat=0)
    signer = KeyFileSigner.create(home / "deployer.account")
    devnet.fund(running, [signer.address])
    node = HttpNode(running.url)
    watcher = VerifierKey("example.org/checkpoint", SigningKey.generate().public)
    return Chain(running, node, signer, deploy(node, signer, ANVIL, name="Tests", checkpoint_signers=[watcher]))
