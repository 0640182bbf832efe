"""Four validators as a part that can be struck: killed, wiped, started again until they go on as one."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from chainsvc import devnet
from chainsvc.devnet import consortium
from chainsvc.devnet.consortium.folder import Consortium
from chainsvc.devnet.consortium.judging import Condition, Judgement, judge
from chainsvc.devnet.consortium.links import mend
from chainsvc.devnet.consortium.views import View, block, views
from chainsvc.errors import NodeUnavailable

PATIENCE_S = 240.0
_SETTLED_S = 400.0
_STUCK_S = 45.0
_LOOK_S = 0.1


def eventually(done: Callable[[], bool], told: str, *, look_s: float = _LOOK_S) -> None:
    """Wait for something that must come."""
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, f"{told} within {PATIENCE_S:.0f} s"
        time.sleep(look_s)


class Validators:
    """The validators of one folder."""

    name = "validators"

    def __init__(self, home: Path) -> None:
        self.home = home

    @property
    def network(self) -> Consortium:
        return Consortium.read(self.home)

    def start(self) -> None:
        """Start those that do not run, connect all, and wait until they go on as one."""
        self._join()
        self.settle()

    def is_ready(self) -> bool:
        """Whether all are there, on one chain that grows."""
        seen = self.seen()
        if len(seen) < len(self.network.validators) or not self.judged().well:
            return False
        lowest = hex(min(view.height for view in seen))
        try:
            blocks = [block(one, lowest) for one in self.network.validators]
        except NodeUnavailable:
            return False
        return None not in blocks and len({one["hash"] for one in blocks}) == 1

    def kill(self, *numbers: int) -> None:
        for number in numbers or range(1, 5):
            consortium.kill_validator(self.home, number)

    def kill_child(self, draw: object) -> None:
        """Validators have no children."""

    def stop(self) -> None:
        devnet.down(self.home)

    def pause(self) -> None:
        """Validators are killed instead."""

    def resume(self) -> None:
        """Nothing was paused."""

    def wipe(self, number: int) -> None:
        consortium.wipe_validator(self.home, number)

    def close(self) -> None:
        """End them for good."""
        self.stop()

    def seen(self) -> list[View]:
        """Return what each of those that answer has."""
        return [view for view in views(self.network).values() if view is not None]

    def judged(self) -> Judgement:
        return judge(views(self.network), self.network.period, time.time())

    def settle(self) -> None:
        """Wait until all go on as one, by the cures that an operator has.

        Of equally heavy sides one learns the other's chain from the beginning: set back to the common block, as long
        as there are transactions, it may seal the same weight again before it hears of the other side. And geth
        sometimes does not join the others for minutes: it is started again then.
        """
        waited_from = time.monotonic()
        deadline = waited_from + _SETTLED_S
        while not self.is_ready():
            assert time.monotonic() < deadline, f"not of one mind within {_SETTLED_S:.0f} s: {self.judged().text}"
            judgement = self.judged()
            if judgement.condition is Condition.DEADLOCKED:
                for number in judgement.sides[0]:
                    self.wipe(number)
                self._join()
            elif time.monotonic() > waited_from + _STUCK_S:
                self.kill()
                self._join()
                waited_from = time.monotonic()
            time.sleep(_LOOK_S)

    def _join(self) -> None:
        devnet.up(self.home)
        with suppress(NodeUnavailable):  # a link that does not come up is seen by what follows
            mend(self.network)
