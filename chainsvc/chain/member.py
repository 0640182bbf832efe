"""One of several nodes, with what is wrong with it at present and for how long it is left out."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from chainsvc import metrics
from chainsvc.chain.agreement import Fault
from chainsvc.chain.http_node import HttpNode
from chainsvc.logs import get_logger

log = get_logger(__name__)

_GRACE_S = 10.0  # forks and lags of a block or two are a network's daily life
_FIRST_REST_S = {Fault.SILENT: 2.0, Fault.OTHER_CHAIN: 60.0, Fault.WRONG: 300.0}
_LONGEST_REST_S = {Fault.SILENT: 16.0, Fault.OTHER_CHAIN: 60.0, Fault.WRONG: 300.0}
_GRAVE = (Fault.OTHER_CHAIN, Fault.WRONG)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a node.

    Attributes:
        fault: Which kind.
        detail: In words.
        since: When it began, by the member's clock.
        until: When the node is asked again.
        rest_s: For how long it is left out.
        told: Whether it was logged: a short lag is not.
    """

    fault: Fault
    detail: str
    since: float
    until: float
    rest_s: float
    told: bool


class Member:
    """A node in a set of nodes; thread-safe."""

    def __init__(self, node: HttpNode, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin in good standing.

        Args:
            node: The node.
            clock: Seconds.
        """
        self.node = node
        self.name = shown(node.url)
        self._clock = clock
        self._trouble: Trouble | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        """Show the name."""
        return f"Member({self.name})"

    @property
    def trouble(self) -> Trouble | None:
        """What is wrong with it; None when nothing is."""
        return self._trouble

    @property
    def told(self) -> str | None:
        """The same in words; None also for what has only just begun and may pass."""
        trouble = self._trouble
        return None if trouble is None or not trouble.told else f"{self.name} is {trouble.fault}: {trouble.detail}"

    @property
    def rests(self) -> bool:
        """Whether it is left out at present."""
        return self._trouble is not None and self._clock() < self._trouble.until

    @property
    def is_barred(self) -> bool:
        """Whether it is left out even where too few others answer: it was of another chain, or its word was wrong."""
        trouble = self._trouble
        return trouble is not None and trouble.fault in _GRAVE and self._clock() < trouble.until

    def blame(self, fault: Fault, detail: str) -> None:
        """Note a fault, and leave the node out for a while; the longer, the oftener it comes in a row."""
        with self._lock:
            now, old = self._clock(), self._trouble
            if old is not None and old.fault in _GRAVE and fault not in _GRAVE and now < old.until:
                return
            new = _next(old, fault, detail, now)
            self._trouble = new
        if new.told and not (old and old.told and old.fault is fault):
            if old and old.told:
                metrics.NODE_FAULT.labels(self.name, old.fault).set(0)
            metrics.NODE_FAULT.labels(self.name, fault).set(1)
            log.warning("node_left_out", node=self.name, fault=str(fault), detail=detail)

    def clear(self, *faults: Fault) -> None:
        """Note that some faults are over; a grave one is not before its time."""
        with self._lock:
            old = self._trouble
            if old is None or old.fault not in faults or (old.fault in _GRAVE and self._clock() < old.until):
                return
            self._trouble = None
        if old.told:
            metrics.NODE_FAULT.labels(self.name, old.fault).set(0)
            log.info("node_back", node=self.name, fault=str(old.fault))


def shown(url: str) -> str:
    """Return a node's address without user, password and path, which may be secrets."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _next(old: Trouble | None, fault: Fault, detail: str, now: float) -> Trouble:
    rest = _FIRST_REST_S.get(fault, 0.0)
    if old is None or old.fault is not fault:
        return Trouble(fault, detail, now, now + rest, rest, told=fault in _FIRST_REST_S)
    told = old.told or now - old.since >= _GRACE_S
    if now < old.until:  # several callers met the same failure
        return Trouble(fault, detail, old.since, old.until, old.rest_s, told)
    rest = min(2 * old.rest_s, _LONGEST_REST_S.get(fault, 0.0))
    return Trouble(fault, detail, old.since, now + rest, rest, told)
