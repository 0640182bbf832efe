"""A look taken every second by a thread of its own: what a running service follows without a restart."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from chainsvc.errors import Unavailable
from chainsvc.logs import get_logger

log = get_logger(__name__)

_LOOK_S = 1.0
_LAST_LOOK_S = 60.0  # a database or a node that hangs is waited for no longer


class Looking:
    """Takes the look; one that fails is told, and the next one tries again.

    Args:
        what: Is looked at, as logs name it.
        look: Takes the look.
    """

    def __init__(self, what: str, look: Callable[[], None]) -> None:
        """Prepare; the first look comes a second after the context began."""
        self._what = what
        self._look = look
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=what, daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Look no more."""
        self._stopping.set()
        self._thread.join(_LAST_LOOK_S)

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_S):
            try:
                self._look()
            except Unavailable as error:
                log.warning("look_waits", at=self._what, reason=str(error))
            except Exception:  # a bug here must not stop what follows a change for good
                log.exception("look_failed", at=self._what)
