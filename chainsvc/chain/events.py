"""What ledger contracts report, as frozen facts with their block and time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from chainsvc.chain.abi import Abi
from chainsvc.chain.facts import Log, unword
from chainsvc.chain.node import Node


@dataclass(frozen=True, slots=True)
class Place:
    """Where on the chain an event stands.

    Attributes:
        contract: Who reports it, 20 bytes.
        block: Block number.
        block_hash: 32 bytes; an event whose block has left the chain has not happened.
        time: The block's time.
        transaction: Hash, 32 bytes.
        index: Place among the block's logs.
    """

    contract: bytes
    block: int
    block_hash: bytes
    time: int
    transaction: bytes
    index: int


@dataclass(frozen=True, slots=True)
class Anchored:
    """A batch was anchored.

    Attributes:
        ledger_id: 32 bytes.
        k: Batch number in its ledger.
        first: ``seq`` of its first entry.
        count: Entries.
        root: Root hash of its tree.
        credit: Sum of credits in fen.
        debit: Sum of debits in fen.
        actor: The account that anchored, 20 bytes.
        prev: The head before; zeros for batch 0.
        head: The new head.
        place: Where on the chain.
    """

    ledger_id: bytes
    k: int
    first: int
    count: int
    root: bytes
    credit: int
    debit: int
    actor: bytes
    prev: bytes
    head: bytes
    place: Place


@dataclass(frozen=True, slots=True)
class StandingChanged:
    """An entry's standing changed.

    Attributes:
        ledger_id: 32 bytes.
        seq: The entry.
        status: 0 current to 6 void.
        cause_ledger_id: Ledger of the entry that is the cause.
        cause_seq: That entry.
        actor: The account that did it, 20 bytes.
        prev: The status word before; zeros when there was none.
        word: The new status word.
        place: Where on the chain.
    """

    ledger_id: bytes
    seq: int
    status: int
    cause_ledger_id: bytes
    cause_seq: int
    actor: bytes
    prev: bytes
    word: bytes
    place: Place


@dataclass(frozen=True, slots=True)
class LedgerOpened:
    """A ledger was opened.

    Attributes:
        ledger_id: 32 bytes.
        uscc: Its organization.
        kind: Its kind.
        name: ``kind/uscc/book``.
        suite: 1 SHA-256, 2 SM3.
        flags: Bit 0: signed.
        place: Where on the chain.
    """

    ledger_id: bytes
    uscc: str
    kind: str
    name: str
    suite: int
    flags: int
    place: Place


@dataclass(frozen=True, slots=True)
class LedgerClosed:
    """A ledger takes no more entries.

    Attributes:
        ledger_id: 32 bytes.
        actor: The account that closed it, 20 bytes.
        place: Where on the chain.
    """

    ledger_id: bytes
    actor: bytes
    place: Place


@dataclass(frozen=True, slots=True)
class BudgetSet:
    """A regulator set a subsidy ledger's budget.

    Attributes:
        ledger_id: 32 bytes.
        by: The regulator's unified social credit code.
        present: Budget in fen from now on.
        following: Budget in fen from ``following_from`` on.
        following_from: Block time; 0 when nothing is planned.
        actor: The account that did it, 20 bytes.
        place: Where on the chain.
    """

    ledger_id: bytes
    by: str
    present: int
    following: int
    following_from: int
    actor: bytes
    place: Place


LedgerEvent: TypeAlias = Anchored | StandingChanged | LedgerOpened | LedgerClosed | BudgetSet
"""Everything that a ledger contract reports about a ledger."""


def ledger_event(node: Node, abi: Abi, log: Log) -> LedgerEvent | None:
    """Return the fact in a log, or None when it is no ledger event; the block's time is read from the node."""
    found = abi.event(log)
    if found is None or found[0] not in _READERS:
        return None
    time = node.block(log.block_hash).time
    place = Place(log.address, log.block_number, log.block_hash, time, log.transaction, log.index)
    return _READERS[found[0]](found[1], place)


def _anchored(values: dict[str, Any], place: Place) -> Anchored:
    return Anchored(
        ledger_id=values["ledgerId"],
        k=values["k"],
        first=values["first"],
        count=values["count"],
        root=values["root"],
        credit=values["credit"],
        debit=values["debit"],
        actor=values["actor"],
        prev=values["prev"],
        head=values["head"],
        place=place,
    )


def _standing_changed(values: dict[str, Any], place: Place) -> StandingChanged:
    return StandingChanged(
        ledger_id=values["ledgerId"],
        seq=values["seq"],
        status=values["status"],
        cause_ledger_id=values["causeLedgerId"],
        cause_seq=values["causeSeq"],
        actor=values["actor"],
        prev=values["prev"],
        word=values["word"],
        place=place,
    )


def _ledger_opened(values: dict[str, Any], place: Place) -> LedgerOpened:
    return LedgerOpened(
        ledger_id=values["ledgerId"],
        uscc=unword(values["uscc"]),
        kind=unword(values["kind"]),
        name=values["name"],
        suite=values["suite"],
        flags=values["flags"],
        place=place,
    )


def _ledger_closed(values: dict[str, Any], place: Place) -> LedgerClosed:
    return LedgerClosed(values["ledgerId"], values["actor"], place)


def _budget_set(values: dict[str, Any], place: Place) -> BudgetSet:
    return BudgetSet(
        ledger_id=values["ledgerId"],
        by=unword(values["by"]),
        present=values["present"],
        following=values["next"],
        following_from=values["nextFrom"],
        actor=values["actor"],
        place=place,
    )


_READERS: Mapping[str, Callable[[dict[str, Any], Place], LedgerEvent]] = {
    "Anchored": _anchored,
    "StandingChanged": _standing_changed,
    "LedgerOpened": _ledger_opened,
    "LedgerClosed": _ledger_closed,
    "BudgetSet": _budget_set,
}
