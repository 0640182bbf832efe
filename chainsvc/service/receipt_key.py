"""Does the chain know the key that signs receipts? Else their evidence is invalid, and nothing tells.

A verifier asks whether the key was registered for receipts when the receipt was given (step 10).
"""

import time
from collections.abc import Callable

from chainsvc.chain.institutions import Institutions, Key, Purpose
from chainsvc.crypto.keys import SigningKey
from chainsvc.errors import NodeUnavailable

_FRESH_S = 30.0


class ReceiptKey:
    """The service's receipt key as it is registered; thread-safe."""

    def __init__(self, institutions: Institutions, key: SigningKey, clock: Callable[[], float] = time.time) -> None:
        """Ask this register, at the first :meth:`trouble`."""
        self._institutions = institutions
        self._key = key
        self._clock = clock
        self._asked_at = 0.0
        self._answered = False
        self._registered: Key | None = None

    def trouble(self) -> str | None:
        """Return what is wrong and what to do; None when all is well, and while no node has answered yet."""
        now = self._clock()
        if not 0 <= now - self._asked_at < _FRESH_S:
            self._asked_at = now
            self._ask()
        fault = _fault(self._registered, int(now)) if self._answered else None
        return None if fault is None else f"receipt key {self._key.key_id.hex()} {fault}. {self._remedy()}"

    @property
    def known(self) -> bool:
        """Whether a node has answered."""
        return self._answered

    def over(self) -> str | None:
        """Return why nothing signed now would verify, as far as was last seen; None when it would, or nobody knows."""
        key, now = self._registered, int(self._clock())
        if key is not None and ((key.until and key.until <= now) or 0 < key.compromised_from <= now):
            return f"receipt key {self._key.key_id.hex()} {_fault(key, now)}"
        return None

    def _ask(self) -> None:
        try:
            self._registered = self._institutions.key_of(self._key.key_id)
        except NodeUnavailable:  # the worker tells that
            return
        self._answered = True

    def _remedy(self) -> str:
        if self._registered is None:
            return f"Register it: chainsvc key add USCC {self._key.public.hex()} --purpose receipt."
        return "Replace it: chainsvc key rotate receipt."


def _fault(key: Key | None, now: int) -> str | None:
    if key is None:
        return "is not registered: evidence of what it signs is invalid at step 10"
    if key.purpose is not Purpose.RECEIPT:
        return f"is registered as a {key.purpose.name.lower()} key: evidence of what it signs is invalid at step 10"
    if key.since > now or (key.until and key.until <= now):
        return f"is valid from {key.since} to {key.until or 'open'} only: evidence of what it signs now is invalid"
    if key.compromised_from and key.compromised_from <= now:
        return f"is reported compromised from {key.compromised_from}: evidence of what it signs now is undetermined"
    return None
