"""Watching: what left the chain, and what the contracts reported about our ledgers, whoever caused it.

A node restored from an older state, or a devnet killed within a second of a block, forgets what was final here. Our
own transactions are still saved, so the same bytes go out again; what others did is forgotten, and seen again by its
event. Events are read up to a stored cursor. One worker does this for all: the holder of the lease on watching.
"""

import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import TypeAlias, TypeVar

from sqlalchemy import Connection, Engine

from chainsvc import metrics
from chainsvc.anchor.alarming import Alarm
from chainsvc.anchor.holding import Hold
from chainsvc.anchor.recording import record_anchored, record_change
from chainsvc.anchor.sending import Contracts
from chainsvc.chain.engines import Engine as Profile
from chainsvc.chain.events import Anchored, BudgetSet, LedgerClosed, LedgerEvent, StandingChanged
from chainsvc.chain.facts import Block
from chainsvc.chain.identity import check_network
from chainsvc.chain.ledgers import LedgerContract
from chainsvc.chain.node import Node
from chainsvc.chain.watch import vanished
from chainsvc.errors import LeaseLost, NetworkMismatch, NotFound
from chainsvc.journal import batches, cursors, ledgers, marks, transactions
from chainsvc.journal.batches import Anchor, StoredBatch
from chainsvc.journal.cursors import Cursor
from chainsvc.journal.marks import Mark, Word
from chainsvc.journal.transactions import Transaction
from chainsvc.logs import get_logger
from chainsvc.network import Network
from chainsvc.policies import policy_of, within_budget

log = get_logger(__name__)

T = TypeVar("T")

Gone: TypeAlias = Callable[[int, bytes], bool]
"""Whether a block, by number and hash, is no longer on the chain."""

