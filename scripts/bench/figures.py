"""Figures: rates of both sides of a ratio, round by round, and the table that shows them."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

_LARGE = 100.0


@dataclass(frozen=True, slots=True)
class Ratio:
    """What we do against what it can't do without.

    Attributes:
        name: What is compared.
        base_name: The base of the ratio.
        unit: What is counted; all rates are in these a second.
        ours: Rate of each round.
        base: Rate of the base, from the same rounds.
    """

    name: str
    base_name: str
    unit: str
    ours: list[float] = field(default_factory=list)
    base: list[float] = field(default_factory=list)

    def add(self, ours: float, base: float) -> None:
        """Add a round."""
        self.ours.append(ours)
        self.base.append(base)

    @property
    def of_rounds(self) -> list[float]:
        """Our rate divided by the base's, for each round."""
        return [ours / base for ours, base in zip(self.ours, self.base, strict=True)]

    @property
    def median(self) -> float:
        """The ratio of the median round."""
        return statistics.median(self.of_rounds)

    def to_json(self) -> dict[str, Any]:
        """Return everything that was measured."""
        return {
            "name": self.name,
            "base": self.base_name,
            "unit": self.unit,
            "ratio": {"median": self.median, "min": min(self.of_rounds), "max": max(self.of_rounds)},
            "perSecond": self.ours,
            "basePerSecond": self.base,
        }


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure that needs no base.

    Attributes:
        name: What it is of.
        values: Name of each value, and the value.
    """

    name: str
    values: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return name and values."""
        return {"name": self.name, **self.values}


def ratio_table(ratios: Iterable[Ratio]) -> Table:
    """Return the table of ratios, with the absolute rates beside."""
    table = _table("what", "ratio", "min – max", "ours/s", "base/s", "base", left=("what", "base"))
    for ratio in ratios:
        rounds = ratio.of_rounds
        spread = f"{shown(min(rounds))} – {shown(max(rounds))}"
        rates = [f"{statistics.median(rates):,.0f}" for rates in (ratio.ours, ratio.base)]
        table.add_row(ratio.name, shown(ratio.median), spread, *rates, ratio.base_name)
    return table


def fact_table(facts: Sequence[Fact]) -> Table:
    """Return the table of facts that have the same values."""
    columns = list(facts[0].values)
    table = _table("what", *columns, left=("what",))
    for fact in facts:
        table.add_row(fact.name, *(f"{value:,.10g}" for value in fact.values.values()))
    return table


def shown(ratio: float) -> str:
    """Return a ratio with two digits that count, e.g. ``0.068``, ``0.41``, ``12``, ``3,400``."""
    return f"{ratio:,.0f}" if ratio >= _LARGE else f"{ratio:.2g}"


def _table(*columns: str, left: Sequence[str]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=True, padding=(0, 0, 0, 2))
    for column in columns:
        table.add_column(column, justify="left" if column in left else "right", no_wrap=True)
    return table
