"""The worker: rounds of sealing and anchoring until it is told to stop; an outage is a pause, not an end.

Several workers may share a journal. One whose account is held by another stands by, and takes over when that one ends
or says nothing for the length of a lease.
"""

import threading
import time

from chainsvc.anchor import Anchorer, Progress
from chainsvc.errors import BlockGone, LeaseLost, StartRefused, Unavailable
from chainsvc.logs import get_logger

log = get_logger(__name__)

_LONGEST_PAUSE_S = 5.0


class Worker:
    """Runs an anchorer in a thread of its own, and keeps its leases from a second one.

    Attributes:
        failure: Why the worker gave up: the node is on another chain. None while it works.
        outage: The present outage, in words; None while all parts answer.
        last_round_at: Unix seconds; 0 before the first round.
    """

    def __init__(self, anchorer: Anchorer, poll_s: float, lease_s: float) -> None:
        """Prepare; nothing runs before :meth:`start`.

        Args:
            anchorer: One account's steps.
            poll_s: Pause when there is nothing to do.
            lease_s: Length of the leases; they are looked after three times as often.
        """
        self._anchorer = anchorer
        self._poll_s = poll_s
        self._lease_s = lease_s
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.failure: StartRefused | None = None
        self.outage: str | None = None
        self.last_round_at: float = 0.0
        self._at_work: bool | None = None

    def start(self) -> None:
        """Start the threads."""
        for name, run in (("worker", self.run), ("leases", self._keep_leases)):
            thread = threading.Thread(target=run, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, patience_s: float) -> None:
        """Finish the present round and end; whatever is open goes on with the next start, or with another worker."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(patience_s)
        if not any(thread.is_alive() for thread in self._threads):
            self._anchorer.release()

    def run(self) -> None:
        """Work until stopped, or until going on would do harm."""
        pause = self._poll_s
        while not self._stopping.is_set():
            try:
                progress = self.round()
                pause = 0.0 if not progress.idle else self._poll_s
            except LeaseLost as error:  # no outage: another worker goes on
                log.warning("lease_lost", reason=str(error))
                pause = self._poll_s
            except BlockGone as error:  # between two looks; the next round begins with what vanished
                log.warning("chain_went_back", reason=str(error))
                pause = self._poll_s
            except Unavailable as error:
                self._note_outage(str(error))
                pause = min(_LONGEST_PAUSE_S, max(self._poll_s, 2 * pause))
            except StartRefused as error:
                self.failure = error
                log.critical("worker_stopped", reason=str(error))
                self._stopping.set()
                self._anchorer.release()
                return
            except Exception as error:  # the next round starts from durable state; a bug must not stop it for good
                log.exception("round_failed")
                self.outage = f"a round failed: {type(error).__name__}: {error}"
                pause = _LONGEST_PAUSE_S
            self._stopping.wait(pause)

    def seal(self) -> int:
        """Seal what is due and return the number of batches; needs no node.

        Raises:
            DatabaseUnavailable: It does not answer.
        """
        return self._anchorer.seal()

    def round(self) -> Progress:
        """Do one round: seal, then everything that needs the node; nothing while another worker has the account.

        Raises:
            Unavailable: The database or the node does not answer.
            LeaseLost: Another worker has taken over.
            BlockGone: The chain went back meanwhile; nothing is lost, the next round begins with that.
            NetworkMismatch: The node is on another chain.
        """
        self._note_turn()
        sealed = self._anchorer.seal()
        done = self._anchorer.advance()
        if self.outage is not None:
            log.info("outage_over")
            self.outage = None
        self.last_round_at = time.time()
        return Progress(sealed, done.sent, done.confirmed, done.lost, done.seen)

    @property
    def started(self) -> bool:
        """Whether it works in this process."""
        return bool(self._threads)

    @property
    def trouble(self) -> str | None:
        """What is wrong at present, in words: given up, an outage, or a ledger that the chain refuses."""
        return str(self.failure) if self.failure else self.outage or self._anchorer.trouble

    def _keep_leases(self) -> None:
        """Renew in time, however long a round takes; a database that is away is asked again soon."""
        pause = self._lease_s / 3
        while not self._stopping.wait(pause):
            try:
                self._anchorer.keep(self.trouble)
                pause = self._lease_s / 3
            except Unavailable:
                pause = self._lease_s / 12
            except Exception:
                log.exception("lease_failed")

    def _note_turn(self) -> None:
        at_work = self._anchorer.keep()
        if at_work != self._at_work:
            log.info("at_work" if at_work else "standing_by", account=self._anchorer.sender.account.hex())
        self._at_work = at_work

    def _note_outage(self, reason: str) -> None:
        if self.outage != reason:
            log.warning("outage", reason=reason)
        self.outage = reason
