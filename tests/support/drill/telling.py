"""The figures of a drill as a table."""

from collections.abc import Sequence

from support.drill.lap import Figures

_ROWS = {
    "records acknowledged": "records",
    "receipts given": "receipts",
    "requests delivered twice or late": "copies",
    "records refused by a policy": "refused",
    "changes of standing asked for": "standing changes",
    "entries on chain": "entries",
    "batches on chain": "batches",
    "transactions final": "transactions final",
    "transactions reverted": "transactions reverted",
    "transactions replaced": "transactions replaced",
    "times that the chain forgot blocks": "vanished",
    "leases lost to another worker": "lease_lost",
    "outages met by a worker": "outage",
    "calls held back by a simulation": "ledger_held",
}


def table(figures: Figures, left_out: Sequence[tuple[str, str]], *, findings: int) -> str:
    """Return the figures, one a line."""
    rows = [("rounds", figures.rounds), ("faults", figures.faults.total())]
    rows += [(f"  {fault}", count) for fault, count in sorted(figures.faults.items())]
    rows += [(title, figures.counts[name]) for title, name in _ROWS.items()]
    rows += [("longest recovery, s", round(figures.longest_recovery_s)), ("findings", findings)]
    width = max(len(title) for title, _ in rows)
    lines = [f"{title:<{width}}  {value:>9,}" for title, value in rows]
    return "\n".join(["", *lines, *(f"left out: {fault}: {why}" for fault, why in left_out)])
