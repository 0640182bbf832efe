"""Whose key may sign submissions now: asked of the chain, remembered for a while, so that intake outlives a node."""

import time
from collections.abc import Callable

from chainsvc.chain.institutions import Institutions, Key, Purpose
from chainsvc.errors import NodeUnavailable

_FRESH_S = 30.0


class IssuerKeys:
    """Submission keys by id."""

    def __init__(self, institutions: Institutions, clock: Callable[[], float] = time.time) -> None:
        """Ask this register."""
        self._institutions = institutions
        self._clock = clock
        self._seen: dict[bytes, tuple[float, Key | None]] = {}

    def may_issue(self, uscc: str, key_id: bytes, until: int) -> bool:
        """Tell whether the key is a submission key of the organization, valid from now to ``until`` (Unix seconds).

        A verifier judges it at the time of the head, which may be as late as the receipt's deadline.

        Raises:
            NodeUnavailable: The key was never seen, and the node does not answer.
        """
        key, now = self._key(key_id), self._clock()
        if key is None or key.uscc != uscc or key.purpose is not Purpose.SUBMISSION:
            return False
        ended = key.until and until >= key.until
        compromised = key.compromised_from and now >= key.compromised_from
        return key.since <= now and not ended and not compromised

    def _key(self, key_id: bytes) -> Key | None:
        at, key = self._seen.get(key_id, (0.0, None))
        if self._clock() - at < _FRESH_S and key is not None:
            return key
        try:
            found = self._institutions.key_of(key_id)
        except NodeUnavailable:
            if key is None:
                raise
            return key
        if found is not None:  # anybody can make up keys
            self._seen[key_id] = (self._clock(), found)
        return found
