"""A whole service of real parts, each an OS process of its own, with a proxy on every way between them."""

import json
import os
import struct
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
from support.drill.chain import ChainNode
from support.drill.database import Database, url_of
from support.drill.load import Book
from support.drill.programs import Part, Pids, Program
from support.drill.promises import Broken
from support.drill.proxy import Link, Proxy
from support.drill.validators import Validators
from support.ports import lasting_port
from support.station import REGULATOR, USCC, Site, Station, build_site

from chainsvc import bootstrap, devnet, ground
from chainsvc.admin import Desk
from chainsvc.api.ports import Scope
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.institutions import Purpose
from chainsvc.chain.signer import KeyFileSigner
from chainsvc.client.answers import LedgerFacts
from chainsvc.crypto.keys import SigningKey
from chainsvc.journal import keys
from chainsvc.settings import Settings

PATIENCE_S = 180.0
"""How long a part may take to come up again, and everything accepted to become final, on a busy machine."""

_BUDGET_FEN = 1_000_000
_LOOK_S = 0.1
COMMAND = Path(sys.executable).parent / "chainsvc"
"""The command line's program."""

_LIMITS = {
    "CHAINSVC_DEFAULT_LONGEST_WAIT_S": "0.3",
    "CHAINSVC_SMALLEST_BATCH": "8",
    "CHAINSVC_POLL_S": "0.05",
    "CHAINSVC_STOP_GRACE_S": "5",
    "CHAINSVC_LEASE_S": "2",
    "CHAINSVC_DRAFT_PROCESSES": "1",
}


@dataclass(frozen=True)
class Role:
    """One process of the service.

    Attributes:
        name: Of the process.
        words: Its command, without the port.
        is_api: Whether it answers requests.
    """

    name: str
    words: tuple[str, ...]
    is_api: bool = True


ROLES = (
    Role("api1", ("serve", "--no-worker")),
    Role("api2", ("serve", "--processes", "2", "--no-worker")),
    Role("worker1", ("worker",), is_api=False),
    Role("worker2", ("worker",), is_api=False),
)


@dataclass
class Plant:
    """Everything that runs in a drill.

    Attributes:
        folder: Where all of it lies, but the database.
        site: The deployed network.
        database: The journal's server.
        node: The chain.
        services: The processes of the service.
        links: By name, ``from>to``.
        ports: Of the APIs, each behind a proxy.
        books: The ledgers.
        key: An API key with every scope.
    """

    folder: Path
    site: Site
    database: Database
    node: ChainNode | Validators
    proxy: Proxy
    services: list[Program] = field(default_factory=list)
    links: dict[str, Link] = field(default_factory=dict)
    ports: list[int] = field(default_factory=list)
    books: list[Book] = field(default_factory=list)
    key: str = ""

    @property
    def settings(self) -> Settings:
        """Settings of a service in this process, past all proxies."""
        return self.site.settings(self.database.url, account_key_files=accounts_of(self), draft_processes=0)

    @property
    def parts(self) -> list[Part]:
        """All parts, in the order in which they need each other."""
        return [self.database, self.node, *self.services]

    def part(self, name: str) -> Part:
        """Return the part of that name."""
        return next(part for part in self.parts if part.name == name)

    @property
    def deaths(self) -> list[str]:
        """Processes that ended though nobody struck them."""
        return [death for program in (self.database, *self.services) for death in program.deaths]

    def set_clock(self, service: str, offset_s: int) -> None:
        """Let a service's clock run so many seconds before the true one."""
        with _clock_file(self.folder, service).open("r+b") as file:
            file.write(struct.pack("d", offset_s))

    def start(self) -> None:
        """Start what does not run, and wait until everything answers.

        Raises:
            Broken: A part does not come up.
        """
        deadline = time.monotonic() + PATIENCE_S
        for part in self.parts:
            while not part.is_ready():
                if time.monotonic() > deadline:
                    raise Broken(f"{part.name} is not ready {PATIENCE_S:.0f} s after all faults ended")
                part.start()
                time.sleep(_LOOK_S)

    def heal(self) -> None:
        """End every fault: paused goes on, the disk has room, links carry, clocks are right."""
        self.database.relieve()
        for part in self.parts:
            part.resume()
        for link in self.links.values():
            link.heal()
        for service in self.services:
            self.set_clock(service.name, 0)

    def close(self) -> None:
        """End all parts and delete the database."""
        for service in self.services:
            service.kill()
        self.proxy.close()
        self.database.kill()
        self.database.remove()
        self.node.close()


def build(folder: Path, disk: Path) -> Plant:
    """Make a new network, an empty journal, ledgers of each kind, and start the service.

    Args:
        folder: An empty one.
        disk: An empty one for the database, which its account can reach.
    """
    logs, home = folder / "logs", folder / "home"
    logs.mkdir(parents=True)
    pids = Pids(folder / "pids")
    devnet.up(home / "devnet", port=lasting_port())
    site = build_site(home)
    node = ChainNode(home / "devnet", pids)
    node.start()
    database = Database(disk, lasting_port(), logs, pids)
    database.create()
    plant = Plant(folder, site, database, node, Proxy())
    database.start()
    _wait(database.is_ready)
    _prepare(plant)
    node.begin_remembering()
    for role in ROLES:
        link = _link(plant, f"{role.name}>node", node.port)
        _add_service(plant, role, logs, pids, {"CHAINSVC_NODE_URL": f"http://127.0.0.1:{link}"})
    plant.start()
    return plant


