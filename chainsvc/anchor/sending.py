"""Sending: sealed batches and requested marks are signed into one transaction a contract, saved, then broadcast.

The order is the design. What a crash leaves:

1. simulate, sign                     nothing
2. save transaction, batches and marks as "submitted", in one commit   the same bytes are sent by the next run
3. broadcast                          it may be on chain: ``confirming`` asks
4. note that a node took it           it is sent once more, which counts once
"""

import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

from sqlalchemy import Connection, Engine

from chainsvc import metrics
from chainsvc.anchor.compose import Admitted, Call, admit, compose
from chainsvc.chain.engines import Engine as Profile
from chainsvc.chain.ledgers import LARGEST_CALL, LedgerContract
from chainsvc.chain.node import Node
from chainsvc.chain.signer import Signer
from chainsvc.chain.transactions import prepare
from chainsvc.errors import ChainRefused, TransactionRefused
from chainsvc.journal import batches, marks, transactions
from chainsvc.journal.batches import BatchKey
from chainsvc.journal.transactions import Transaction
from chainsvc.logs import get_logger

log = get_logger(__name__)

_HOLD_S = 15.0  # a ledger that the chain refuses is asked about again after this

Clock: TypeAlias = Callable[[], float]
Contracts: TypeAlias = Mapping[bytes, LedgerContract]
"""Ledger contracts by address."""


class Sender:
    """Sends with one account; at most one transaction a contract is under way."""

    def __init__(
        self,
        engine: Engine,
        node: Node,
        profile: Profile,
        contracts: Contracts,
        signer: Signer,
        *,
        largest_marks: int,
        clock: Clock = time.time,
    ) -> None:
        """Send from this journal to these contracts.

        Args:
            engine: The journal.
            node: Where to.
            profile: What gas costs there.
            contracts: By address.
            signer: The account; this process is its only sender.
            largest_marks: Most changes of standing in one transaction.
            clock: Unix seconds.
        """
        self._engine = engine
        self._node = node
        self._profile = profile
        self._contracts = contracts
        self._signer = signer
        self._largest_marks = largest_marks
        self._clock = clock
        self._held: dict[bytes, float] = {}
        self.holding: dict[bytes, str] = {}
        """Ledgers whose batches the chain refuses at present, with why."""

    def send(self) -> int:
        """Save and broadcast what is ready; return the number of new transactions.

        Raises:
            NodeUnavailable: Nothing is lost; the next call goes on.
        """
        saved = sum(self._save_next(contract) for contract in self._contracts.values())
        self.broadcast()
        return saved

    def broadcast(self) -> None:
        """Send every saved transaction that no node has taken yet, in the order of nonces."""
        with self._engine.connect() as conn:
            waiting = [tx for tx in transactions.pending(conn, self._signer.address) if tx.state == "signed"]
        for transaction in waiting:
            self._broadcast(transaction)

    def _broadcast(self, transaction: Transaction) -> None:
        try:
            self._node.send(transaction.raw)
        except TransactionRefused as refused:
            metrics.TRANSACTIONS.labels("refused").inc()
            log.warning("transaction_refused", tx_hash=transaction.hash.hex(), reason=refused.reason, got=refused.got)
            return
        with self._engine.begin() as conn:
            transactions.mark_sent(conn, transaction.hash)

    def _save_next(self, contract: LedgerContract) -> bool:
        with self._engine.begin() as conn:
            if not transactions.try_own(conn, self._signer.address) or self._is_busy(conn, contract):
                return False
            admitted = self._admitted(conn, contract)
            self._note_refusals(conn, admitted)
            if admitted.call.empty:
                return False
            self._save(conn, contract, admitted.call)
        return True

    def _is_busy(self, conn: Connection, contract: LedgerContract) -> bool:
        live = transactions.pending(conn, self._signer.address)
        return any(transaction.contract == contract.address for transaction in live)

    def _admitted(self, conn: Connection, contract: LedgerContract) -> Admitted:
        """Ask the chain before anything is signed: one ledger that would revert must not stop the others."""
        waiting = batches.pending(conn, contract=contract.address, states=("sealed",), limit=4 * LARGEST_CALL)
        now = self._clock()
        ready = [batch for batch in waiting if self._held.get(batch.ledger_id, 0.0) <= now]
        due = marks.due(conn, contract.address, limit=self._largest_marks)
        return admit(
            compose(ready, due), lambda anchors, changes: contract.simulate(anchors, changes, self._signer.address)
        )

    def _note_refusals(self, conn: Connection, admitted: Admitted) -> None:
        for ledger_id, why in admitted.held:
            self._held[ledger_id] = self._clock() + _HOLD_S
            self.holding[ledger_id] = str(why)
            metrics.TRANSACTIONS.labels("held").inc()
            log.error("ledger_held", ledger_id=ledger_id.hex(), reason=str(why))
        for due, why in admitted.refused:
            marks.mark_refused(conn, *due.mark.key, reason=str(why))
            metrics.STANDING_CHANGES.labels("refused").inc()
            log.warning("mark_refused", ledger_id=due.mark.ledger_id.hex(), seq=due.seq, reason=str(why))

    def _save(self, conn: Connection, contract: LedgerContract, call: Call) -> None:
        sender = self._signer.address
        data = contract.anchor_and_mark(call.anchors, call.changes)
        nonce = transactions.next_nonce(conn, sender, self._node.nonce(sender))
        try:
            prepared = prepare(self._node, self._profile, sender, contract.address, data, nonce=nonce)
        except ChainRefused as refused:  # the state changed since the simulation: ask again in the next round
            log.warning("call_refused", contract=contract.address.hex(), reason=str(refused))
            return
        signed = self._signer.sign_transaction(prepared)
        transaction = Transaction(
            signed.hash, sender, nonce, contract.address, signed.raw, "signed", int(self._clock())
        )
        transactions.save(conn, transaction)
        if call.batches:
            batches.mark_submitted(conn, [BatchKey(b.ledger_id, b.k) for b in call.batches], signed.hash)
        if call.marks:
            marks.mark_submitted(conn, [due.mark.key for due in call.marks], signed.hash)
        for batch in call.batches:
            self.holding.pop(batch.ledger_id, None)
        metrics.TRANSACTIONS.labels("saved").inc()
