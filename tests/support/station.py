"""A whole service on real parts: an anvil, a PostgreSQL journal, deployed contracts and one registered organization.

The worker does not run by itself: tests call :meth:`Station.settle` or single rounds.
"""

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine

from chainsvc import bootstrap, devnet, ground, keyring
from chainsvc.admin import Desk
from chainsvc.api.ports import Caller
from chainsvc.bootstrap import Running
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.institutions import Purpose, Role
from chainsvc.chain.signer import KeyFileSigner
from chainsvc.client.answers import Accepted, LedgerFacts
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.suites import SHA256, Suite
from chainsvc.errors import ChainsvcError, LeaseLost
from chainsvc.record import Record
from chainsvc.settings import Settings, load_settings

USCC = "533206001803406341"
REGULATOR = "11320602114798049U"
_books = itertools.count(1)
_SETTLE_S = 120.0


@dataclass
class Site:
    """A devnet with deployed contracts and registered organizations; lives for a session."""

    home: Path
    local: devnet.Devnet
    regulator: KeyFileSigner

    def settings(self, url: str, **values: object) -> Settings:
        """Return settings of a service on this devnet and that database."""
        chosen = {
            "node_url": self.local.url,
            "default_longest_wait_s": 0.001,
            "poll_s": 0.01,
            "lease_s": 3.0,
            "port": 0,
            "draft_processes": 0,
        } | values
        return load_settings(home=self.home, database_url=url, **chosen)


def build_site(home: Path, engine: str = "anvil") -> Site:
    """Start, deploy and register; a second, or half a minute with blocks of their own time."""
    local = devnet.up(home / "devnet", engine=engine)
    settings = load_settings(home=home)
    keyring.make_keys(settings)
    with devnet.tended(local.home):
        network = ground.deploy_devnet(settings, local)
        regulator = KeyFileSigner.create(home / "keys" / "regulator.account")
        devnet.fund(local, [regulator.address])
        with closing(HttpNode(local.url)) as node:
            _register(settings, Desk(node, network, keyring.read_admin(settings)), regulator)
    return Site(home, local, regulator)


def _register(settings: Settings, desk: Desk, regulator: KeyFileSigner) -> None:
    service = KeyFileSigner.from_file(settings.key("account")).address
    receipt = SigningKey.from_file(settings.key("receipt"))
    with desk.together() as at_once:
        at_once.register(USCC, Role.ISSUER | Role.REGISTRATION_OFFICE | Role.OPERATOR)
        at_once.register(REGULATOR, Role.REGULATOR)
    with desk.together() as at_once:
        at_once.delegate(USCC, service)
        at_once.delegate(REGULATOR, regulator.address)
        at_once.add_key(USCC, receipt.alg, receipt.public, receipt.key_id, Purpose.RECEIPT)


@dataclass
class Station:
    """One service with a journal of its own."""

    site: Site
    parts: Running
    caller: Caller = field(default_factory=lambda: Caller(USCC, frozenset(), "test"))

    def open(self, kind: str = "charity", suite: Suite = SHA256, *, signed: bool = False) -> LedgerFacts:
        """Open a ledger of a name never used before."""
        name = f"{kind}/{USCC}/B-{next(_books)}-{time.time_ns()}"[:60]
        return self.parts.service.open_ledger(name, suite, signed=signed, caller=self.caller)

    def send(self, ledger: str, records: Sequence[Record]) -> list[Accepted | ChainsvcError]:
        """Hand records over as the API does."""
        drafts = [(record, None) for record in records]
        stored = self.parts.service._parts.ledgers.stored(ledger)
        return self.parts.service._parts.intake.accept_records(stored, drafts)

    def accept(self, ledger: str, records: Sequence[Record]) -> list[Accepted]:
        """Hand records over, all of which must be accepted."""
        answers = self.send(ledger, records)
        assert all(isinstance(answer, Accepted) for answer in answers), answers
        return [answer for answer in answers if isinstance(answer, Accepted)]

    def settle(self, ledger: str) -> LedgerFacts:
        """Work until everything accepted in the ledger is final, and every mark is decided."""
        deadline = time.monotonic() + _SETTLE_S
        while time.monotonic() < deadline:
            with suppress(LeaseLost):  # a round that took longer than its lease: the next one has it again
                idle = self.parts.worker.round().idle
                facts = self.parts.service.ledger(ledger)
                if facts.entries == facts.anchored_entries and idle:
                    return facts
        raise AssertionError(f"not settled in {_SETTLE_S} s: {self.parts.service.ledger(ledger)}")


@contextmanager
def station(site: Site, engine: Engine, **values: object) -> Iterator[Station]:
    """Wire a service on a migrated, empty journal."""
    url = engine.url.render_as_string(hide_password=False)
    with ExitStack() as stack:
        yield Station(site, stack.enter_context(bootstrap.running(site.settings(url, **values))))
