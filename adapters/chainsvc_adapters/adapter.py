"""What an adapter is: one form of export, its columns, and how a row of it becomes drafts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from chainsvc_adapters.columns import Column
from chainsvc_adapters.drafts import Draft


@runtime_checkable
class Adapter(Protocol):
    """One form of export. Others ship their own under the entry point group ``chainsvc.adapters``."""

    @property
    def name(self) -> str:
        """Its name on the command line, e.g. ``charity-donations``."""
        ...

    @property
    def title(self) -> str:
        """Its name for clerks, e.g. ``捐赠明细``."""
        ...

    @property
    def columns(self) -> Sequence[Column]:
        """Its columns."""
        ...

    @property
    def ledger_column(self) -> str:
        """Key of the column that decides the ledger."""
        ...

    @property
    def amount_column(self) -> str | None:
        """Key of the column that a total row sums, None where there is no money."""
        ...

    def drafts(self, values: Mapping[str, Any]) -> Sequence[Draft]:
        """Turn the values of one row, by column key, into drafts in the order to be sent."""
        ...


@dataclass(frozen=True, slots=True)
class TableAdapter:
    """An adapter made of data and one pure function; see :class:`Adapter`."""

    name: str
    title: str
    columns: tuple[Column, ...]
    ledger_column: str
    amount_column: str | None
    make: Callable[[Mapping[str, Any]], Sequence[Draft]]

    def drafts(self, values: Mapping[str, Any]) -> Sequence[Draft]:
        """Turn the values of one row, by column key, into drafts in the order to be sent."""
        return self.make(values)
