"""A service on four validators under load: faults come one at a time, and after each everything is proven."""

import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

import orjson
from eth_account import Account
from support.drill.lap import Lap
from support.drill.load import Load, desks_of
from support.drill.plant import PATIENCE_S, Plant, accounts_of, build_on_validators
from support.drill.promises import Promises
from support.drill.proving import prove
from support.drill.reading import Logs
from support.drill.validators import Validators, eventually
from support.node_server import Relay, served
from support.station import USCC
from support.watchdog import watchdog

from chainsvc import devnet
from chainsvc.chain.signer import KeyFileSigner
from chainsvc.client import Client
from chainsvc.errors import Unavailable

_PAUSE_S = 1.0


def sender_of(raw: bytes) -> bytes:
    """Return who signed a transaction, 20 bytes."""
    return bytes.fromhex(Account.recover_transaction(raw)[2:])


class Trial:
    """One plant for all faults of a run.

    Attributes:
        plant: What runs.
        validators: Its network.
        relays: Stand before the validators, and may lie.
        liars: Nodes that have lied.
    """

    def __init__(self, plant: Plant, relays: Sequence[Relay]) -> None:
        assert isinstance(plant.node, Validators)
        self.plant, self.validators, self.relays = plant, plant.node, relays
        self.promises = Promises(plant.folder / "receipts.ndjson")
        self.logs = Logs(service.log for service in plant.services)
        self._desks = desks_of(plant.books, plant.folder)
        self.liars: set[str] = set()
        self._runs = 0

    @contextmanager
    def load(self, *, tended: bool = True) -> Iterator[None]:
        """Let business systems hand over records meanwhile; leaving heals everything and waits for all answers.

        An equal split of validators, which may come at any time, is cured where it is not what the test is about.
        """
        with devnet.tended(self.validators.home) if tended else nullcontext():
            yield from self._load()

    def _load(self) -> Iterator[None]:
        self._runs += 1
        load = Load(self._desks, self.plant.ports, self.plant.key, self.promises, f"trial/{self._runs}", _PAUSE_S)
        try:
            self.wait_accepted(20)
            yield
            load.stop()
            self.plant.heal()
            self.plant.start()
            load.finish()
        except BaseException:
            load.abandon()
            raise
        Lap.check(load.findings, self.plant.deaths, self.logs.unforeseen())

    def prove(self) -> None:
        """Check everything that was promised, and that nothing final was taken back."""
        prove(self.plant, self.promises, random.Random("trial"))
        Lap.check(self.logs.unforeseen())
        assert self.logs.events["final_taken_back"] == 0
        assert self._accused() <= self.liars, "an honest node was called a liar"

    def restart(self) -> None:
        """Start the service anew, so that what it thinks of a node is forgotten."""
        for service in self.plant.services:
            service.stop()
        self.plant.start()

    @property
    def accounts(self) -> list[bytes]:
        """The service's accounts, in its order, 20 bytes each."""
        return [KeyFileSigner.from_file(path).address for path in accounts_of(self.plant)]

    @contextmanager
    def opening(self, count: int) -> Iterator[None]:
        """Let the service open so many ledgers meanwhile, each by a transaction; leaving waits for them."""
        with ThreadPoolExecutor(count) as together:
            made = [together.submit(self._open, f"{self._runs}-{number}") for number in range(count)]
            yield
            for one in made:
                one.result()

    def _open(self, name: str) -> None:
        """Repeating it is safe, where it was not final in time."""
        deadline = time.monotonic() + PATIENCE_S
        with Client(f"http://127.0.0.1:{self.plant.ports[0]}", self.plant.key, retry_s=0) as client:
            while True:
                try:
                    client.open_ledger(f"charity/{USCC}/T-{name}")
                except Unavailable:
                    assert time.monotonic() < deadline, f"ledger {name} is not opened"
                else:
                    return

    def lose_at(self, *numbers: int) -> None:
        """From now on, some validators' nodes take every transaction and hand none on; the others do as they should."""
        for number, relay in enumerate(self.relays, start=1):
            relay.loses = (lambda _raw: True) if number in numbers else None

    def lose_one_of(self, account: bytes) -> None:
        """All nodes take the next transaction of an account and lose it, as often as it is sent."""
        lost: list[bytes] = []
        choosing = threading.Lock()

        def loses(raw: bytes) -> bool:
            with choosing:
                if not lost and sender_of(raw) == account:
                    lost.append(raw)
            return raw in lost

        for relay in self.relays:
            relay.loses = loses

    def wait_lost(self) -> None:
        """Wait until every node that loses transactions has lost one."""
        before = {relay.url: len(relay.lost) for relay in self.relays if relay.loses}
        eventually(
            lambda: all(len(relay.lost) > before[relay.url] for relay in self.relays if relay.loses), "one is lost"
        )

    @contextmanager
    def watchdog(self) -> Iterator[Callable[[], str]]:
        """Let an operator's watchdog cure what it sees meanwhile; gives what it has told so far."""
        with watchdog(self.plant.site.home, self.plant.folder / f"logs/watchdog-{self._runs}.log") as told:
            yield told

    @property
    def accepted(self) -> int:
        return self.promises.counts["records"]

    @property
    def anchored(self) -> int:
        with Client(f"http://127.0.0.1:{self.plant.ports[0]}", self.plant.key) as client:
            return sum(client.ledger(book.ledger).anchored_entries for book in self.plant.books)

    def wait_accepted(self, count: int) -> None:
        """Wait until so many records more were answered with a receipt."""
        before = self.accepted
        eventually(lambda: self.accepted >= before + count, f"{count} receipts")

    def wait_anchored(self) -> None:
        """Wait until what was accepted by now at the least is final."""
        wanted = self.accepted
        eventually(lambda: self.anchored >= wanted, f"{wanted} entries final", look_s=0.5)

    def wait_standing(self) -> None:
        """Wait until nothing more becomes final while receipts are given."""

        def stands() -> bool:
            before = self.anchored
            self.wait_accepted(20)
            time.sleep(_PAUSE_S)
            return self.anchored == before

        eventually(stands, "anchoring waits")

    def wait_told(self, url: str, fault: str) -> None:
        """Wait until a process of the service names a node for a fault."""
        eventually(lambda: self._is_told(url, fault), f"{url} named as {fault}", look_s=0.5)

    def _is_told(self, url: str, fault: str) -> bool:
        return any((event["node"], event["fault"]) == (url, fault) for event in self._left_out())

    def _accused(self) -> set[str]:
        return {event["node"] for event in self._left_out() if event["fault"] == "wrong"}

    def _left_out(self) -> Iterator[dict[str, str]]:
        for service in self.plant.services:
            for line in service.log.read_bytes().splitlines():
                if b"node_left_out" in line:
                    yield orjson.loads(line)


@contextmanager
def trial(folder: Path) -> Iterator[Trial]:
    """Build everything in an empty folder; leaving ends it."""
    disk = Path(tempfile.mkdtemp(prefix="chainsvc-trial-"))
    disk.chmod(0o755)
    relays: list[Relay] = []
    with ExitStack() as stack:

        def seen_through(urls: Sequence[str]) -> list[str]:
            relays.extend(stack.enter_context(served(Relay(url))) for url in urls)
            return [relay.url for relay in relays]

        plant = build_on_validators(folder, disk, seen_through)
        try:
            made = Trial(plant, relays)
            yield made
            made.promises.close()
        finally:
            plant.close()
