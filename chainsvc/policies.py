"""What each kind of ledger may add up to; the same rules as its contract, applied at the door.

The contract is the judge, at batch ends and on stated sums. The door applies the rule to every entry in
the order of acceptance, so that an accepted entry can always anchor.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from chainsvc.errors import NotFound, PolicyRefused
from chainsvc.sumtree import MAX_SUM


class Totals(NamedTuple):
    """A ledger's sums over all accepted entries, and what limits them.

    Attributes:
        credit: Fen.
        debit: Fen.
        budget: Fen that a regulator allows as net debit; None where no budget was read yet.
    """

    credit: int
    debit: int
    budget: int | None

    def plus(self, credit: int, debit: int) -> "Totals":
        """Return the totals after one more entry."""
        return self._replace(credit=self.credit + credit, debit=self.debit + debit)

    @property
    def net(self) -> int:
        """Fen paid out and not recovered; below 0 where more came in than went out."""
        return self.debit - self.credit


Policy = Callable[[Totals, Totals], None]
"""Takes the totals before and after an entry; raises :class:`PolicyRefused` when the entry may not go in."""


def within_donations(_before: Totals, after: Totals) -> None:
    """Refuse spending more than was donated (CharityLedger)."""
    if after.net > 0:
        raise PolicyRefused(
            "spends more than was donated",
            expected=f"at most {yuan(after.credit)} in all",
            got=yuan(after.debit),
            where="/debit",
            hint="Notarize the donations first, or correct the amount.",
        )


def within_budget(before: Totals, after: Totals) -> None:
    """Refuse an entry that raises the net debit above the regulator's budget (SubsidyLedger).

    One that does not raise it passes: recoveries and decisions go in after a cut below what was paid already.
    """
    budget = after.budget or 0
    if after.net > max(budget, before.net):
        raise PolicyRefused(
            "pays more than the budget",
            expected=f"at most {yuan(budget)} net",
            got=yuan(after.net),
            where="/debit",
            hint="Ask the regulator to raise the ledger's budget, or correct the amount.",
        )


def without_money(_before: Totals, after: Totals) -> None:
    """Refuse any amount (MarriageLedger)."""
    if after.credit or after.debit:
        raise PolicyRefused("this kind of ledger has no money", expected="credit 0 and debit 0", where="/credit")


POLICIES: Mapping[str, Policy] = MappingProxyType(
    {
        "charity": within_donations,
        "marriage": without_money,
        "funeral": without_money,
        "subsidy": within_budget,
        "assistance": within_budget,
        "elderly": within_budget,
        "child": within_budget,
    }
)
"""Kind to policy. A new kind is a row here, a schema file and a ``setPolicy`` on chain."""


def policy_of(kind: str) -> Policy:
    """Return the policy of a kind.

    Raises:
        NotFound: No such kind.
    """
    if kind not in POLICIES:
        raise NotFound("no such kind of ledger", expected=", ".join(sorted(POLICIES)), got=kind)
    return POLICIES[kind]


def admit(kind: str, totals: Totals, credit: int, debit: int) -> Totals:
    """Return the totals with one more entry, or refuse it.

    Raises:
        PolicyRefused: The policy of the kind, or a sum beyond 2^53-1 fen.
    """
    after = totals.plus(credit, debit)
    if max(after.credit, after.debit) > MAX_SUM:
        raise PolicyRefused("the ledger's sum would pass its limit", expected=f"{MAX_SUM} fen", where="/credit")
    policy_of(kind)(totals, after)
    return after


def yuan(fen: int) -> str:
    """Return an amount as people write it, e.g. ``1,234.50 yuan``."""
    return f"{fen // 100:,}.{fen % 100:02d} yuan"
