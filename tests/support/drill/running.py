"""Laps one after the other, with what is done kept on disk."""

import json
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from support.drill.lap import Figures, Size, clear, lap

from chainsvc.files import whole

ROUNDS_A_LAP = 10


class Finding(Exception):
    """A promise was broken, or the harness itself failed; the message says where everything lies."""


class Run:
    """All laps of one seed.

    Attributes:
        figures: Of all laps that are done, by this run and earlier ones.
        left_out: Faults that this machine can't bring about, with the reason.
    """

    def __init__(self, folder: Path, seed: str, size: Size) -> None:
        self.left_out: Sequence[tuple[str, str]] = []
        self._folder, self._seed, self._size = folder.absolute(), seed, size
        self._folder.mkdir(parents=True, exist_ok=True)
        self._state = self._folder / f"state-{seed}.json"
        self.figures, self._lap = self._load()

    def rounds(self, count: int) -> Iterator[str]:
        """Yield a line a round, until so many are done in all.

        Raises:
            Finding: Something is not as promised.
        """
        while self.figures.rounds < count:
            yield from self._one_lap(min(ROUNDS_A_LAP, count - self.figures.rounds))

    def _one_lap(self, rounds: int) -> Iterator[str]:
        folder = self._folder / f"lap-{self._seed}-{self._lap}"
        clear(folder)
        try:
            with lap(folder, f"{self._seed}/{self._lap}", self._size) as made:
                self.left_out = made.left_out
                for _ in range(rounds):
                    strikes = made.round()
                    yield f"round {self.figures.rounds + made.figures.rounds}: " + "; ".join(map(str, strikes))
        except Exception as error:
            (folder / "finding.txt").write_text(traceback.format_exc())
            raise Finding(f"{error}\nseed {self._seed}, lap {self._lap}; everything is in {folder}") from error
        self.figures.add(made.figures)
        self._lap += 1
        self._save()
        clear(folder)

    def _load(self) -> tuple[Figures, int]:
        with suppress(FileNotFoundError):
            kept = json.loads(self._state.read_text())
            made = kept["figures"]
            counters = {name: Counter(made[name]) for name in ("faults", "counts")}
            return Figures(made["rounds"], **counters, longest_recovery_s=made["longest_recovery_s"]), kept["lap"]
        return Figures(), 0

    def _save(self) -> None:
        with whole(self._state) as beside:
            beside.write_text(json.dumps({"lap": self._lap, "figures": vars(self.figures)}, indent=1) + "\n")
