"""Ledgers that were opened after the backup: on chain, with entries by our accounts, and unknown to the journal."""

from collections.abc import Collection, Iterator

from sqlalchemy import Connection, select

from chainsvc.chain.events import Anchored, LedgerOpened
from chainsvc.chain.ledgers import LedgerContract
from chainsvc.journal import ledgers
from chainsvc.journal.chain_tables import transactions
from chainsvc.journal.ledgers import Ledger
from chainsvc.record import LedgerName


def accounts_of(conn: Connection) -> set[bytes]:
    """Return every account that the journal ever sent with, 20 bytes each."""
    return set(conn.execute(select(transactions.c.sender).distinct()).scalars())


def missing_ledgers(
    conn: Connection, contract: LedgerContract, accounts: Collection[bytes], last_block: int
) -> Iterator[Ledger]:
    """Yield ledgers of a contract that the journal lacks though one of these accounts anchored in them.

    One without entries needs nothing: opening it again finds it open.
    """
    known = {ledger.ledger_id for ledger in ledgers.listing(conn)}
    for event in contract.events(0, last_block, name="LedgerOpened"):
        if isinstance(event, LedgerOpened) and event.ledger_id not in known:
            first = next(
                contract.events(event.place.block, last_block, name="Anchored", ledger_id=event.ledger_id), None
            )
            if isinstance(first, Anchored) and first.actor in accounts:
                yield _ledger(event, contract.address)


def _ledger(event: LedgerOpened, contract: bytes) -> Ledger:
    parts = LedgerName.parse(event.name)
    place = (contract, event.place.block)
    return Ledger(event.ledger_id, event.name, parts.kind, parts.uscc, parts.book, event.suite, event.flags, *place)
