"""A lap: a new plant, some rounds of faults under load, and the proof after each."""

import itertools
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.drill.database import remove_disk
from support.drill.load import Desk, Load, desks_of
from support.drill.plan import Strike, deck_of, kind_of, plan
from support.drill.plant import Plant, build, without
from support.drill.programs import Pids
from support.drill.promises import Broken, Promises
from support.drill.proving import prove
from support.drill.reading import Logs
from support.drill.striking import Striking


@dataclass(frozen=True)
class Size:
    """How hard a round is.

    Attributes:
        strikes: Faults a round.
        load_s: How long the load runs at least.
    """

    strikes: int = 4
    load_s: float = 4.0


@dataclass
class Figures:
    """What rounds came to.

    Attributes:
        rounds: Rounds that were proven.
        faults: By kind.
        counts: Records, batches, transactions and the like.
        longest_recovery_s: From the end of the faults until everything was final.
    """

    rounds: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    longest_recovery_s: float = 0.0

    def add(self, other: "Figures") -> None:
        """Add another lap's."""
        self.rounds += other.rounds
        self.faults += other.faults
        self.counts += other.counts
        self.longest_recovery_s = max(self.longest_recovery_s, other.longest_recovery_s)


class Lap:
    """A plant at work.

    Attributes:
        figures: So far.
        left_out: Faults that this machine can't bring about, with the reason.
    """

    def __init__(self, plant: Plant, seed: str, size: Size) -> None:
        self.figures = Figures()
        self.left_out = without(plant)
        self._plant, self._seed, self._size = plant, seed, size
        self._promises = Promises(plant.folder / "receipts.ndjson")
        self._logs = Logs(service.log for service in plant.services)
        self._desks: list[Desk] = desks_of(plant.books, plant.folder)
        names = [service.name for service in plant.services]
        deck = deck_of(names, list(plant.links), [fault for fault, _ in self.left_out])
        self._plans = plan(seed, deck, a_round=size.strikes, load_s=size.load_s)

    def round(self) -> list[Strike]:
        """Load, strike, heal, prove; return what struck.

        Raises:
            Broken: A promise is not kept.
            AssertionError: Journal, chain or export disagree.
        """
        number, strikes = self.figures.rounds, next(self._plans)
        _note(self._plant, f"round {number}: " + "; ".join(map(str, strikes)))
        load = Load(self._desks, self._plant.ports, self._plant.key, self._promises, f"{self._seed}/{number}")
        try:
            failures, healed_at = self._strike(strikes, load)
            load.finish()
        except BaseException:
            load.abandon()
            raise
        self.check(failures, load.findings, self._plant.deaths, self._logs.unforeseen())
        there = prove(self._plant, self._promises, random.Random(f"{self._seed}/{number}/sample"))
        self.check(self._logs.unforeseen())
        self._count(strikes, load, there, time.monotonic() - healed_at)
        return strikes

    def _strike(self, strikes: list[Strike], load: Load) -> tuple[list[str], float]:
        """Strike, and heal; return what failed of the harness itself, and when the faults ended."""
        striking = Striking(self._plant, strikes)
        time.sleep(self._size.load_s)
        striking.finish()
        load.stop()
        healed_at = time.monotonic()
        self._plant.heal()
        self._plant.start()
        return striking.failures, healed_at

    @staticmethod
    def check(*findings: list[str]) -> None:
        """Raise what was found, if anything was.

        Raises:
            Broken: Something was.
        """
        if found := "; ".join(itertools.chain(*findings)):
            raise Broken(found)

    def _count(self, strikes: list[Strike], load: Load, there: Counter[str], recovery_s: float) -> None:
        figures = self.figures
        figures.rounds += 1
        figures.faults += Counter(f"{strike.fault} {kind_of(strike.target)}" for strike in strikes)
        copies = figures.counts["copies"] + load.copies
        figures.counts = there + self._promises.counts + self._logs.events + Counter({"copies": copies})
        figures.longest_recovery_s = max(figures.longest_recovery_s, recovery_s)

    def close(self) -> None:
        """Close the receipts' log."""
        self._promises.close()


def _note(plant: Plant, line: str) -> None:
    with (plant.folder / "plan.log").open("a") as log:
        log.write(f"{time.time():.3f} {line}\n")


@contextmanager
def lap(folder: Path, seed: str, size: Size) -> Iterator[Lap]:
    """Build a plant in an empty folder; leaving ends all of it, and keeps the folder."""
    disk = Path(tempfile.mkdtemp(prefix="chainsvc-drill-"))
    disk.chmod(0o755)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "disk").write_text(str(disk))
    plant = build(folder, disk)
    try:
        made = Lap(plant, seed, size)
        yield made
        made.close()
    finally:
        plant.close()


def clear(folder: Path) -> None:
    """Delete a lap's folder, ending first what a killed drill left running."""
    Pids(folder / "pids").end_all()
    if (folder / "disk").exists():
        remove_disk(Path((folder / "disk").read_text()))
    shutil.rmtree(folder, ignore_errors=True)
