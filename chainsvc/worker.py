"""The worker: rounds of sealing and anchoring until it is told to stop; an outage is a pause, not an end."""

import threading
import time

from chainsvc.anchor import Anchorer, Progress
from chainsvc.errors import StartRefused, Unavailable
from chainsvc.logs import get_logger

log = get_logger(__name__)

_LONGEST_PAUSE_S = 5.0


class Worker:
    """Runs an anchorer in a thread of its own.

    Attributes:
        failure: Why the worker gave up: the node is on another chain. None while it works.
        outage: The present outage, in words; None while all parts answer.
    """

    def __init__(self, anchorer: Anchorer, poll_s: float) -> None:
        """Prepare; nothing runs before :meth:`start`."""
        self._anchorer = anchorer
        self._poll_s = poll_s
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.failure: StartRefused | None = None
        self.outage: str | None = None
        self.last_round_at: float = 0.0

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self.run, name="worker", daemon=True)
        self._thread.start()

    def stop(self, patience_s: float) -> None:
        """Finish the present round and end; whatever is open goes on with the next start."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(patience_s)

    def run(self) -> None:
        """Work until stopped, or until going on would do harm."""
        pause = self._poll_s
        while not self._stopping.is_set():
            try:
                progress = self.round()
                pause = 0.0 if not progress.idle else self._poll_s
            except Unavailable as error:
                self._note_outage(str(error))
                pause = min(_LONGEST_PAUSE_S, max(self._poll_s, 2 * pause))
            except StartRefused as error:
                self.failure = error
                log.critical("worker_stopped", reason=str(error))
                return
            except Exception as error:  # the next round starts from durable state; a bug must not stop it for good
                log.exception("round_failed")
                self.outage = f"a round failed: {type(error).__name__}: {error}"
                pause = _LONGEST_PAUSE_S
            self._stopping.wait(pause)

    def round(self) -> Progress:
        """Do one round: seal, then everything that needs the node.

        Raises:
            Unavailable: The database or the node does not answer.
            NetworkMismatch: The node is on another chain.
        """
        sealed = self._anchorer.seal()
        done = self._anchorer.advance()
        if self.outage is not None:
            log.info("outage_over")
            self.outage = None
        self.last_round_at = time.time()
        return Progress(sealed, done.sent, done.confirmed, done.lost, done.seen)

    @property
    def trouble(self) -> str | None:
        """What is wrong at present, in words: given up, an outage, or a ledger that the chain refuses."""
        return str(self.failure) if self.failure else self.outage or self._anchorer.trouble

    def _note_outage(self, reason: str) -> None:
        if self.outage != reason:
            log.warning("outage", reason=reason)
        self.outage = reason
