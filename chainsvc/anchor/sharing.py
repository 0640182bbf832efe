"""Sharing: which ledgers an account works on, when several accounts anchor from one journal.

A ledger prefers one of the accounts that are at work and entitled for its organization, by a hash of both (rendezvous
hashing): all workers come to the same answer without talking, and one more or less moves only its own ledgers. Where
their views differ for a while, the ledger's lease decides: the first one has it until it gives it back or dies.
"""

import time
from collections.abc import Callable, Sequence
from hashlib import sha256

from sqlalchemy import Engine

from chainsvc.anchor.holding import Hold
from chainsvc.errors import NodeUnavailable
from chainsvc.journal import leases, sealing

MayAnchor = Callable[[str, bytes], bool]
"""Whether an account (20 bytes) may anchor for an organization (its code) now."""

_FRESH_S = 15.0  # as long as what the chain refuses is held


def favourite(ledger_id: bytes, accounts: Sequence[bytes]) -> bytes:
    """Return the one of some accounts (20 bytes each) that a ledger prefers; always the same for the same ones."""
    return max(accounts, key=lambda account: sha256(account + ledger_id).digest())


class Share:
    """The ledgers of one account; those with nothing to do are nobody's."""

    def __init__(
        self,
        engine: Engine,
        hold: Hold,
        account: bytes,
        may_anchor: MayAnchor,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Share with whoever holds other accounts in this journal.

        Args:
            engine: The journal.
            hold: The account's lease.
            account: 20 bytes.
            may_anchor: Asked only while several accounts are at work.
            clock: Seconds; remembers answers for a while.
        """
        self._engine = engine
        self._hold = hold
        self._account = account
        self._may_anchor = may_anchor
        self._clock = clock
        self._seen: dict[tuple[str, bytes], tuple[float, bool]] = {}
        self._silent_until = 0.0
        self._token: int | None = None  # of the holding that the ledgers go with
        self.ledgers: frozenset[bytes] = frozenset()
        """What is under the account's lease, as far as this worker knows; the fence of every step asks again."""

    def look(self) -> None:
        """Take the ledgers that have something to do and prefer this account, and give back those that don't.

        Raises:
            LeaseLost: The account's lease is held by another worker.
        """
        with self._engine.connect() as conn:
            active = sealing.active(conn)
            accounts = leases.accounts(conn)
        wanted = {ident for ident, uscc in active if self._preferred(ident, uscc, accounts) == self._account}
        held = self._hold.lease
        if held is None or held.token != self._token:
            self._token, self.ledgers = held.token if held else None, frozenset()
        if wanted != self.ledgers:
            self._change(frozenset(wanted))

    def _change(self, wanted: frozenset[bytes]) -> None:
        with self._hold.step() as conn:
            if (lease := self._hold.lease) is None or lease.token != self._token:
                return  # a new holding begins with the next look
            leases.give_back(conn, lease, self.ledgers - wanted)
            taken = leases.take_ledgers(conn, lease, wanted - self.ledgers)
        self.ledgers = (self.ledgers & wanted) | taken

    def forget(self, ledger_id: bytes) -> None:
        """Say that another account has a ledger by now."""
        self.ledgers -= {ledger_id}

    def _preferred(self, ledger_id: bytes, uscc: str, accounts: Sequence[bytes]) -> bytes:
        """Return whose turn it is: an entitled account's; where nobody is entitled, somebody's, who then says so."""
        if set(accounts) <= {self._account}:
            return self._account
        entitled = [account for account in accounts if self._is_entitled(uscc, account)]
        return favourite(ledger_id, entitled or accounts)

    def _is_entitled(self, uscc: str, account: bytes) -> bool:
        now = self._clock()
        asked_at, answer = self._seen.get((uscc, account), (-_FRESH_S, True))
        if now - asked_at < _FRESH_S or now < self._silent_until:
            return answer
        try:
            answer = self._may_anchor(uscc, account)
        except NodeUnavailable:  # sealing goes on without a node: what was last known counts
            self._silent_until = self._clock() + _FRESH_S
            return answer
        self._seen[(uscc, account)] = (now, answer)
        return answer
