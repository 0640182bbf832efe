"""What the contracts promise, written again in Python: the oracle of the state machine test.

Each act raises :class:`Denied` with the name of the custom error, or changes the model. Acts may leave the
model half changed when they raise: the caller runs them on a copy.
"""

from dataclasses import dataclass, field

from support import standing
from support.world import ISSUER, LONGEST_DEADLINE, REGISTRAR, REGISTRATION_OFFICE, REGULATOR

from chainsvc import heads
from chainsvc.heads import Status

MAX_SUM = 2**53 - 1
MAX_COUNT = 4096
MAX_ANCHORS = 32


class Denied(Exception):
    """The act is not allowed; its text is the custom error's name."""


def require(condition: object, error: str) -> None:
    """Raise :class:`Denied` unless the condition holds."""
    if not condition:
        raise Denied(error)


@dataclass
class Window:
    """From ``start`` up to, not including, ``until``; 0 is open."""

    start: int
    until: int

    def holds(self, now: int) -> bool:
        return self.start <= now and (self.until == 0 or now < self.until)


@dataclass
class Body:
    """An organization."""

    roles: int
    window: Window
    suspended: bool = False
    has_key: bool = False


@dataclass
class Budget:
    """A budget by the history of what the regulator said: (effective from, amount), last said wins."""

    present: int = 0
    coming: tuple[int, int] | None = None

    def at(self, now: int) -> int:
        if self.coming and now >= self.coming[0]:
            return self.coming[1]
        return self.present


@dataclass
class Ledger:
    """One ledger: its entries by their sums and standing, its heads in order."""

    policy: str
    owner: bytes
    closed: bool = False
    entries: int = 0
    credit: int = 0
    debit: int = 0
    heads: list[bytes] = field(default_factory=list)
    words: dict[int, bytes] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)

    def status(self, seq: int) -> Status:
        return Status(self.words.get(seq, heads.ZERO)[-1])


@dataclass
class Key:
    """A signing key."""

    owner: bytes
    window: Window
    compromised: int = 0


@dataclass
class Moment:
    """Who acts, in which block, at which time."""

    sender: str
    block: int
    now: int

    @property
    def actor(self) -> bytes:
        return bytes.fromhex(self.sender[2:])


Batch = tuple[bytes, int, int, bytes, int, int]
Mark = tuple[bytes, int, int, bytes, int]


