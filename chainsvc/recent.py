"""What was found a moment ago, so that not every request asks for it again."""

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_MOST = 4_096


class Recent(Generic[K, V]):
    """Values by key, each for a short time; thread-safe, since each step is one operation on a dict.

    Args:
        fresh_s: Seconds for which a value is kept.
        clock: Monotonic seconds.
    """

    def __init__(self, fresh_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Start empty."""
        self._fresh_s = fresh_s
        self._clock = clock
        self._kept: dict[K, tuple[float, V]] = {}

    def get(self, key: K) -> V | None:
        """Return what is kept, None where nothing is or it is too old."""
        found = self._kept.get(key)
        return found[1] if found is not None and found[0] > self._clock() else None

    def keep(self, key: K, value: V) -> V:
        """Keep a value and return it."""
        if len(self._kept) >= _MOST:
            self._kept.clear()
        self._kept[key] = self._clock() + self._fresh_s, value
        return value
