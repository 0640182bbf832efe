"""Setting the stage: devnet, database, contracts, organizations with their keys, and the running service."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chainsvc import bootstrap, devnet, ground, keyring
from chainsvc.admin import Desk
from chainsvc.api.ports import Scope
from chainsvc.bootstrap import Running
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.institutions import Purpose, Role
from chainsvc.chain.signer import KeyFileSigner
from chainsvc.client import Client
from chainsvc.crypto.keys import SigningKey
from chainsvc.devnet.ports import is_free
from chainsvc.journal import keys as api_keys
from chainsvc.serving import served
from chainsvc.settings import Settings, load_settings
from demo.screen import Screen

_DEVNETS = {
    "anvil": "devnet: one anvil, its chain on disk",
    "clique": "devnet: four validators of geth (clique)",
}
_NODE_PORT = 8545
_WAIT_S = 2.0  # longest wait of an entry for its batch; a day outside of demos


@dataclass(frozen=True, slots=True)
class Organization:
    """One institution of the demo.

    Attributes:
        slug: Name of its files.
        title: Name on the screen.
        uscc: Unified social credit code; synthetic, with valid check characters.
        roles: What it does.
        signs: What its signing key is for.
    """

    slug: str
    title: str
    uscc: str
    roles: Role
    signs: Purpose = Purpose.SUBMISSION


CHARITY = Organization("charity", "慈善基金会", "533206001803406341", Role.ISSUER)
OFFICE = Organization("office", "婚姻登记处", "1133010643464097X7", Role.ISSUER | Role.REGISTRATION_OFFICE)
COUNTY = Organization("county", "县民政局", "11320602114798049U", Role.ISSUER)
REGULATOR = Organization("regulator", "监管机关", "11320600304279450A", Role.REGULATOR)
OPERATOR = Organization("operator", "平台运营方", "12320600621437950Y", Role.OPERATOR, Purpose.RECEIPT)
ALL = (CHARITY, OFFICE, COUNTY, REGULATOR, OPERATOR)
ISSUERS = (CHARITY, OFFICE, COUNTY)

CAMPAIGNS = {"乡村儿童营养午餐": "LUNCH-2026", "困境老人助医": "ELDERLY-2026", "暴雨洪涝灾害应急救助": "FLOOD-2026"}
PROGRAMMES = {"重度残疾人护理补贴": "NURSING", "困难残疾人生活补贴": "LIVING"}
MONTHS = ("2026-09", "2026-10")


def charity_ledgers() -> dict[str, str]:
    """Return the ledger of each campaign."""
    return {campaign: f"charity/{CHARITY.uscc}/{book}" for campaign, book in CAMPAIGNS.items()}


def marriage_ledger() -> str:
    """Return the office's ledger of the year; a signed one."""
    return f"marriage/{OFFICE.uscc}/2026"


def subsidy_ledgers() -> dict[str, str]:
    """Return the ledger of each programme and month."""
    return {
        f"{programme} {month}": f"subsidy/{COUNTY.uscc}/{book}-{month}"
        for programme, book in PROGRAMMES.items()
        for month in MONTHS
    }


@dataclass(slots=True)
class Stage:
    """The running demo.

    Attributes:
        home: Where its state lies.
        parts: The service.
        url: Address of the API.
        clients: By organization's slug.
        regulator: The regulator's account.
    """

    home: Path
    parts: Running
    url: str
    regulator: KeyFileSigner
    clients: dict[str, Client] = field(default_factory=dict)

    @property
    def node_url(self) -> str:
        """Where one node answers: of several the first that runs."""
        local = devnet.status(self.parts.settings.home / "devnet")
        assert local is not None  # it runs
        return local.url


def settings_of(home: Path, port: int) -> Settings:
    """Return the demo's settings: short waits, everything in one folder."""
    return load_settings(home=home, port=port, default_longest_wait_s=_WAIT_S, poll_s=0.1)


