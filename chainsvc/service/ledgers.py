"""Ledgers: opened and closed on chain, and listed with how far they have come."""

import time
from collections.abc import Callable, Mapping
from typing import cast

from sqlalchemy import Connection, Engine

from chainsvc.anchor.calling import Caller
from chainsvc.chain.events import BudgetSet, LedgerClosed, LedgerOpened
from chainsvc.chain.ledgers import LedgerContract
from chainsvc.chain.node import Node
from chainsvc.client.answers import BatchState, EntryState, LedgerBatch, LedgerEntry, LedgerFacts, Page
from chainsvc.crypto.suites import Suite, suite_of
from chainsvc.errors import ChainRefused, Conflict, NotFound, NotReady
from chainsvc.heads import Status
from chainsvc.journal import batches, entries, ledgers, marks
from chainsvc.journal.batches import StoredBatch
from chainsvc.journal.entries import Entry
from chainsvc.journal.ledgers import Ledger
from chainsvc.network import Network
from chainsvc.policies import policy_of
from chainsvc.recent import Recent
from chainsvc.record import FLAG_SIGNED, LedgerName, ledger_id

_CLOSE_PATIENCE_S = 30.0
_FRESH_S = 1.0


class Ledgers:
    """The ledgers of one journal."""

    def __init__(self, engine: Engine, network: Callable[[], Network], node: Node, caller: Caller) -> None:
        """Open and close through this caller; ``network`` gives the descriptor in use."""
        self._engine = engine
        self._network = network
        self._node = node
        self._caller = caller
        self._recent: Recent[str, Ledger] = Recent(_FRESH_S)

    def stored(self, name: str) -> Ledger:
        """Return the journal's row of a ledger."""
        with self._engine.connect() as conn:
            return ledgers.by_name(conn, name)

    def recent(self, name: str) -> Ledger:
        """Return the journal's row of a ledger as it was a moment ago; storing a chunk checks that it is still open."""
        found = self._recent.get(name)
        return self._recent.keep(name, self.stored(name)) if found is None else found

    def page(self, after: str | None, limit: int) -> Page[LedgerFacts]:
        """Return ledgers ascending by name, from the one after ``after``."""
        with self._engine.connect() as conn:
            found = ledgers.page(conn, after=after, limit=limit + 1)  # one more tells whether a page follows
            items = tuple(self._facts(conn, ledger) for ledger in found[:limit])
        return Page(items, items[-1].name if len(found) > limit else None)

    def facts(self, name: str) -> LedgerFacts:
        """Return one ledger and how far it has come."""
        with self._engine.connect() as conn:
            return self._facts(conn, ledgers.by_name(conn, name))

    def open(self, name: str, suite: Suite, *, signed: bool) -> LedgerFacts:
        """Open a ledger on chain, or return it when it is open like this already.

        A crash after the chain opened it leaves a ledger that the next call finds there.

        Raises:
            MalformedInput: Not a ledger name.
            NotFound: The network has no contract for the kind.
            Conflict: It is open with another suite or flags, or has entries that this journal never saw.
        """
        parsed = LedgerName.parse(name)
        policy_of(parsed.kind)
        contract = self._contract(parsed.kind)
        flags = FLAG_SIGNED if signed else 0
        ident = ledger_id(self._network().network_id, contract.address, suite.id, flags, name)
        self._check_name(name, ident)
        if contract.meta_of(ident) is None:
            self._open_on_chain(contract, ident, parsed.uscc, contract.open_ledger(*parsed, suite.id, flags))
        block = self._opened_at(contract, ident)
        row = Ledger(ident, name, parsed.kind, parsed.uscc, parsed.book, suite.id, flags, contract.address, block)
        with self._engine.begin() as conn:
            is_new = ledgers.register(conn, row)
            if is_new:
                self._refuse_used(contract, row)
        with self._engine.begin() as conn:
            if is_new:  # only now: whatever comes later is seen by the watcher, which passes ledgers it does not know
                self._catch_up(conn, contract, row)
            return self._facts(conn, ledgers.by_id(conn, ident))

    def _open_on_chain(self, contract: LedgerContract, ident: bytes, uscc: str, call: bytes) -> None:
        """Open the ledger; that another request was first, or an earlier one got through, is as good."""
        try:
            self._caller.call(uscc, contract.address, call)
        except ChainRefused:
            if contract.meta_of(ident) is None:
                raise

    def _refuse_used(self, contract: LedgerContract, ledger: Ledger) -> None:
        anchored = contract.state_of(ledger.ledger_id).next_seq
        if anchored:
            raise Conflict(
                "the chain has entries of this ledger that the journal lacks; what it accepts could never be anchored",
                expected="0 entries on chain",
                got=anchored,
                where=ledger.name,
                hint="Use the journal that anchored them, or open another book.",
            )

    def _catch_up(self, conn: Connection, contract: LedgerContract, ledger: Ledger) -> None:
        """Take in what the chain said of a ledger before this journal knew it: the watcher has passed that."""
        for event in contract.events(ledger.opened_block, self._node.head().number, ledger_id=ledger.ledger_id):
            if isinstance(event, BudgetSet):
                allowed = min(event.present, event.following) if event.following_from else event.present
                ledgers.set_budget(conn, event.ledger_id, allowed)
            elif isinstance(event, LedgerClosed):
                ledgers.set_closed(conn, event.ledger_id)

    def _contract(self, kind: str) -> LedgerContract:
        found = self._network().contract_of(kind)
        if found is None:
            raise NotFound("the network has no contract for this kind", got=kind)
        return LedgerContract(self._node, found.address)

    def _check_name(self, name: str, ident: bytes) -> None:
        with self._engine.connect() as conn:
            try:
                known = ledgers.by_name(conn, name)
            except NotFound:
                return
        if known.ledger_id != ident:
            got = f"{suite_of(known.suite).name}, {'signed' if known.signed else 'unsigned'}"
            raise Conflict("the ledger is open with another suite or flags", got=got, where=name)

    def _opened_at(self, contract: LedgerContract, ident: bytes) -> int:
        head = self._node.head().number
        for event in contract.events(0, head, name="LedgerOpened", ledger_id=ident):
            if isinstance(event, LedgerOpened):
                return event.place.block
        raise NotReady("the chain does not show the new ledger yet", got=ident.hex(), hint="Repeat the request.")

    def close(self, name: str) -> LedgerFacts:
        """Take no more entries, and close on chain once everything accepted is final there.

        Raises:
            NotReady: Entries still wait for the chain; nothing new is accepted, and repeating goes on.
        """
        ledger = self.stored(name)
        with self._engine.begin() as conn:
            ledgers.set_closed(conn, ledger.ledger_id)
        self._wait_anchored(ledger)
        contract = LedgerContract(self._node, ledger.contract)
        meta = contract.meta_of(ledger.ledger_id)
        if meta is not None and not meta.closed:
            self._caller.call(ledger.uscc, ledger.contract, contract.close_ledger(ledger.ledger_id))
        return self.facts(name)

    def _wait_anchored(self, ledger: Ledger) -> None:
        deadline = time.monotonic() + _CLOSE_PATIENCE_S
        while True:
            facts = self.facts(ledger.name)
            if facts.entries == facts.anchored_entries:
                return
            if time.monotonic() > deadline:
                left = facts.entries - facts.anchored_entries
                raise NotReady(f"{left} accepted entries are not final yet", where=ledger.name, hint="Repeat later.")
            time.sleep(0.1)

    def entries(self, name: str, after: int | None, limit: int) -> Page[LedgerEntry]:
        """Return sealed entries in the order of seq."""
        with self._engine.connect() as conn:
            ident = ledgers.by_name(conn, name).ledger_id
            found = entries.page(conn, ident, after_seq=-1 if after is None else after, limit=limit)
            standings = marks.standings(conn, ident, [entry.entry_id for entry in found])
            states = {k: batches.get(conn, ident, k).state for k in {entry.k for entry in found} if k is not None}
        items = tuple(_entry(entry, states, standings.get(entry.entry_id, 0)) for entry in found)
        return Page(items, found[-1].seq if len(found) == limit else None)

    def batches(self, name: str, after: int | None, limit: int) -> Page[LedgerBatch]:
        """Return batches in order."""
        with self._engine.connect() as conn:
            ident = ledgers.by_name(conn, name).ledger_id
            found = batches.page(conn, ident, after_k=-1 if after is None else after, limit=limit)
        return Page(tuple(_batch(stored) for stored in found), found[-1].k if len(found) == limit else None)

    def _facts(self, conn: Connection, ledger: Ledger) -> LedgerFacts:
        sums = ledgers.sums_of(conn, ledger.ledger_id)
        anchored = batches.anchored(conn, ledger.ledger_id)
        return LedgerFacts(
            name=ledger.name,
            network=self._network().network_id,
            contract=ledger.contract,
            suite=suite_of(ledger.suite),
            flags=ledger.flags,
            closed=ledger.closed,
            entries=entries.count(conn, ledger.ledger_id),
            credit=sums.credit,
            debit=sums.debit,
            batches=anchored.batches,
            anchored_entries=anchored.entries,
            anchored_credit=anchored.credit,
            anchored_debit=anchored.debit,
            budget=sums.budget,
        )


def _entry(entry: Entry, states: Mapping[int, str], standing: int) -> LedgerEntry:
    assert entry.k is not None  # a page has sealed entries only
    return LedgerEntry(
        commitment=entry.commitment,
        state=cast("EntryState", states[entry.k]),
        seq=entry.seq,
        batch=entry.k,
        credit=entry.credit,
        debit=entry.debit,
        previous=entry.previous,
        standing=Status(standing),
        accepted_at=entry.accepted_at,
    )


def _batch(stored: StoredBatch) -> LedgerBatch:
    anchor = stored.anchor
    return LedgerBatch(
        index=stored.k,
        first=stored.first,
        count=stored.count,
        root=stored.root,
        credit=stored.credit,
        debit=stored.debit,
        state=cast("BatchState", stored.state),
        transaction=stored.tx_hash,
        prev=None if anchor is None else anchor.prev,
        head=None if anchor is None else anchor.head,
        actor=None if anchor is None else anchor.actor,
        block=None if anchor is None else anchor.block,
        block_hash=None if anchor is None else anchor.block_hash,
        time=None if anchor is None else anchor.time,
    )
