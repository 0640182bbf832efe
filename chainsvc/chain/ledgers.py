"""Ledger contracts: what they hold, what they report, and the calls that change them.

The methods that change something return calldata; who signs and sends it, and what is durable before, is the
business of the caller.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import NamedTuple

from chainsvc.chain.abi import abi_of
from chainsvc.chain.contract import Contract
from chainsvc.chain.events import LedgerEvent, ledger_event
from chainsvc.chain.facts import Receipt, unword, word
from chainsvc.chain.node import At, Node
from chainsvc.errors import ChainRefused

LARGEST_CALL = 32
"""Most batches in one call."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One batch to anchor, in the contract's order.

    Attributes:
        ledger_id: 32 bytes.
        first: ``seq`` of its first entry; the contract refuses any but the next.
        count: Entries, 1 to 4096.
        root: Root hash of its tree, 32 bytes.
        credit: Sum of credits in fen.
        debit: Sum of debits in fen.
    """

    ledger_id: bytes
    first: int
    count: int
    root: bytes
    credit: int
    debit: int


@dataclass(frozen=True, slots=True)
class Mark:
    """One change of standing, in the contract's order.

    Attributes:
        ledger_id: 32 bytes.
        seq: The entry whose standing changes.
        status: 0 current to 6 void.
        cause_ledger_id: Ledger of the entry that is the cause.
        cause_seq: That entry.
    """

    ledger_id: bytes
    seq: int
    status: int
    cause_ledger_id: bytes
    cause_seq: int


class State(NamedTuple):
    """How far a ledger is.

    Attributes:
        next_seq: Entries anchored so far.
        next_batch: Batches anchored so far.
        credit: Sum of all credits in fen.
        debit: Sum of all debits in fen.
    """

    next_seq: int
    next_batch: int
    credit: int
    debit: int


class Meta(NamedTuple):
    """What a ledger is.

    Attributes:
        uscc: Its organization.
        suite: 1 SHA-256, 2 SM3.
        flags: Bit 0: signed.
        closed: Whether it takes no more entries.
    """

    uscc: str
    suite: int
    flags: int
    closed: bool


class Budget(NamedTuple):
    """What a subsidy ledger may pay out in all.

    Attributes:
        present: In fen, now.
        following: In fen, from ``following_from`` on.
        following_from: Block time; 0 when nothing is planned.
    """

    present: int
    following: int
    following_from: int


class LedgerContract(Contract):
    """The contract of one policy, and the ledgers in it.

    Args:
        node: The node to read from.
        address: 20 bytes.
    """

    def __init__(self, node: Node, address: bytes) -> None:
        """Know the widest of the policies' ABIs; a budget asked of another contract is refused by it."""
        super().__init__(node, address, abi_of("SubsidyLedger"))

    # --- reading ---

    def state_of(self, ledger_id: bytes, at: At = "latest") -> State:
        """Return how far a ledger is; zeros when it is unknown or empty."""
        return State(*self.view("stateOf", ledger_id, at=at))

    def head_of(self, ledger_id: bytes, k: int, at: At = "latest") -> bytes:
        """Return the head after batch ``k``; zeros when there is no such batch."""
        return bytes(self.view("headOf", ledger_id, k, at=at)[0])

    def status_of(self, ledger_id: bytes, seq: int, at: At = "latest") -> bytes:
        """Return the status word of an entry; zeros is current and never changed."""
        return bytes(self.view("statusOf", ledger_id, seq, at=at)[0])

    def meta_of(self, ledger_id: bytes, at: At = "latest") -> Meta | None:
        """Return what a ledger is, or None when this contract has no such ledger."""
        closed, flags, suite, uscc = self.view("metaOf", ledger_id, at=at)[0]
        return Meta(unword(uscc), suite, flags, closed) if suite else None

    def budget_of(self, ledger_id: bytes, at: At = "latest") -> Budget:
        """Return a subsidy ledger's budget."""
        return Budget(*self.view("budgetOf", ledger_id, at=at))

    def network_id(self, at: At = "latest") -> bytes:
        """Return the network that the contract was deployed for, 32 bytes."""
        return bytes(self.view("networkId", at=at)[0])

    def institutions(self, at: At = "latest") -> bytes:
        """Return the address of the register that the contract asks, 20 bytes."""
        return bytes(self.view("institutions", at=at)[0])

    # --- events ---

    def events_of(self, receipt: Receipt) -> tuple[LedgerEvent, ...]:
        """Return what this contract reported in a transaction, in order."""
        ours = [ledger_event(self.node, self.abi, log) for log in receipt.logs if log.address == self.address]
        return tuple(event for event in ours if event is not None)

    def events(
        self, first: int, last: int, *, name: str | None = None, ledger_id: bytes | None = None
    ) -> Iterator[LedgerEvent]:
        """Yield what this contract reported from block ``first`` to ``last``, oldest first.

        Args:
            first: First block number.
            last: Last block number.
            name: One event only, e.g. ``Anchored``; all by default.
            ledger_id: One ledger only; all by default.
        """
        topics = [None if name is None else self.abi.topic(name), ledger_id]
        for log in self.node.logs([self.address], topics, first, last):
            event = ledger_event(self.node, self.abi, log)
            if event is not None:
                yield event

    # --- calls that change something ---

    def anchor(self, anchors: Sequence[Anchor]) -> bytes:
        """Return the call that anchors batches, at most 32."""
        return self.abi.call("anchor", _tuples(anchors))

    def set_status(self, marks: Sequence[Mark]) -> bytes:
        """Return the call that changes standings."""
        return self.abi.call("setStatus", _tuples(marks))

    def anchor_and_mark(self, anchors: Sequence[Anchor], marks: Sequence[Mark]) -> bytes:
        """Return the call that first anchors batches and then changes standings; either may be empty."""
        return self.abi.call("anchorAndMark", _tuples(anchors), _tuples(marks))

    def open_ledger(self, kind: str, uscc: str, book: str, suite: int, flags: int) -> bytes:
        """Return the call that opens the ledger ``kind/uscc/book``."""
        return self.abi.call("openLedger", word(kind), word(uscc), book, suite, flags)

    def close_ledger(self, ledger_id: bytes) -> bytes:
        """Return the call that closes a ledger for good."""
        return self.abi.call("closeLedger", ledger_id)

    def set_budget(self, ledger_id: bytes, by: str, amount: int) -> bytes:
        """Return the call by which the regulator ``by`` sets a subsidy ledger's budget in fen."""
        return self.abi.call("setBudget", ledger_id, word(by), amount)

    def simulate(
        self, anchors: Sequence[Anchor], marks: Sequence[Mark], sender: bytes, at: At = "pending"
    ) -> ChainRefused | None:
        """Return why the contract would refuse this, or None when it would not.

        Unless told otherwise, the pending state is asked: at the present time, and after what this node already waits
        to mine.
        """
        try:
            self.node.call(self.address, self.anchor_and_mark(anchors, marks), sender=sender, at=at)
        except ChainRefused as refused:
            return refused
        return None


def _tuples(structs: Sequence[Anchor] | Sequence[Mark]) -> list[tuple[object, ...]]:
    return [astuple(struct) for struct in structs]
