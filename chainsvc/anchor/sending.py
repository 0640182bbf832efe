"""Sending: sealed batches and requested marks are signed into one transaction a contract, saved, then broadcast.

The order is the design. What a crash leaves:

1. simulate, sign                     nothing; the account's lease and its ledgers' are held until the commit
2. save transaction, batches and marks as "submitted", in one commit   the same bytes are sent by the next run
3. broadcast                          it may be on chain: ``confirming`` asks
4. note that a node took it           it is sent once more, which counts once
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, Engine

from chainsvc import metrics
from chainsvc.anchor.compose import Admitted, Call, admit, compose
from chainsvc.anchor.holding import Hold
from chainsvc.chain.engines import Engine as Profile
from chainsvc.chain.ledgers import LARGEST_CALL, LedgerContract
from chainsvc.chain.node import Fees, Node
from chainsvc.chain.signer import Signer
from chainsvc.chain.transactions import fees_of, prepare, with_fees
from chainsvc.errors import ChainRefused, TransactionRefused
from chainsvc.journal import batches, leases, marks, transactions
from chainsvc.journal.batches import BatchKey
from chainsvc.journal.leases import Lease
from chainsvc.journal.transactions import Transaction
from chainsvc.logs import get_logger

log = get_logger(__name__)

_HOLD_S = 15.0  # what the chain refuses is asked about again after this
_NEVER = ("StandingRefused", "CauseIsTarget", "StatusUnknown")  # no waiting makes these moves allowed

UNDERPRICED = "underpriced"
"""Why a node refuses a transaction that offers too little for gas."""

Clock: TypeAlias = Callable[[], float]
Contracts: TypeAlias = Mapping[bytes, LedgerContract]
"""Ledger contracts by address."""


class _Held(NamedTuple):
    """Something that waits: until when it is not asked about again (Unix seconds), and why."""

    until: float
    why: str


class Sender:
    """Sends with one account; at most one of its transactions a contract is under way."""

    def __init__(
        self,
        engine: Engine,
        node: Node,
        profile: Profile,
        contracts: Contracts,
        signer: Signer,
        hold: Hold,
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
            signer: The account.
            hold: Its lease: who holds it is its only sender.
            largest_marks: Most changes of standing in one transaction.
            clock: Unix seconds.
        """
        self._engine = engine
        self._node = node
        self._profile = profile
        self._contracts = contracts
        self._signer = signer
        self._hold = hold
        self._largest_marks = largest_marks
        self._clock = clock
        self._held: dict[bytes, _Held] = {}
        self._held_marks: dict[int, _Held] = {}
        self._refused: dict[bytes, str] = {}
        self.behind: set[bytes] = set()
        """Contracts that know of batches which the journal holds as open; the watcher reads them anew."""
        self.underpriced: set[bytes] = set()
        """Transactions that nodes refuse for what they offer; the next broadcast signs them anew for more."""

    @property
    def account(self) -> bytes:
        """The sending account, 20 bytes."""
        return self._signer.address

    @property
    def trouble(self) -> str | None:
        """What the chain refuses at present, and why; None when all goes."""
        found = [f"ledger {ident.hex()[:16]}… is held: {held.why}" for ident, held in self._held.items()]
        found += [f"a change of standing is held: {held.why}" for held in self._held_marks.values()]
        found += [f"transaction {tx_hash.hex()[:16]}… is refused: {why}" for tx_hash, why in self._refused.items()]
        return "; ".join(found) or None

    def send(self) -> int:
        """Save and broadcast what is ready; return the number of new transactions.

        Raises:
            NodeUnavailable: Nothing is lost; the next call goes on.
        """
        self._drop_stale_holds()
        with self._hold.step() as conn:
            waited_for = batches.contracts_to_call(conn)
        saved = sum(self._save_next(self._contracts[address]) for address in self._contracts if address in waited_for)
        self.broadcast()
        return saved

    def _drop_stale_holds(self) -> None:
        """Forget holds that were not confirmed when they ended: what they held has gone another way."""
        oldest = self._clock() - _HOLD_S
        self._held = {ident: held for ident, held in self._held.items() if held.until > oldest}
        self._held_marks = {number: held for number, held in self._held_marks.items() if held.until > oldest}

    def broadcast(self) -> None:
        """Send every saved transaction that no node has taken yet, in the order of nonces."""
        with self._engine.connect() as conn:
            live = transactions.pending(conn, self._signer.address)
        self._refused = {tx.hash: self._refused[tx.hash] for tx in live if tx.hash in self._refused}
        base_fee = self._node.base_fee() if live else 0
        asked = {tx.hash for tx in live} & self.underpriced
        self.underpriced.clear()
        for transaction in live:
            offered = fees_of(transaction.raw)
            more = self._profile.gas.outbidding(offered) if transaction.hash in asked else None
            if offered.most < base_fee:
                self._replace(transaction, self._profile.gas.replacing(offered))
            elif more is not None:
                self._replace(transaction, more)
            elif transaction.state == "signed":
                self._broadcast(transaction)

    def _broadcast(self, transaction: Transaction) -> None:
        try:
            self._node.send(transaction.raw)
        except TransactionRefused as refused:
            if self._refused.get(transaction.hash) != str(refused):
                metrics.TRANSACTIONS.labels("refused").inc()
                log.warning("transaction_refused", tx_hash=transaction.hash.hex(), reason=refused.reason)
            self._refused[transaction.hash] = str(refused)
            if refused.reason == UNDERPRICED:
                self.underpriced.add(transaction.hash)
            return
        self._refused.pop(transaction.hash, None)
        with self._engine.begin() as conn:  # true whoever holds the account by now
            transactions.mark_sent(conn, transaction.hash)

    def _replace(self, transaction: Transaction, raised: Fees) -> None:
        """Sign the same call anew for a fee that is taken; a crash leaves the new one saved, to be sent."""
        now = self._profile.gas.fees(self._node)
        fees = Fees(max(raised.most, now.most), max(raised.priority, now.priority))
        signed = self._signer.sign_transaction(with_fees(transaction.raw, fees))
        new = replace(transaction, hash=signed.hash, raw=signed.raw, state="signed", created_at=int(self._clock()))
        with self._hold.step() as conn:
            if not transactions.try_own(conn, self._signer.address):
                return
            transactions.replace(conn, transaction.hash, new)
        log.warning("fee_raised", tx_hash=transaction.hash.hex(), new=signed.hash.hex(), **fees._asdict())
        self._broadcast(new)

    def _save_next(self, contract: LedgerContract) -> bool:
        with self._hold.step() as conn:
            if not transactions.try_own(conn, self._signer.address) or self._is_busy(conn, contract):
                return False
            if (lease := self._hold.lease) is None:
                return False
            admitted = self._admitted(conn, contract, lease)
            self._note_refusals(conn, contract, admitted)
            if admitted.call.empty:
                return False
            leases.fence_ledgers(conn, lease, admitted.call.ledgers)
            return self._save(conn, contract, admitted.call)

    def _is_busy(self, conn: Connection, contract: LedgerContract) -> bool:
        live = transactions.pending(conn, self._signer.address)
        return any(transaction.contract == contract.address for transaction in live)

    def _admitted(self, conn: Connection, contract: LedgerContract, lease: Lease) -> Admitted:
        """Ask the chain before anything is signed: one ledger that would revert must not stop the others."""
        now = self._clock()
        held = [ident for ident, held in self._held.items() if held.until > now]
        held_marks = [number for number, held in self._held_marks.items() if held.until > now]
        ours = leases.ledgers_of(lease)
        ready = batches.next_to_send(conn, contract.address, among=ours, without=held, limit=LARGEST_CALL)
        due = marks.due(conn, contract.address, among=ours, without=held, but=held_marks, limit=self._largest_marks)
        sender = self._signer.address
        now_taken = admit(compose(ready, due), lambda anchors, changes: contract.simulate(anchors, changes, sender))
        return now_taken if self._profile.is_lone else self._resting_on_final(contract, now_taken)

    def _resting_on_final(self, contract: LedgerContract, admitted: Admitted) -> Admitted:
        """Leave to a later round what rests on something that is not final yet, such as a delegation.

        It might fall out of the chain, or another validator might put it behind our transaction, which would revert.
        """
        if admitted.call.empty:
            return admitted
        final, sender = self._profile.final_block(self._node).hash, self._signer.address
        call = admit(admitted.call, lambda anchors, changes: contract.simulate(anchors, changes, sender, final)).call
        return replace(admitted, call=call)

    def _note_refusals(self, conn: Connection, contract: LedgerContract, admitted: Admitted) -> None:
        until = self._clock() + _HOLD_S
        for batch in admitted.call.batches:
            self._held.pop(batch.ledger_id, None)
        for due in admitted.call.marks:
            self._held_marks.pop(due.mark.mark_id, None)
        for ledger_id, why in admitted.held:
            self._held[ledger_id] = _Held(until, str(why))
            metrics.TRANSACTIONS.labels("held").inc()
            log.error("ledger_held", ledger_id=ledger_id.hex(), reason=str(why))
            if why.name == "SequenceMismatch":
                self.behind.add(contract.address)
        for due, why in admitted.refused:
            if why.name in _NEVER:
                self._held_marks.pop(due.mark.mark_id, None)
                marks.mark_refused(conn, *due.mark.key, reason=str(why))
                metrics.STANDING_CHANGES.labels("refused").inc()
            else:
                self._held_marks[due.mark.mark_id] = _Held(until, str(why))
            log.warning("mark_refused", ledger_id=due.mark.ledger_id.hex(), seq=due.seq, reason=str(why))

    def _save(self, conn: Connection, contract: LedgerContract, call: Call) -> bool:
        sender = self._signer.address
        data = contract.anchor_and_mark(call.anchors, call.changes)
        nonce = transactions.next_nonce(conn, sender, self._node.nonce(sender))
        try:
            prepared = prepare(self._node, self._profile, sender, contract.address, data, nonce=nonce)
        except ChainRefused as refused:  # the state changed since the simulation: ask again in the next round
            log.warning("call_refused", contract=contract.address.hex(), reason=str(refused))
            return False
        signed = self._signer.sign_transaction(prepared)
        transaction = Transaction(
            signed.hash, sender, nonce, contract.address, signed.raw, "signed", int(self._clock())
        )
        transactions.save(conn, transaction)
        if call.batches:
            batches.mark_submitted(conn, [BatchKey(b.ledger_id, b.k) for b in call.batches], signed.hash)
        if call.marks:
            marks.mark_submitted(conn, [due.mark.key for due in call.marks], signed.hash)
        metrics.TRANSACTIONS.labels("saved").inc()
        return True
