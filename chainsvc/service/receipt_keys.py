"""Which key signs receipts: it is replaced while the service runs, by replacing its file.

A new key signs from when the chain knows it as a receipt key in force; until then, and while no node answers, the one
before goes on. A key that is over on chain signs nothing more: a receipt that nobody can verify is worse than none.
"""

import time
from collections.abc import Callable
from pathlib import Path

from chainsvc.chain.institutions import Institutions
from chainsvc.crypto.key_names import KeyName
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.opening import open_signing_key
from chainsvc.errors import ChainsvcError, Unavailable
from chainsvc.files import FileMark
from chainsvc.logs import get_logger
from chainsvc.service.receipt_key import ReceiptKey

log = get_logger(__name__)


class ReceiptKeys:
    """The receipt key, and its successor once there is one; thread-safe."""

    def __init__(self, name: str, institutions: Institutions, clock: Callable[[], float] = time.time) -> None:
        """Open the key.

        Raises:
            ConfigurationRefused: There is none, or it can't be opened.
        """
        self._name = name
        self._institutions = institutions
        self._clock = clock
        self._mark = _mark_of(name)
        self._refused: str | None = None  # why a new key does not sign yet
        self._key = open_signing_key(name)
        self._state = ReceiptKey(institutions, self._key, clock)

    def current(self) -> SigningKey:
        """Return the key that signs now.

        Raises:
            Unavailable: It is over on chain, and no other one is in force.
        """
        key, over = self._key, self._state.over()
        if over is not None:
            raise Unavailable(f"no receipts can be given: {over}", hint="The operator replaces the key.")
        return key

    def trouble(self) -> str | None:
        """Return what is wrong with the key, or with the one that is to follow it."""
        return "; ".join(filter(None, (self._state.trouble(), self._refused))) or None

    def look(self) -> None:
        """Take the key that the file holds now, if it is another one that is in force."""
        mark = _mark_of(self._name)
        if mark == self._mark and self._refused is None:
            self._state.trouble()
            return
        try:
            self._take(open_signing_key(self._name))
            self._mark = mark
        except ChainsvcError as error:
            self._refuse(f"the new receipt key can't be opened: {error}")

    def _take(self, key: SigningKey) -> None:
        state = ReceiptKey(self._institutions, key, self._clock)
        if key.key_id == self._key.key_id:
            self._refused = None
            return
        if (fault := state.trouble()) is not None:
            self._refuse(f"a new key waits, and the one before goes on: {fault}")
        elif not state.known:
            self._refuse("a new receipt key waits until a node answers")
        else:
            self._key, self._state, self._refused = key, state, None
            log.info("receipt_key_changed", key_id=key.key_id.hex())

    def _refuse(self, why: str) -> None:
        if why != self._refused:
            log.warning("receipt_key_waits", reason=why)
        self._refused = why


def _mark_of(name: str) -> FileMark | None:
    """Return the mark of a key's file; None for what is no file, or is not there."""
    parsed = KeyName.parse(name)
    return FileMark.of(Path(parsed.place)) if parsed.scheme in {"file", "keystore"} else None
