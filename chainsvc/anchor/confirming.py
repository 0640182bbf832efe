"""Confirming: what became of saved transactions, and making final what a final block says.

A transaction without a receipt is no error: it waits, it was dropped, or its nonce went to another one. Only the
last one takes its batches off it, and only once that nonce is final.

Each account's transactions are followed by who holds its lease; those of an account that nobody holds (its worker is
gone, or was given another key) by who holds the lease on watching. That takes no key: the bytes are signed.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from chainsvc import metrics
from chainsvc.anchor.holding import Hold
from chainsvc.anchor.recording import record_anchored, record_change
from chainsvc.anchor.sending import UNDERPRICED, Contracts
from chainsvc.chain.engines import Engine as Profile
from chainsvc.chain.events import Anchored, StandingChanged
from chainsvc.chain.facts import Receipt
from chainsvc.chain.node import Node
from chainsvc.errors import LeaseLost, TransactionRefused
from chainsvc.journal import batches, leases, marks, transactions
from chainsvc.journal.transactions import Transaction
from chainsvc.logs import get_logger

log = get_logger(__name__)

_PATIENCE_S = 60.0  # a transaction that is open for longer is told


class Confirmer:
    """Follows one account's transactions to their end, and those that nobody else follows."""

    def __init__(
        self,
        engine: Engine,
        node: Node,
        profile: Profile,
        contracts: Contracts,
        sender: bytes,
        hold: Hold,
        watch: Hold,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Follow the transactions of ``sender`` (20 bytes) while ``hold`` holds, orphans while ``watch`` does."""
        self._engine = engine
        self._node = node
        self._profile = profile
        self._contracts = contracts
        self._sender = sender
        self._hold = hold
        self._watch = watch
        self._clock = clock
        self.trouble: str | None = None
        self.underpriced: set[bytes] = set()
        """Transactions that nodes no longer take for what they offer; the sender signs them anew."""

    def confirm(self) -> int:
        """Look at every open transaction and return how many came to an end.

        Raises:
            NodeUnavailable: Nothing is lost; the next call goes on.
            NetworkMismatch: The chain says of a batch what can't be of our contract.
            LeaseLost: Another worker follows them by now.
        """
        open_ones = self._open_ones()
        metrics.SENDER_NONCE_GAP.labels(self._sender.hex()).set(len(open_ones))
        self.trouble = self._waiting(open_ones)
        if not open_ones:
            return 0
        metrics.SENDER_BALANCE_WEI.labels(self._sender.hex()).set(self._node.balance(self._sender))
        # Read before the receipts: a receipt that is missing then can't have been there at this block.
        final = self._profile.final_block(self._node).number
        used = {sender: self._node.nonce(sender, final) for sender in {tx.sender for tx in open_ones}}
        return sum(self._confirm_one(transaction, used[transaction.sender]) for transaction in open_ones)

    def _open_ones(self) -> tuple[Transaction, ...]:
        with self._engine.connect() as conn:
            ours = transactions.pending(conn, self._sender)
            if self._watch.lease is None:
                return ours
            others = set(leases.accounts(conn)) | {self._sender}
            return ours + tuple(tx for tx in transactions.pending(conn) if tx.sender not in others)

    @contextmanager
    def _step(self, transaction: Transaction) -> Iterator[Connection]:
        """Give a transaction of the journal in which nobody else follows this one of the chain."""
        with (self._hold if transaction.sender == self._sender else self._watch).step() as conn:
            if transaction.sender != self._sender and not leases.is_free(conn, leases.of_account(transaction.sender)):
                raise LeaseLost("the account's holder is back", where=transaction.sender.hex())
            yield conn

    def _waiting(self, open_ones: tuple[Transaction, ...]) -> str | None:
        old = [tx for tx in open_ones if self._clock() - tx.created_at > _PATIENCE_S]
        if not old:
            return None
        return f"{len(old)} transactions are open, the oldest for {self._clock() - old[0].created_at:.0f} s"

    def _confirm_one(self, transaction: Transaction, used: int) -> bool:
        receipt = self._node.receipt(transaction.hash)
        if receipt is not None:
            return self._ended(transaction, receipt)
        if transaction.nonce < used:
            return self._nonce_used(transaction)
        if not self._node.knows(transaction.hash):
            self._send_again(transaction)
        return False

    def _send_again(self, transaction: Transaction) -> None:
        try:
            self._node.send(transaction.raw)
        except TransactionRefused as refused:
            log.warning("transaction_refused", tx_hash=transaction.hash.hex(), reason=refused.reason)
            if refused.reason == UNDERPRICED:  # it was taken before: the nodes ask for more since
                self.underpriced.add(transaction.hash)

    def _nonce_used(self, transaction: Transaction) -> bool:
        """The nonce is final with another transaction: one that we replaced, or a stranger's."""
        with self._engine.connect() as conn:
            others = transactions.at_nonce(conn, transaction.sender, transaction.nonce)
        for other in others:
            receipt = None if other.hash == transaction.hash else self._node.receipt(other.hash)
            if receipt is not None:
                return self._ended(other, receipt)
        self._replaced(transaction)
        return True

    def _ended(self, transaction: Transaction, receipt: Receipt) -> bool:
        if not self._profile.is_final(self._node, receipt.block_number, receipt.block_hash):
            return False
        if receipt.succeeded:
            self._succeeded(transaction, receipt)
        else:
            self._reverted(transaction, receipt)
        return True

    def _succeeded(self, transaction: Transaction, receipt: Receipt) -> None:
        contract = self._contracts.get(transaction.contract)  # a call to the register reports nothing of ledgers
        events = () if contract is None else contract.events_of(receipt)
        now = self._clock()
        with self._step(transaction) as conn:
            transactions.mark_final(conn, transaction.hash, receipt.block_number)
            for event in events:
                if isinstance(event, Anchored):
                    record_anchored(conn, event, now)
                elif isinstance(event, StandingChanged):
                    record_change(conn, event, now)
        metrics.TRANSACTIONS.labels("final").inc()
        metrics.GAS_USED.inc(receipt.gas_used)
        log.info("transaction_final", tx_hash=transaction.hash.hex(), block=receipt.block_number, gas=receipt.gas_used)

    def _reverted(self, transaction: Transaction, receipt: Receipt) -> None:
        with self._step(transaction) as conn:
            transactions.mark_reverted(conn, transaction.hash, receipt.block_number)
            batches.back_to_sealed(conn, transaction.hash)
            marks.back_to_requested(conn, transaction.hash)
        metrics.TRANSACTIONS.labels("reverted").inc()
        log.error("transaction_reverted", tx_hash=transaction.hash.hex(), block=receipt.block_number)

    def _replaced(self, transaction: Transaction) -> None:
        with self._step(transaction) as conn:
            batches.back_to_sealed(conn, transaction.hash)
            marks.back_to_requested(conn, transaction.hash)
            batches.forget_transaction(conn, transaction.hash)
            marks.forget_transaction(conn, transaction.hash)
            transactions.mark_replaced(conn, transaction.hash)
        metrics.TRANSACTIONS.labels("replaced").inc()
        log.error("nonce_taken", tx_hash=transaction.hash.hex(), nonce=transaction.nonce)
