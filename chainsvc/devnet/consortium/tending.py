"""A watchdog within a program that runs a consortium: an equal split of its validators may come at any time."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from chainsvc.devnet.consortium.curing import Cure
from chainsvc.devnet.consortium.folder import Consortium
from chainsvc.devnet.consortium.judging import judge
from chainsvc.devnet.consortium.views import views
from chainsvc.errors import Conflict, NodeUnavailable

log = logging.getLogger(__name__)  # the base install has no other

_LOOK_SECONDS = 2.0


@contextmanager
def tended(consortium: Consortium, heal: Callable[[], Cure]) -> Iterator[None]:
    """Look every two seconds while the block runs, and call ``heal`` when only that seems to help."""
    ended = threading.Event()

    def tend() -> None:
        while not ended.wait(_LOOK_SECONDS):
            try:
                _look(consortium, heal)
            except Exception:  # whatever it was, the next look may fare better
                log.exception("tending failed")

    with ThreadPoolExecutor(1, "tending") as thread:
        thread.submit(tend)
        try:
            yield
        finally:
            ended.set()


def _look(consortium: Consortium, heal: Callable[[], Cure]) -> None:
    if not judge(views(consortium), consortium.period, time.time()).is_curable:
        return
    try:
        done = heal()
    except (Conflict, NodeUnavailable) as error:  # it ended by itself, or the next look tells how it is then
        log.warning("validators not set back: %s", error)
    else:
        log.warning("validators %s set back to block %d", done.validators, done.height)
