"""Confirming: what became of saved transactions, and making final what a final block says.

A transaction without a receipt is no error: it waits, it was dropped, or its nonce went to another one. Only the
last one takes its batches off it, and only once that nonce is final.
"""

import time
from collections.abc import Callable, Iterable

from sqlalchemy import Connection, Engine

from chainsvc import heads, metrics
from chainsvc.anchor.sending import Contracts
from chainsvc.chain.engines import Engine as Profile
from chainsvc.chain.events import Anchored, LedgerEvent, StandingChanged
from chainsvc.chain.facts import Receipt
from chainsvc.chain.node import Node
from chainsvc.errors import NetworkMismatch, TransactionRefused
from chainsvc.journal import batches, entries, ledgers, marks, transactions
from chainsvc.journal.batches import Anchor
from chainsvc.journal.marks import Word
from chainsvc.journal.transactions import Transaction
from chainsvc.logs import get_logger

log = get_logger(__name__)


class Confirmer:
    """Follows one account's transactions to their end."""

    def __init__(
        self,
        engine: Engine,
        node: Node,
        profile: Profile,
        contracts: Contracts,
        sender: bytes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Follow the transactions of ``sender`` (20 bytes)."""
        self._engine = engine
        self._node = node
        self._profile = profile
        self._contracts = contracts
        self._sender = sender
        self._clock = clock

    def confirm(self) -> int:
        """Look at every open transaction and return how many came to an end.

        Raises:
            NodeUnavailable: Nothing is lost; the next call goes on.
            NetworkMismatch: The chain says of a batch what can't be of our contract.
        """
        with self._engine.connect() as conn:
            open_ones = transactions.pending(conn, self._sender)
        metrics.SENDER_NONCE_GAP.labels(self._sender.hex()).set(len(open_ones))
        if not open_ones:
            return 0
        metrics.SENDER_BALANCE_WEI.labels(self._sender.hex()).set(self._node.balance(self._sender))
        # Read before the receipts: a receipt that is missing then can't have been there at this block.
        used = self._node.nonce(self._sender, self._profile.final_block(self._node).number)
        return sum(self._confirm_one(transaction, used) for transaction in open_ones)

    def _confirm_one(self, transaction: Transaction, used: int) -> bool:
        receipt = self._node.receipt(transaction.hash)
        if receipt is None:
            return self._without_receipt(transaction, used)
        if not self._profile.is_final(self._node, receipt.block_number, receipt.block_hash):
            return False
        if receipt.succeeded:
            self._succeeded(transaction, receipt)
        else:
            self._reverted(transaction, receipt)
        return True

    def _without_receipt(self, transaction: Transaction, used: int) -> bool:
        if transaction.nonce < used:
            self._replaced(transaction)
            return True
        if not self._node.knows(transaction.hash):
            try:
                self._node.send(transaction.raw)
            except TransactionRefused as refused:
                log.warning("transaction_refused", tx_hash=transaction.hash.hex(), reason=refused.reason)
        return False

    def _succeeded(self, transaction: Transaction, receipt: Receipt) -> None:
        contract = self._contracts.get(transaction.contract)  # a call to the register reports nothing of ledgers
        events = () if contract is None else contract.events_of(receipt)
        with self._engine.begin() as conn:
            for event in events:
                if isinstance(event, Anchored):
                    self._anchored(conn, event)
            self._marked(conn, transaction, events)
            transactions.mark_final(conn, transaction.hash, receipt.block_number)
        metrics.TRANSACTIONS.labels("final").inc()
        metrics.GAS_USED.inc(receipt.gas_used)
        log.info("transaction_final", tx_hash=transaction.hash.hex(), block=receipt.block_number, gas=receipt.gas_used)

    def _anchored(self, conn: Connection, event: Anchored) -> None:
        check_head(event)
        place = event.place
        facts = Anchor(event.prev, event.head, event.actor, place.block, place.block_hash, place.time)
        batches.mark_final(conn, event.ledger_id, event.k, facts)
        kind = ledgers.by_id(conn, event.ledger_id).kind
        waited = self._clock() - batches.oldest_acceptance(conn, event.ledger_id, event.k)
        metrics.BATCHES_FINAL.labels(kind).inc()
        metrics.RECORD_TO_FINAL_SECONDS.labels(kind).observe(waited)

    def _marked(self, conn: Connection, transaction: Transaction, events: Iterable[LedgerEvent]) -> None:
        carried = list(marks.of_transaction(conn, transaction.hash))
        for event in events:
            if not isinstance(event, StandingChanged):
                continue
            entry = entries.by_seq(conn, event.ledger_id, event.seq)
            mark = next(m for m in carried if (m.ledger_id, m.entry_id, m.status) == (*_target(entry), event.status))
            carried.remove(mark)
            marks.mark_final(conn, *mark.key, event.cause_seq, word_of(event))
            metrics.STANDING_CHANGES.labels("final").inc()

    def _reverted(self, transaction: Transaction, receipt: Receipt) -> None:
        with self._engine.begin() as conn:
            batches.back_to_sealed(conn, transaction.hash)
            marks.back_to_requested(conn, transaction.hash)
            transactions.mark_reverted(conn, transaction.hash, receipt.block_number)
        metrics.TRANSACTIONS.labels("reverted").inc()
        log.error("transaction_reverted", tx_hash=transaction.hash.hex(), block=receipt.block_number)

    def _replaced(self, transaction: Transaction) -> None:
        with self._engine.begin() as conn:
            batches.back_to_sealed(conn, transaction.hash)
            marks.back_to_requested(conn, transaction.hash)
            transactions.mark_replaced(conn, transaction.hash)
        metrics.TRANSACTIONS.labels("replaced").inc()
        log.error("nonce_taken", tx_hash=transaction.hash.hex(), nonce=transaction.nonce)


def check_head(event: Anchored) -> None:
    """Recompute the head of an event.

    Raises:
        NetworkMismatch: The contract computes another head than the format says.
    """
    place = event.place
    expected = heads.head(
        event.prev,
        event.ledger_id,
        event.k,
        event.first,
        event.count,
        event.root,
        event.credit,
        event.debit,
        event.actor,
        place.block,
        place.time,
    )
    if expected != event.head:
        raise NetworkMismatch(
            "the contract's head is not the one recomputed",
            expected=expected.hex(),
            got=event.head.hex(),
            where=f"ledger {event.ledger_id.hex()} batch {event.k}",
            hint="The node or its contract is not of this network; nothing was recorded as final.",
        )


def word_of(event: StandingChanged) -> Word:
    """Return the journal's facts of a change of standing."""
    place = event.place
    return Word(event.prev, event.word, event.actor, place.block, place.block_hash, place.time, place.index)


def _target(entry: entries.Entry) -> tuple[bytes, int]:
    return entry.ledger_id, entry.entry_id