_PAGE = 16  # what is looked at together; a page without a loss ends the look
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
        watch: Hold,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Watch these contracts on the chain that ``network`` describes, while ``watch`` is held."""
        self._engine = engine
        self._node = node
        self._profile = profile
        self._contracts = contracts
        self._network = network
        self._watch = watch
        self._checked = False
        self._looked_at: tuple[bytes, bytes | None] | None = None
        self._rereading: dict[bytes, int] = {}
        self._clock = clock
        self._alarm = Alarm(node)
        self._surplus: str | None = None

    @property
    def trouble(self) -> str | None:
        """What is wrong between journal and chain, in words."""
        return "; ".join(filter(None, (self._alarm.trouble, self._surplus))) or None

    def recheck(self) -> int:
        """Take back what stands in a block that is gone; return how much was lost.

        Whoever watches, every worker compares the network.

        Raises:
            LeaseLost: Another worker watches by now.
            NetworkMismatch: The chain starts with another block: it was reset, or is another one.
            NodeUnavailable: Nothing is known.
        """
        self._check_network()
        head = self._node.head()
        metrics.HEAD_HEIGHT.set(head.number)
        metrics.HEAD_AGE_SECONDS.set(max(0.0, self._clock() - head.time))
        if not self._watch.keep():
            return 0
        if self._alarm.trouble:
            with self._engine.connect() as conn:
                self._alarm.look(conn)
        newest = self._newest()
        if (head.hash, newest) == self._looked_at:  # the same head has the same blocks below
            return 0
        gone: Gone = cache(partial(vanished, self._node))  # many batches share a block: each is asked for once
        with self._watch.step() as conn:
            lost = self._take_back_ours(conn, gone) + self._take_back_final(conn, gone)
        if lost:
            metrics.REORGANIZATIONS.inc()
            log.critical("vanished", count=lost, head=head.number)
        self._looked_at = (head.hash, newest)
        return lost

    def _newest(self) -> bytes | None:
        """Return the newest transaction that the journal holds as mined: another worker may have confirmed it."""
        with self._engine.connect() as conn:
            found = transactions.newest_mined(conn, limit=1, offset=0)
        return found[0].hash if found else None

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

    def _take_back_ours(self, conn: Connection, gone: Gone) -> int:
        """Our transactions that are gone or moved are open again: the same bytes are sent, or found elsewhere."""
        lost = _lost(
            lambda offset: transactions.newest_mined(conn, limit=_PAGE, offset=offset),
            lambda transaction: self._has_moved(conn, transaction, gone),
        )
        for transaction in lost:
            self._reopen(
                conn, batches.of_transaction(conn, transaction.hash), marks.of_transaction(conn, transaction.hash)
            )
            transactions.back_to_sent(conn, transaction.hash)
        return len(lost)

    def _reopen(self, conn: Connection, lost_batches: Sequence[StoredBatch], lost_marks: Sequence[Mark]) -> None:
        self._alarm.sound(lost_batches, lost_marks)
        for batch in lost_batches:
            batches.back_to_submitted(conn, batch.ledger_id, batch.k)
        for mark in lost_marks:
            marks.back_to_submitted(conn, *mark.key)

    def _has_moved(self, conn: Connection, transaction: Transaction, gone: Gone) -> bool:
        """Ask for its block where the journal has the hash; while some nodes have it and some not, nothing moved."""
        anchors = [batch.anchor for batch in batches.of_transaction(conn, transaction.hash)]
        words = [mark.word for mark in marks.of_transaction(conn, transaction.hash)]
        held_by = {(facts.block, facts.block_hash) for facts in (*anchors, *words) if facts is not None}
        if held_by:
            return any(gone(*block) for block in held_by)
        receipt = self._node.receipt(transaction.hash)
        return receipt is None or receipt.block_number != transaction.block

    def _take_back_final(self, conn: Connection, gone: Gone) -> int:
        """What is final in a block that is gone is open again, whoever carried it; what others did is forgotten."""
        lost_batches = _lost(
            lambda offset: batches.newest_final(conn, limit=_PAGE, offset=offset),
            lambda batch: _is_in(batch.anchor, gone),
        )
        lost_marks = _lost(
            lambda offset: marks.newest_final(conn, limit=_PAGE, offset=offset),
            lambda mark: _is_in(mark.word, gone),
        )
        self._reopen(conn, lost_batches, lost_marks)
        carriers = {batch.tx_hash for batch in lost_batches} | {mark.tx_hash for mark in lost_marks}
        for tx_hash in carriers - {None}:
            transactions.back_to_sent(conn, tx_hash or b"")
        return len(lost_batches) + len(lost_marks)

    def follow(self) -> int:
        """Read what the contracts reported since the cursor; return the number of events that were news.

        Raises:
            NetworkMismatch: The chain has another batch than the journal.
            LeaseLost: Another worker watches by now.
        """
        if not self._watch.keep():
            return 0
        final = self._profile.final_block(self._node)
        return 0 if self._has_read(final) else self._follow_all(final.number)

    def _has_read(self, final: Block) -> bool:
        """Whether every contract's events are read up to this very block."""
        with self._engine.connect() as conn:
            known = cursors.load_all(conn)
        return all(known.get(contract) == Cursor(contract, final.number, final.hash) for contract in self._contracts)

    def _follow_all(self, final: int) -> int:
        return sum(self._follow(contract, final) for contract in self._contracts.values())

    def catch_up(self) -> None:
        """Read everything that the contracts reported up to now, however long that takes.

        Raises:
            NetworkMismatch: The chain has another batch than the journal, or is another one.
            NodeUnavailable: Nothing is lost; the next call goes on.
            LeaseLost: A worker reads at present.
        """
        if not self._watch.keep():
            raise LeaseLost("a worker follows the chain already", hint="Stop it, or wait until it has caught up.")
        try:
            self.recheck()
            final = self._profile.final_block(self._node).number
            while any(self._read_up_to(contract) < final for contract in self._contracts):
                self._follow_all(final)
        finally:
            self._watch.release()

    def _read_up_to(self, contract: bytes) -> int:
        with self._engine.connect() as conn:
            cursor = cursors.load(conn, contract)
        return -1 if cursor is None else cursor.block

    def look_again(self) -> None:
        """Recheck at the next round even under the same head: something became final since."""
        self._looked_at = None

    def start_over(self, contract: bytes) -> None:
        """Read a contract's events from the beginning: the chain knows of batches that the journal holds as open.

        A reading that is under way is not begun anew. Any worker may ask for it; the one that watches reads.
        """
        with self._engine.begin() as conn:
            cursor = cursors.load(conn, contract)
            reached = cursor.block if cursor else 0
            if reached < self._rereading.get(contract, 0):
                return
            self._rereading[contract] = reached
            cursors.save(conn, Cursor(contract, 0, self._network.genesis))

    def _follow(self, contract: LedgerContract, final: int) -> int:
        news = 0
        with self._watch.step() as conn:
            first = self._resume_at(conn, contract)
            if first > final:
                return 0
            last = min(final, first + _STEP - 1)
            block_hash = self._node.block(last).hash  # before its events: if it goes meanwhile, the cursor shows it
            for event in contract.events(first, last):
                news += self._take_in(conn, event)
                self.look_again()
            cursors.save(conn, Cursor(contract.address, last, block_hash))
        if last >= self._rereading.get(contract.address, 0):
            self._rereading.pop(contract.address, None)
            return news
        return news + 1  # a reading that goes on is no idle round

    def _resume_at(self, conn: Connection, contract: LedgerContract) -> int:
        """Start over when the cursor's block is gone: taking an event in twice is harmless."""
        cursor = cursors.load(conn, contract.address)
        if cursor is not None and not vanished(self._node, cursor.block, cursor.block_hash):
            return cursor.block + 1
        for ledger in ledgers.listing(conn):
            if ledger.contract == contract.address and policy_of(ledger.kind) is within_budget:
                self._read_budget(conn, contract, ledger.ledger_id)  # what set it may be gone with the block
        return 0

    def _read_budget(self, conn: Connection, contract: LedgerContract, ledger_id: bytes) -> None:
        """Keep what the chain allows now: an event that is read late may have been overtaken.

        A planned cut binds the door at once: what is accepted from now on anchors after it.
        """
        budget = contract.budget_of(ledger_id)
        allowed = min(budget.present, budget.following) if budget.following_from else budget.present
        ledgers.set_budget(conn, ledger_id, allowed)

    def _take_in(self, conn: Connection, event: LedgerEvent) -> bool:
        try:
            ledgers.by_id(conn, event.ledger_id)
        except NotFound:  # a ledger of another service on the same network
            return False
        try:
            return self._record(conn, event)
        except NotFound as error:  # of a ledger that is ours
            self._surplus = f"the chain knows more than the journal: {error}"
            log.critical("chain_knows_more", ledger_id=event.ledger_id.hex(), block=event.place.block)
            return False

    def _record(self, conn: Connection, event: LedgerEvent) -> bool:
        now = self._clock()
        if isinstance(event, Anchored):
            record_anchored(conn, event, now)
            return False
        if isinstance(event, StandingChanged):
            return record_change(conn, event, now)
        if isinstance(event, BudgetSet):
            self._read_budget(conn, self._contracts[event.place.contract], event.ledger_id)
        elif isinstance(event, LedgerClosed):
            ledgers.set_closed(conn, event.ledger_id)
        return isinstance(event, BudgetSet | LedgerClosed)


def _lost(page: Callable[[int], Sequence[T]], is_lost: Callable[[T], bool]) -> list[T]:
    """Walk down from the newest, by pages, until one is whole: blocks are hash-linked, so it vouches for all below."""
    lost: list[T] = []
    offset = 0
    while found := page(offset):
        here = [item for item in found if is_lost(item)]
        if not here:
            break
        lost += here
        offset += len(found)
    return lost


def _is_in(facts: Anchor | Word | None, gone: Gone) -> bool:
    """Whether the chain said this in a block that is gone."""
    return facts is not None and gone(facts.block, facts.block_hash)
