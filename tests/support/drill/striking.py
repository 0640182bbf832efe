"""How each fault of a plan is brought about, and how it ends."""

import random
import threading
import time
from collections.abc import Callable, Sequence

from support.drill.chain import ChainNode
from support.drill.plan import Strike
from support.drill.plant import Plant

_JUMP_S = (30, 400)
_CHAIN_JUMP_S = (1, 60)
_ROLL_BACK_SAVES = (1, 6)
_DELAY_S = (0.02, 0.5)
_LARGEST_CUT = 6


class Striking:
    """The faults of one round, each in a thread; :meth:`finish` waits until the last one ended.

    Attributes:
        failures: What went wrong with the harness itself.
    """

    def __init__(self, plant: Plant, strikes: Sequence[Strike]) -> None:
        self.failures: list[str] = []
        self._plant = plant
        self._threads = [threading.Thread(target=self._run, args=(strike,)) for strike in strikes]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Wait for all of them."""
        for thread in self._threads:
            thread.join()

    def _run(self, strike: Strike) -> None:
        try:
            time.sleep(strike.at_s)
            end = begin(self._plant, strike)
            time.sleep(strike.for_s)
            end()
        except Exception as error:  # noqa: BLE001 - told by the round, which is not this thread
            self.failures.append(f"{strike}: {type(error).__name__}: {error}")


def begin(plant: Plant, strike: Strike) -> Callable[[], None]:
    """Bring a fault about and return what ends it."""
    if strike.target in plant.links:
        return _on_link(plant, strike)
    if strike.fault in ("clock", "roll back"):
        return _on_time(plant, strike)
    if strike.fault == "fill disk":
        return _on_disk(plant)
    part = plant.part(strike.target)
    if strike.fault == "kill child":
        part.kill_child(random.Random(strike.draw))
    else:
        {"kill": part.kill, "stop": part.stop, "pause": part.pause}[strike.fault]()
    return part.resume if strike.fault == "pause" else part.start


def _on_link(plant: Plant, strike: Strike) -> Callable[[], None]:
    link = plant.links[strike.target]
    acts: dict[str, Callable[[], None]] = {
        "refuse": link.refuse,
        "reset": link.reset,
        "stall": link.stall,
        "delay": lambda: link.delay(_between(_DELAY_S, strike.draw)),
        "cut": lambda: link.cut(1 + int(strike.draw * _LARGEST_CUT)),
    }
    acts[strike.fault]()
    is_forgotten = strike.fault in ("stall", "refuse") and strike.draw < 0.5
    return lambda: link.heal(forget=is_forgotten)


def _on_time(plant: Plant, strike: Strike) -> Callable[[], None]:
    assert isinstance(plant.node, ChainNode)  # validators have faults of their own
    if strike.fault == "roll back":
        plant.node.roll_back(round(_between(_ROLL_BACK_SAVES, strike.draw)))
    elif strike.target == "node":
        plant.node.jump(int(_between(_CHAIN_JUMP_S, strike.draw)))
    else:
        plant.set_clock(strike.target, int(_between(_JUMP_S, strike.draw)))
        return lambda: plant.set_clock(strike.target, 0)
    return lambda: None


def _on_disk(plant: Plant) -> Callable[[], None]:
    database = plant.database
    database.fill()

    def end() -> None:
        database.relieve()
        database.start()

    return end


def _between(limits: tuple[float, float], draw: float) -> float:
    low, high = limits
    return low + (high - low) * draw
