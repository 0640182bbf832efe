"""Timing: how often a second something is done.

Work of one thread is measured in processor time, so that a busy machine does not spoil it; what waits for a disk, a
node or another process is measured by the wall clock.
"""

import gc
import time
from collections.abc import Callable

from bench.figures import Ratio

Work = Callable[[], object]
"""Does the whole work of one side once."""

Clock = Callable[[], float]
"""Seconds."""

CPU: Clock = time.process_time
WALL: Clock = time.perf_counter


def rate(count: int, work: Work, clock: Clock) -> float:
    """Do the work once and return ``count`` divided by the seconds that it took."""
    gc.collect()
    began = clock()
    work()
    return count / (clock() - began)


def race(ratio: Ratio, ours: tuple[int, Work], base: tuple[int, Work], rounds: int, clock: Clock = CPU) -> Ratio:
    """Add rounds to a ratio; each does both sides, and every other round in the opposite order.

    Args:
        ratio: Where the rates go.
        ours: Count and work of our side.
        base: Count and work of the base.
        rounds: How many.
        clock: Which time counts.
    """
    for number in range(rounds):
        if number % 2:
            slow = rate(*base, clock)
            ratio.add(rate(*ours, clock), slow)
        else:
            ratio.add(rate(*ours, clock), rate(*base, clock))
    return ratio
