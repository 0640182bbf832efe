"""Four validators as a part that can be struck: killed, wiped, started again until they go on as one."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from chainsvc import devnet
from chainsvc.devnet import consortium
from chainsvc.devnet.consortium import links
from chainsvc.devnet.consortium.folder import Consortium
from chainsvc.devnet.consortium.judging import Condition, Judgement, judge
from chainsvc.devnet.consortium.views import View, block, views
from chainsvc.errors import NodeUnavailable

PATIENCE_S = 240.0
_SETTLED_S = 400.0
_STUCK_S = 45.0
_LOOK_S = 0.1
_UNDER_WAY_S = 2.0  # for a block that was being sealed: the period, and the most that one out of turn waits


def eventually(done: Callable[[], bool], told: str, *, look_s: float = _LOOK_S) -> None:
    """Wait for something that must come."""
    assert within(PATIENCE_S, done, look_s=look_s), f"{told} within {PATIENCE_S:.0f} s"


def within(seconds: float, done: Callable[[], bool], *, look_s: float = _LOOK_S) -> bool:
    """Wait so long for something; tell whether it came."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(look_s)
    return True


class Validators:
    """The validators of one folder."""

    name = "validators"

    def __init__(self, home: Path) -> None:
        self.home = home
        self._dialed: Mapping[tuple[int, int], int] = {}

    @property
    def network(self) -> Consortium:
        return Consortium.read(self.home)

    def start(self) -> None:
        """Start those that do not run, connect all, and wait until they go on as one.

        geth sometimes does not join the others for minutes: it is started again then.
        """
        deadline = time.monotonic() + _SETTLED_S
        while True:
            with suppress(NodeUnavailable):
                devnet.up(self.home)
                if within(_STUCK_S, self.is_ready):
                    return
            assert time.monotonic() < deadline, f"not of one mind within {_SETTLED_S:.0f} s: {self.judged().text}"
            self.kill()

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

    def part(self, *groups: Collection[int]) -> None:
        """Cut every link between validators of different groups."""
        self._dialed = links.part(self.network, *groups)

    def mend(self) -> None:
        """Make all links again; wait until all are of one mind, or all links are there."""
        links.mend(self.network, self._dialed, enough=self.is_ready)

    def rest(self, *numbers: int) -> None:
        """Let some seal nothing, as an operator may; all when none is named. They follow and take transactions."""
        self._each(numbers, "miner_stop")

    def wake(self, *numbers: int) -> None:
        """Let them seal again."""
        self._each(numbers, "miner_start")

    def ask_price(self, wei: int) -> None:
        """Let all take no transaction that offers less for gas, and forget those that wait and do."""
        self._each((), "miner_setGasPrice", hex(wei))

    def _each(self, numbers: Sequence[int], method: str, *params: object) -> list[Any]:
        found = [one for one in self.network.validators if not numbers or one.number in numbers]
        return [one.call(method, *params) for one in found]

    def wait_pooled(self, kind: str, *numbers: int) -> None:
        """Wait until transactions wait with each: ``pending`` for the next block, ``queued`` behind a missing one."""
        eventually(
            lambda: all(int(pool[kind], 16) for pool in self._each(numbers, "txpool_status")), f"transactions {kind}"
        )

    def wait_blocks(self, count: int) -> None:
        """Wait until the chain is so many blocks longer."""
        height = max(view.height for view in self.seen())
        eventually(lambda: max(view.height for view in self.seen()) >= height + count, f"{count} blocks more")

    def wait_own_block(self, number: int) -> Any:
        """Wait until one sealed a block with transactions that nobody else has, and return it."""
        one = self.network.validators[number - 1]
        others = self.network.others(one)

        def is_own() -> bool:
            head = block(one, "latest")
            return bool(head["transactions"]) and all(block(other, head["hash"]) is None for other in others)

        eventually(is_own, f"a block of validator {number} alone")
        return block(one, "latest")

    def deadlock(self, *, loaded: bool = True) -> None:
        """Split them evenly at a head in regular rotation: its sealer and the next in turn, and the other two.

        The first two seal one block in turn (difficulty 2), the others two out of turn (1 each), and nobody may go on.
        Under load both sides have transactions to seal.
        """
        near = self._rest_in_rotation()
        weight = self.seen()[0].total_difficulty
        if loaded:
            self.wait_pooled("pending")
        self.part(near, {1, 2, 3, 4} - near)
        self.wake()
        eventually(lambda: [view.total_difficulty for view in self.seen()] == [weight + 2] * 4, "each side seals")
        links.mend(self.network, self._dialed)
        eventually(lambda: self.judged().condition is Condition.DEADLOCKED, "a deadlock")

    def _rest_in_rotation(self) -> set[int]:
        """Stop all where the last blocks were sealed in turn; return who sealed the head and who is the next."""
        order = sorted(self.network.validators, key=lambda one: one.address)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            eventually(self._is_in_rotation, "regular rotation")
            self.rest()
            if self._stands() and self._is_in_rotation():
                head = self.seen()[0].height
                return {order[head % 4].number, order[(head + 1) % 4].number}
            self.wake()
        raise AssertionError(f"no rest in regular rotation within {PATIENCE_S:.0f} s")

    def _stands(self) -> bool:
        """Whether all have the same head, which stays: a block that was under way when they stopped has come."""
        time.sleep(_UNDER_WAY_S)
        before = {view.hash for view in self.seen()}
        time.sleep(_UNDER_WAY_S)
        return len(before) == 1 and {view.hash for view in self.seen()} == before

    def _is_in_rotation(self) -> bool:
        one = self.network.validators[0]
        head = int(one.call("eth_blockNumber"), 16)
        blocks = [block(one, hex(number)) for number in range(max(1, head - 3), head + 1)]
        return all(found is not None and found["difficulty"] == "0x2" for found in blocks)

    def close(self) -> None:
        """End them for good."""
        self.stop()

    def seen(self) -> list[View]:
        """Return what each of those that answer has."""
        return [view for view in views(self.network).values() if view is not None]

    def judged(self) -> Judgement:
        return judge(views(self.network), self.network.period, time.time())
