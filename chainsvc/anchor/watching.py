"""Watching: anchors that left the chain, and what others did to our ledgers.

A node restored from an older state, or a devnet killed within a second of a block, forgets anchors that were final
here. Their transactions are still saved, so the same bytes go out again. A change of standing by another
organization, a budget and a closing are read from events, up to a stored cursor.
"""

import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine

from chainsvc import metrics
from chainsvc.anchor.confirming import word_of
from chainsvc.anchor.sending import Contracts
from chainsvc.chain.engines import Engine as Profile
from chainsvc.chain.events import BudgetSet, LedgerClosed, LedgerEvent, StandingChanged
from chainsvc.chain.identity import check_network
from chainsvc.chain.ledgers import LedgerContract
from chainsvc.chain.node import Node
from chainsvc.chain.watch import vanished
from chainsvc.errors import NetworkMismatch, NotFound
from chainsvc.journal import batches, cursors, entries, ledgers, marks, transactions
from chainsvc.journal.cursors import Cursor
from chainsvc.journal.transactions import Transaction
from chainsvc.logs import get_logger
from chainsvc.network import Network

log = get_logger(__name__)

_DEPTH = 16  # blocks below the head looked at each time; more only once something has vanished
_STEP = 4_000  # blocks of events read in one transaction


class Watcher:
    """Compares the journal with the chain as it is now."""

    def __init__(
        self,
        engine: Engine,
        node: Node,
        profile: Profile,
        contracts: Contracts,
        network: Network,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Watch these contracts on the chain that ``network`` describes."""
        self._engine = engine
        self._node = node
        self._profile = profile
        self._contracts = contracts
        self._network = network
        self._checked = False
        self._head = b""
        self._clock = clock

    def recheck(self) -> int:
        """Take back what stands in a block that is gone; return the number of transactions to send again.

        Raises:
            NetworkMismatch: The chain starts with another block: it was reset, or is another one.
            NodeUnavailable: Nothing is known.
        """
        self._check_network()
        head = self._node.head()
        metrics.HEAD_HEIGHT.set(head.number)
        metrics.HEAD_AGE_SECONDS.set(max(0.0, self._clock() - head.time))
        if head.hash == self._head:  # the same head has the same blocks below
            return 0
        lost = self._take_back_from(head.number)
        self._head = head.hash
        return lost

    def _take_back_from(self, head: int) -> int:
        """Look a little below the head; deeper while a whole stretch of it has vanished."""
        depth, lost = _DEPTH, self._take_back(head - _DEPTH)
        while lost and head > depth:
            depth *= 4
            if not (more := self._take_back(head - depth)):
                break
            lost += more
        return lost

    def _check_network(self) -> None:
        """Compare everything at the first contact, then the first block: a devnet may be reset meanwhile."""
        if not self._checked:
            check_network(self._node, self._network)
            self._checked = True
        genesis = self._node.genesis()
        if genesis != self._network.genesis:
            raise NetworkMismatch(
                "the node is on another chain than before",
                expected=self._network.genesis.hex(),
                got=genesis.hex(),
                where=self._node.url,
                hint="Was the devnet reset? Its records can't move to another chain: start a new home folder.",
            )

    def _take_back(self, first_block: int) -> int:
        with self._engine.begin() as conn:
            mined = transactions.mined_from_block(conn, max(0, first_block))
            gone = [transaction for transaction in mined if self._is_gone(conn, transaction)]
            for transaction in gone:
                self._reopen(conn, transaction.hash)
        if gone:
            metrics.REORGANIZATIONS.inc()
            log.critical("transactions_vanished", count=len(gone), lowest_block=min(tx.block or 0 for tx in gone))
        return len(gone)

    def _is_gone(self, conn: Connection, transaction: Transaction) -> bool:
        """Whether it is no longer mined, or in another block than the journal has."""
        receipt = self._node.receipt(transaction.hash)
        if receipt is None or receipt.block_number != transaction.block:
            return True
        kept = [batch.anchor for batch in batches.of_transaction(conn, transaction.hash)]
        kept_words = [mark.word for mark in marks.of_transaction(conn, transaction.hash)]
        return any(facts.block_hash != receipt.block_hash for facts in (*kept, *kept_words) if facts is not None)

    def _reopen(self, conn: Connection, tx_hash: bytes) -> None:
        for stored in batches.of_transaction(conn, tx_hash):
            batches.back_to_submitted(conn, stored.ledger_id, stored.k)
        for mark in marks.of_transaction(conn, tx_hash):
            marks.back_to_submitted(conn, *mark.key)
        transactions.back_to_sent(conn, tx_hash)

    def follow(self) -> int:
        """Read what the contracts reported since the cursor; return the number of events taken in."""
        final = self._profile.final_block(self._node).number
        return sum(self._follow(contract, final) for contract in self._contracts.values())

    def _follow(self, contract: LedgerContract, final: int) -> int:
        taken = 0
        with self._engine.begin() as conn:
            first = self._resume_at(conn, contract)
            if first > final:
                return 0
            last = min(final, first + _STEP - 1)
            for event in contract.events(first, last):
                taken += self._take_in(conn, event)
            cursors.save(conn, Cursor(contract.address, last, self._node.block(last).hash))
        return taken

    def _resume_at(self, conn: Connection, contract: LedgerContract) -> int:
        """Start over when the cursor's block is gone: taking an event in twice is harmless."""
        cursor = cursors.load(conn, contract.address)
        if cursor is None or vanished(self._node, cursor.block, cursor.block_hash):
            return 0
        return cursor.block + 1

    def _take_in(self, conn: Connection, event: LedgerEvent) -> bool:
        try:
            ledgers.by_id(conn, event.ledger_id)
        except NotFound:  # a ledger of another service on the same network
            return False
        if isinstance(event, BudgetSet):
            # A planned cut binds the door at once: what is accepted from now on anchors after it.
            allowed = min(event.present, event.following) if event.following_from else event.present
            ledgers.set_budget(conn, event.ledger_id, allowed)
        elif isinstance(event, LedgerClosed):
            ledgers.set_closed(conn, event.ledger_id)
        elif isinstance(event, StandingChanged):
            return self._observe(conn, event)
        else:
            return False
        return True

    def _observe(self, conn: Connection, event: StandingChanged) -> bool:
        if self._is_ours(conn, event.place.transaction):
            return False
        entry = entries.by_seq(conn, event.ledger_id, event.seq)
        marks.observe(
            conn,
            event.ledger_id,
            entry.entry_id,
            event.status,
            cause_ledger_id=event.cause_ledger_id,
            cause_seq=event.cause_seq,
            word=word_of(event),
            seen_at=int(self._clock()),
        )
        return True

    def _is_ours(self, conn: Connection, tx_hash: bytes) -> bool:
        try:
            transactions.get(conn, tx_hash)
        except NotFound:
            return False
        return True