def build_on_validators(folder: Path, disk: Path, seen_through: Callable[[Sequence[str]], Sequence[str]]) -> Plant:
    """Make the same on a network of four validators; the service asks all of them, and compares.

    Args:
        folder: An empty one.
        disk: An empty one for the database, which its account can reach.
        seen_through: Given the validators' addresses: what the service asks in their place.
    """
    logs, home = folder / "logs", folder / "home"
    logs.mkdir(parents=True)
    pids = Pids(folder / "pids")
    site = build_site(home, "clique")
    database = Database(disk, lasting_port(), logs, pids)
    database.create()
    plant = Plant(folder, site, database, Validators(home / "devnet"), Proxy())
    database.start()
    _wait(database.is_ready)
    with devnet.tended(site.local.home):
        _prepare(plant)
    nodes = {"CHAINSVC_NODE_URLS": json.dumps(list(seen_through(site.local.urls)))}
    for role in (ROLES[0], ROLES[2]):
        _add_service(plant, role, logs, pids, nodes)
    plant.start()
    return plant


def accounts_of(plant: Plant) -> tuple[Path, Path]:
    """Return the key files of the accounts that the service anchors with."""
    keys_of = plant.site.home / "keys"
    return keys_of / "service.account", keys_of / "service2.account"


def _wait(is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_done():
        assert time.monotonic() < deadline, is_done
        time.sleep(_LOOK_S)


def _prepare(plant: Plant) -> None:
    key = SigningKey.generate()
    settings = plant.settings
    with closing(HttpNode(plant.site.local.url)) as node:
        desk = Desk(node, ground.read_network(settings), KeyFileSigner.from_file(settings.key("account")))
        second = KeyFileSigner.create(accounts_of(plant)[1])
        devnet.fund(plant.site.local, [second.address])
        with desk.together() as at_once:
            at_once.add_key(USCC, key.alg, key.public, key.key_id, Purpose.SUBMISSION)
            at_once.delegate(USCC, second.address)
    with bootstrap.running(settings) as parts:
        station = Station(plant.site, parts)
        names = [facts.name for facts in _open_together(station)]
        subsidy = station.parts.service.ledger(names.pop())
        regulator = Desk(parts.node, parts.network, plant.site.regulator)
        regulator.set_budget(subsidy.name, subsidy.ledger_id, REGULATOR, _BUDGET_FEN)
        with parts.engine.begin() as conn:
            _, plant.key = keys.create(conn, USCC, Scope, "drill", now=0)
    plant.books = [Book(names[0]), Book(names[1], private=True), Book(names[2], signing_key=key), Book(subsidy.name)]


def _open_together(station: Station) -> list[LedgerFacts]:
    """Open two charity ledgers, a signed one and a subsidy ledger; where blocks take a while, in the same ones."""
    opening: list[Callable[[], LedgerFacts]] = [
        station.open,
        station.open,
        partial(station.open, signed=True),
        partial(station.open, "subsidy"),
    ]
    with ThreadPoolExecutor(len(opening)) as together:
        return list(together.map(lambda one: one(), opening))


def _add_service(plant: Plant, role: Role, logs: Path, pids: Pids, nodes: Mapping[str, str]) -> None:
    port = lasting_port()
    database = _link(plant, f"{role.name}>database", plant.database.port)
    words = [str(COMMAND), *role.words, "--port", str(port)]
    if role.is_api:
        plant.ports.append(_link(plant, f"client>{role.name}", port))
    _clock_file(plant.folder, role.name).write_bytes(bytes(8))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    paths = [str(Path(__file__).parent / "clock"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment |= _LIMITS | {"PYTHONPATH": os.pathsep.join(paths)}
    environment |= {"CLOCK_OFFSET_FILE": str(_clock_file(plant.folder, role.name))}
    environment["CHAINSVC_ACCOUNT_KEY_FILES"] = json.dumps([str(path) for path in accounts_of(plant)])
    environment |= {"CHAINSVC_HOME": str(plant.site.home), "CHAINSVC_DATABASE_URL": url_of(database)}
    environment |= nodes
    plant.services.append(Program(role.name, words, logs, pids, _health(port), environment=environment))


def _link(plant: Plant, name: str, target: int) -> int:
    plant.links[name] = plant.proxy.link(name, target)
    return plant.links[name].port


def _health(port: int) -> Callable[[], bool]:
    def answers() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False, timeout=5).is_success
        except httpx.TransportError:
            return False

    return answers


def _clock_file(folder: Path, service: str) -> Path:
    return folder / f"clock-{service}"


def without(plant: Plant) -> Sequence[tuple[str, str]]:
    """Return the faults that this machine can't bring about, each with the reason."""
    return [] if plant.database.disk is None else [("fill disk", plant.database.disk)]