@contextmanager
def staged(screen: Screen, settings: Settings, engine: str) -> Iterator[Stage]:
    """Start everything, and stop it again in the opposite order."""
    screen.section("1  Setting up")
    with ExitStack() as stack:
        with screen.step(_DEVNETS[engine]) as notes:
            home = settings.home / "devnet"
            local = devnet.up(home, engine=engine, port=_node_port(home))
            stack.callback(devnet.down, home)
            stack.enter_context(devnet.tended(home))
            notes.append(local.url)
        _deploy(screen, settings, local)
        with screen.step("database: embedded PostgreSQL") as notes:
            parts = stack.enter_context(bootstrap.running(settings))
            with parts.engine.connect() as conn:
                notes.append(conn.exec_driver_sql("SHOW server_version").scalar_one())
        regulator = _institutions(screen, parts, local)
        with screen.step("service: API and worker") as notes:
            url = stack.enter_context(served(parts))
            notes.append(url)
        stage = Stage(settings.home, parts, url, regulator)
        _clients(stage, stack)
        _open_ledgers(screen, stage)
        yield stage


def _node_port(home: Path) -> int | None:
    """Return the usual port for a new devnet, where it is free; a known devnet keeps its own."""
    return _NODE_PORT if devnet.status(home) is None and is_free(_NODE_PORT) else None


def _deploy(screen: Screen, settings: Settings, local: devnet.Devnet) -> None:
    keyring.make_keys(settings)
    resumed = settings.descriptor.exists()
    with screen.step("contracts: register and three policies") as notes:
        network = ground.read_network(settings) if resumed else ground.deploy_devnet(settings, local)
        notes.append(f"network {network.network_id.hex()[:16]}…" + (" (resumed)" if resumed else ""))


def _institutions(screen: Screen, parts: Running, local: devnet.Devnet) -> KeyFileSigner:
    settings = parts.settings
    account = settings.home / "keys" / "regulator.account"
    regulator = KeyFileSigner.from_file(account) if account.exists() else KeyFileSigner.create(account)
    with screen.step("organizations: issuers, regulator, operator") as notes, closing(HttpNode(local.url)) as node:
        if node.balance(regulator.address) == 0:
            devnet.fund(local, [regulator.address])
        desk = Desk(node, parts.network, keyring.read_admin(settings))
        service = KeyFileSigner.from_file(settings.key("account")).address
        with desk.together() as at_once:
            new = sum(at_once.register(who.uscc, who.roles) for who in ALL)
        with desk.together() as at_once:
            for who in ALL:
                _equip(at_once, settings, who, regulator.address if who is REGULATOR else service)
        notes.append(f"{new} new, {len(ALL) - new} known; each with account and key")
    return regulator


def _equip(desk: Desk, settings: Settings, who: Organization, account: bytes) -> None:
    desk.delegate(who.uscc, account)
    key = signing_key(settings, who)
    desk.add_key(who.uscc, key.alg, key.public, key.key_id, who.signs)


def signing_key(settings: Settings, who: Organization) -> SigningKey:
    """Return an organization's signing key, made at the first run; the operator's signs receipts."""
    path = settings.key("receipt") if who is OPERATOR else settings.home / "keys" / f"{who.slug}.key"
    if not path.exists():
        SigningKey.generate().to_file(path)
    return SigningKey.from_file(path)


def _clients(stage: Stage, stack: ExitStack) -> None:
    for who in ISSUERS:
        client = Client(
            stage.url,
            api_key(stage, who),
            signing_key=signing_key(stage.parts.settings, who),
            network=stage.parts.network,
        )
        stage.clients[who.slug] = stack.enter_context(client)


def api_key(stage: Stage, who: Organization) -> str:
    """Return an organization's API key, made at the first run."""
    path = stage.home / "keys" / f"{who.slug}.apikey"
    if not path.exists():
        with stage.parts.engine.begin() as conn:
            _, token = api_keys.create(conn, who.uscc, set(Scope) - {Scope.AUDIT}, label="demo", now=int(time.time()))
        path.touch(mode=0o600)
        path.write_text(token + "\n")
    return path.read_text().strip()


def _open_ledgers(screen: Screen, stage: Stage) -> None:
    wanted = [(CHARITY, name, False) for name in charity_ledgers().values()]
    wanted += [(OFFICE, marriage_ledger(), True)]
    wanted += [(COUNTY, name, False) for name in subsidy_ledgers().values()]
    with screen.step("ledgers: opened on chain") as notes:
        with ThreadPoolExecutor(len(wanted)) as together:  # a chain with blocks of its own time opens them in one
            list(together.map(lambda one: stage.clients[one[0].slug].open_ledger(one[1], signed=one[2]), wanted))
        notes.append(f"{len(wanted)}, one of them signed by its organization")
