"""May what an organization hands over still be anchored by the receipt's deadline, by any account of the deployment?

Asked of the chain and remembered for a while, so that intake outlives a node. A suspension on chain reaches the door
within seconds; while the node is away, what was last known counts.
"""

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import NamedTuple

from chainsvc.chain.institutions import Delegation, Institutions, Organization
from chainsvc.errors import NodeUnavailable, NotEntitled

_FRESH_S = 5.0


class Rights(NamedTuple):
    """What the chain says of an organization and the accounts that anchor for it.

    Attributes:
        organization: None where it is not registered.
        accounts: The deployment's accounts, 20 bytes each.
        delegations: Those that some of the accounts have or had.
    """

    organization: Organization | None
    accounts: tuple[bytes, ...]
    delegations: tuple[Delegation, ...]


class Obstacle(NamedTuple):
    """Why nothing can be anchored, and what to do."""

    why: str
    hint: str


class Entitlements:
    """Whose records the service may anchor, by organization; thread-safe."""

    def __init__(
        self,
        institutions: Institutions,
        accounts: Callable[[], Collection[bytes]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Ask this register about the accounts (20 bytes each) that anchor."""
        self._institutions = institutions
        self._accounts = accounts
        self._clock = clock
        self._seen: dict[str, tuple[float, Rights | None]] = {}

    def check(self, uscc: str, anchor_by: int) -> None:
        """Let pass when one of the accounts may anchor for the organization from now to ``anchor_by`` (Unix seconds).

        An organization of which nothing is known, since no node answered yet, passes too: receipts are given while the
        node is away.

        Raises:
            NotEntitled: The organization, or every account's delegation, is suspended, ended, or ends before then.
        """
        rights = self._rights(uscc)
        if rights is None:
            return
        obstacle = _obstacle(rights, int(self._clock()), anchor_by)
        if obstacle is not None:
            accounts = " or ".join(f"0x{account.hex()}" for account in rights.accounts) or "an account"
            raise NotEntitled(
                f"records of {uscc} could not be anchored by their receipts' deadline: {obstacle.why}",
                expected=f"an active organization, for which {accounts} acts until {anchor_by}",
                got=obstacle.why,
                hint=obstacle.hint,
            )

    def _rights(self, uscc: str) -> Rights | None:
        asked_at, rights = self._seen.get(uscc, (0.0, None))
        now = self._clock()
        if 0 <= now - asked_at < _FRESH_S:
            return rights
        if rights is not None:
            self._seen[uscc] = (now, rights)  # one asks, which may take long; the others go by what is known
        with suppress(NodeUnavailable):
            rights = self._ask(uscc)
        self._seen[uscc] = (self._clock(), rights)
        return rights

    def _ask(self, uscc: str) -> Rights:
        accounts = tuple(self._accounts())
        found = (self._institutions.delegation_of(uscc, account) for account in accounts)
        delegations = tuple(delegation for delegation in found if delegation is not None)
        return Rights(self._institutions.organization_of(uscc), accounts, delegations)


def _obstacle(rights: Rights, now: int, anchor_by: int) -> Obstacle | None:
    organization, accounts, delegations = rights
    if organization is None:
        return Obstacle("it is not registered", "The registrar registers it: chainsvc org register.")
    if organization.suspended:
        return Obstacle("it is suspended", "Send again once a regulator or the registrar has resumed it.")
    if gap := _gap(organization, now, anchor_by):
        return Obstacle(f"it is {gap}", "Its registration on chain has to cover the receipts: ask the registrar.")
    if not accounts:
        return Obstacle("no account anchors here", "Start a worker: chainsvc worker.")
    if not delegations:
        return Obstacle("the service does not act for it", "Delegate the service's account: chainsvc org delegate.")
    return _delegated(delegations, now, anchor_by)


def _delegated(delegations: Sequence[Delegation], now: int, anchor_by: int) -> Obstacle | None:
    gaps = [_gap(delegation, now, anchor_by) for delegation in delegations]
    if all(gaps):
        gap = gaps[-1]
        hint = "Delegate the service's account anew once the old delegation has ended: chainsvc org delegate."
        return Obstacle(f"the service's right to act for it is {gap}", hint)
    return None


def _gap(span: Organization | Delegation, now: int, anchor_by: int) -> str | None:
    if span.since > now:
        return f"not in force before {span.since}"
    if span.until and span.until <= now:
        return f"over since {span.until}"
    if span.until and span.until <= anchor_by:
        return f"over from {span.until}"
    return None
