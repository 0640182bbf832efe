"""A service on four validators under load: faults come one at a time, and after each everything is proven."""

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
from support.drill.lap import Lap
from support.drill.load import Load, desks_of
from support.drill.plant import Plant, build_on_validators
from support.drill.promises import Promises
from support.drill.proving import prove
from support.drill.reading import Logs
from support.drill.validators import Validators, eventually
from support.node_server import Relay, served

from chainsvc.client import Client

_PAUSE_S = 1.0


class Trial:
    """One plant for all faults of a run.

    Attributes:
        plant: What runs.
        validators: Its network.
        relay: Stands before the fourth validator, and may lie.
        liars: Nodes that have lied.
    """

    def __init__(self, plant: Plant, relay: Relay) -> None:
        assert isinstance(plant.node, Validators)
        self.plant, self.validators, self.relay = plant, plant.node, relay
        self.promises = Promises(plant.folder / "receipts.ndjson")
        self.logs = Logs(service.log for service in plant.services)
        self._desks = desks_of(plant.books, plant.folder)
        self.liars: set[str] = set()
        self._runs = 0

    @contextmanager
    def load(self) -> Iterator[None]:
        """Let business systems hand over records meanwhile; leaving heals everything and waits for all answers."""
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
    with served(Relay("")) as relay:

        def seen_through(url: str) -> str:
            relay.target = url
            return relay.url

        plant = build_on_validators(folder, disk, seen_through)
        try:
            made = Trial(plant, relay)
            yield made
            made.promises.close()
        finally:
            plant.close()