@dataclass
class Model:
    """The whole network."""

    bodies: dict[bytes, Body] = field(default_factory=dict)
    delegations: dict[tuple[bytes, str], Window] = field(default_factory=dict)
    ledgers: dict[bytes, Ledger] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    keys: dict[bytes, Key] = field(default_factory=dict)

    def may(self, uscc: bytes, moment: Moment) -> bool:
        """Tell whether the sender may act for the organization."""
        body, delegation = self.bodies[uscc], self.delegations.get((uscc, moment.sender))
        active = body.window.holds(moment.now) and not body.suspended
        return active and delegation is not None and delegation.holds(moment.now)

    # --- register ---

    def delegate(self, moment: Moment, uscc: bytes, account: str, start: int, until: int) -> None:
        require(self.may(uscc, moment), "NotEntitled")
        window = _window(moment, start, until)
        old = self.delegations.get((uscc, account))
        require(old is None or (old.until and old.until <= moment.now), "DelegationExists")
        self.delegations[uscc, account] = window

    def end_delegation(self, moment: Moment, uscc: bytes, account: str, until: int) -> None:
        require((uscc, account) in self.delegations, "DelegationUnknown")
        self._end(moment, uscc, self.delegations[uscc, account], until)

    def suspend(self, moment: Moment, uscc: bytes, by: bytes, *, suspended: bool) -> None:
        require(self.bodies[by].roles & REGULATOR, "RoleMissing")
        require(self.may(by, moment), "NotEntitled")
        require(self.bodies[uscc].suspended is not suspended, "SuspensionMismatch")
        self.bodies[uscc].suspended = suspended

    def end_organization(self, moment: Moment, uscc: bytes, until: int) -> None:
        require(moment.sender == REGISTRAR, "AccessControlUnauthorizedAccount")
        _end_window(self.bodies[uscc].window, until, moment.now + LONGEST_DEADLINE)

    def add_key(self, moment: Moment, uscc: bytes, key_id: bytes, start: int, until: int) -> None:
        if self.bodies[uscc].has_key:
            require(self.may(uscc, moment), "NotEntitled")
        else:
            require(moment.sender == REGISTRAR, "AccessControlUnauthorizedAccount")
        window = _window(moment, start, until)
        require(key_id not in self.keys, "KeyExists")
        self.bodies[uscc].has_key = True
        self.keys[key_id] = Key(uscc, window)

    def end_key(self, moment: Moment, key_id: bytes, until: int) -> None:
        require(key_id in self.keys, "KeyUnknown")
        self._end(moment, self.keys[key_id].owner, self.keys[key_id].window, until)

    def compromise_key(self, moment: Moment, key_id: bytes, since: int) -> None:
        require(key_id in self.keys, "KeyUnknown")
        key = self.keys[key_id]
        require(moment.sender == REGISTRAR or self.may(key.owner, moment), "NotEntitled")
        latest = key.compromised - 1 if key.compromised else moment.now
        require(0 < since <= latest, "CompromiseMalformed")
        key.compromised = since

    def _end(self, moment: Moment, uscc: bytes, window: Window, until: int) -> None:
        entitled = self.may(uscc, moment)
        require(entitled or moment.sender == REGISTRAR, "NotEntitled")
        _end_window(window, until, moment.now + (1 if entitled else LONGEST_DEADLINE))

    # --- ledgers ---

    def open(self, moment: Moment, policy: str, uscc: bytes, ledger_id: bytes, name: str) -> None:
        require(self.may(uscc, moment), "NotEntitled")
        require(self.bodies[uscc].roles & (ISSUER | REGULATOR), "RoleMissing")
        require(name not in self.names, "NameTaken")
        self.names.add(name)
        self.ledgers[ledger_id] = Ledger(policy, uscc)

    def close(self, moment: Moment, ledger_id: bytes) -> None:
        ledger = self.ledgers[ledger_id]
        require(not ledger.closed, "LedgerNotOpen")
        require(self.may(ledger.owner, moment), "NotEntitled")
        ledger.closed = True

    def set_budget(self, moment: Moment, ledger_id: bytes, by: bytes, amount: int) -> None:
        require(self.bodies[by].roles & REGULATOR, "RoleMissing")
        require(self.may(by, moment), "NotEntitled")
        budget = self.ledgers[ledger_id].budget
        present = budget.at(moment.now)
        if amount >= present:
            budget.present, budget.coming = amount, None
        else:
            budget.present, budget.coming = present, (moment.now + LONGEST_DEADLINE, amount)

    def anchor_and_mark(self, moment: Moment, policy: str, batches: list[Batch], marks: list[Mark]) -> None:
        require(batches or marks, "EmptyCall")
        require(len(batches) <= MAX_ANCHORS, "TooManyAnchors")
        for batch in batches:
            self._anchor(moment, self._ledger(policy, batch[0]), batch)
        for mark in marks:
            self._mark(moment, policy, mark)

    def _ledger(self, policy: str, ledger_id: bytes) -> Ledger:
        ledger = self.ledgers.get(ledger_id)
        if ledger is None or ledger.policy != policy:
            raise Denied("LedgerUnknown")
        return ledger

    def _anchor(self, moment: Moment, ledger: Ledger, batch: Batch) -> None:
        ledger_id, first, count, root, credit, debit = batch
        require(not ledger.closed, "LedgerNotOpen")
        require(self.may(ledger.owner, moment), "NotEntitled")
        require(first == ledger.entries, "SequenceMismatch")
        require(1 <= count <= MAX_COUNT, "CountOutOfRange")
        require(max(ledger.credit + credit, ledger.debit + debit) <= MAX_SUM, "SumExceeded")
        _check_policy(moment, ledger, credit, debit)
        prev, k = (ledger.heads[-1] if ledger.heads else heads.ZERO), len(ledger.heads)
        ledger.heads.append(
            heads.head(prev, ledger_id, k, first, count, root, credit, debit, moment.actor, moment.block, moment.now)
        )
        ledger.entries += count
        ledger.credit += credit
        ledger.debit += debit

    def _mark(self, moment: Moment, policy: str, mark: Mark) -> None:
        ledger_id, seq, status, cause_id, cause_seq = mark
        cause = self._ledger(policy, cause_id)
        require(self.may(cause.owner, moment), "NotEntitled")
        ledger = self._ledger(policy, ledger_id)
        require(status in list(Status), "StatusUnknown")
        require(seq < ledger.entries, "EntryUnknown")
        require(cause_seq < cause.entries, "EntryUnknown")
        require((ledger_id, seq) != (cause_id, cause_seq), "CauseIsTarget")
        require((ledger.status(seq), status) in self._moves(ledger, cause.owner), "StandingRefused")
        prev = ledger.words.get(seq, heads.ZERO)
        ledger.words[seq] = heads.status_word(
            prev, ledger_id, seq, status, cause_id, cause_seq, moment.actor, moment.block, moment.now
        )

    def _moves(self, ledger: Ledger, by: bytes) -> standing.Moves:
        marriage, roles = ledger.policy == "marriage", self.bodies[by].roles
        moves = standing.NONE
        if by == ledger.owner:
            moves |= standing.MARRIAGE_OWN if marriage else standing.OWN
        if roles & REGULATOR:
            moves |= standing.MARRIAGE_REGULATORS if marriage else standing.REGULATORS
        if marriage and roles & REGISTRATION_OFFICE:
            moves |= standing.DIVORCE_AND_REISSUE
        return moves


def _window(moment: Moment, start: int, until: int) -> Window:
    begins = start or moment.now
    require(begins >= moment.now, "StartInPast")
    require(until == 0 or until > begins, "WindowEmpty")
    return Window(begins, until)


def _end_window(window: Window, until: int, earliest: int) -> None:
    require(until >= earliest, "EndTooEarly")
    require(window.until == 0 or until < window.until, "EndExtended")
    window.until = until


def _check_policy(moment: Moment, ledger: Ledger, credit: int, debit: int) -> None:
    if ledger.policy == "charity":
        require(ledger.debit + debit <= ledger.credit + credit, "DebitExceedsCredit")
    elif ledger.policy == "marriage":
        require(credit == 0 and debit == 0, "MoneyRefused")
    else:
        net = ledger.debit + debit - ledger.credit - credit
        require(debit <= credit or net <= ledger.budget.at(moment.now), "BudgetExceeded")
