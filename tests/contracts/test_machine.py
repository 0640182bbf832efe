"""Random acts by random accounts: contracts and Python model agree on every outcome, state, head and word.

The model says by name which error an act must give. After each act the touched ledgers must have dense
sequences, equal sums, equal heads and words; a charity never spent more than it received; a subsidy never
paid more than its budget; and no head that ever stood has changed.
"""

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support.machine import SideBySide
from support.model import Batch, Ledger, Mark, Moment
from support.world import (
    ADMIN,
    BUREAU,
    CHARITY,
    COUNTY,
    LONGEST_DEADLINE,
    NETWORK_ID,
    OFFICE,
    ORGANIZATIONS,
    OTHER_OFFICE,
    REGISTRAR,
    STRANGER,
    World,
    account,
    kind,
)

from chainsvc.heads import Status
from chainsvc.record import ledger_id

if TYPE_CHECKING:
    from support.contract import Contract

pytestmark = pytest.mark.node

POLICIES = ("charity", "marriage", "subsidy")
USCCS = [organization.uscc for organization in ORGANIZATIONS]
CLERKS = [account(0xD0 + i) for i in range(3)]
SENDERS = [organization.account for organization in ORGANIZATIONS] + [REGISTRAR, ADMIN, STRANGER, *CLERKS]
PUBLIC_KEYS = [bytes([i]) * 32 for i in range(6)]
FIRST_LEDGERS = [
    ("charity", CHARITY), ("charity", BUREAU), ("marriage", OFFICE), ("marriage", OTHER_OFFICE), ("marriage", CHARITY),
    ("subsidy", COUNTY), ("subsidy", BUREAU),
]  # fmt: skip

senders = st.sampled_from(SENDERS)
usccs = st.sampled_from(USCCS)
delays = st.sampled_from([0, 0, 0, 1, 10, LONGEST_DEADLINE // 2, LONGEST_DEADLINE])
offsets = st.sampled_from([1, 2, 100, LONGEST_DEADLINE, LONGEST_DEADLINE + 1, 10**6, 0, -1, -10])
lengths = st.sampled_from([0, 0, 1, 100, LONGEST_DEADLINE, 10**6, -1])
amounts = st.one_of(st.integers(0, 120), st.integers(0, 120), st.sampled_from([0, 2**53 - 1, 2**53, 2**64 - 1]))
counts = st.sampled_from([1, 2, 3, 4, 5, 4096, 0, 4097])
statuses = st.sampled_from([*Status, *Status, 7])
seldom = st.sampled_from([False] * 7 + [True])
drawn = st.data()


def key_id(public: bytes) -> bytes:
    """Return the identity of an Ed25519 key."""
    return hashlib.sha256(b"\1" + public).digest()


class NetworkMachine(SideBySide):
    """All acts, mostly such as go through, by accounts that mostly may."""

    @initialize()
    def open_first_ledgers(self) -> None:
        for policy, owner in FIRST_LEDGERS:
            self._open(0, owner.account, policy, owner.uscc, "FIRST")
        for ledger, facts in list(self.model.ledgers.items()):
            batch = (ledger, 0, 4, bytes(32), 100 if facts.policy != "marriage" else 0, 0)
            sender = next(who for uscc, who in self.model.delegations if uscc == facts.owner)
            self._run(facts.policy, 0, sender, ("anchor", [batch]), [batch], [])

    @rule(data=drawn, delay=delays, policy=st.sampled_from(POLICIES), uscc=usccs, book=st.sampled_from("AB"))
    def open_ledger(self, data: st.DataObject, delay: int, policy: str, uscc: bytes, book: str) -> None:
        self._open(delay, self._sender(data, uscc), policy, uscc, book)

    def _open(self, delay: int, sender: str, policy: str, uscc: bytes, book: str) -> None:
        contract: Contract = getattr(self.world, policy)
        name = f"{policy}/{uscc.decode()}/{book}"
        identity = ledger_id(NETWORK_ID, contract.raw_address, 1, 0, name)
        call = ("openLedger", kind(policy), uscc, book, 1, 0)
        self.act(delay, sender, contract, call, "open", policy, uscc, identity, name)

    @rule(data=drawn, delay=delays, policy=st.sampled_from(POLICIES))
    def anchor(self, data: st.DataObject, delay: int, policy: str) -> None:
        for _ in range(data.draw(st.integers(1, 3))):
            batches = self._batches(data, self._of_one_owner(data, policy), least=1)
            sender = self._sender(data, self._owner(batches[0][0]))
            self._run(policy, delay, sender, ("anchor", batches), batches, [])

    @rule(data=drawn, delay=delays, policy=st.sampled_from(POLICIES))
    def set_status(self, data: st.DataObject, delay: int, policy: str) -> None:
        for _ in range(data.draw(st.integers(1, 3))):
            marks = self._marks(data, self._of_one_owner(data, policy), [], least=1)
            sender = self._sender(data, self._owner(marks[0][3]))
            self._run(policy, delay, sender, ("setStatus", marks), [], marks)

    @rule(data=drawn, delay=delays, policy=st.sampled_from(POLICIES))
    def anchor_and_mark(self, data: st.DataObject, delay: int, policy: str) -> None:
        ledger = data.draw(st.sampled_from(self.ledgers(policy)))
        batches = self._batches(data, [ledger], least=0)
        marks = self._marks(data, [ledger], batches, least=0)
        sender = self._sender(data, self._owner(ledger))
        self._run(policy, delay, sender, ("anchorAndMark", batches, marks), batches, marks)

    def _run(
        self, policy: str, delay: int, sender: str, call: tuple[Any, ...], batches: list[Batch], marks: list[Mark]
    ) -> None:
        self.act(delay, sender, getattr(self.world, policy), call, "anchor_and_mark", policy, batches, marks)

    def _of_one_owner(self, data: st.DataObject, policy: str) -> list[bytes]:
        """Draw the ledgers of one organization; seldom those of all."""
        ledgers = self.ledgers(policy)
        if data.draw(seldom):
            return ledgers
        owner = self._owner(data.draw(st.sampled_from(ledgers)))
        return [ledger for ledger in ledgers if self._owner(ledger) == owner]

    def _owner(self, ledger: bytes) -> bytes:
        return self.model.ledgers[ledger].owner

    def _sender(self, data: st.DataObject, uscc: bytes) -> str:
        """Draw an account that may act for the organization, if there is one; seldom anyone at all."""
        delegated = [who for owner, who in self.model.delegations if owner == uscc]
        entitled = [who for who in delegated if self.model.may(uscc, Moment(who, 0, self.now))]
        return data.draw(senders if data.draw(seldom) else st.sampled_from(entitled or delegated))

    def _batches(self, data: st.DataObject, ledgers: list[bytes], *, least: int) -> list[Batch]:
        batches: list[Batch] = []
        next_seq = {key: self.model.ledgers[key].entries for key in ledgers}
        for _ in range(data.draw(st.integers(least, 3))):
            ledger = data.draw(st.sampled_from(ledgers))
            first = next_seq[ledger] + (1 if data.draw(seldom) else 0)
            credit, debit = self._money(data, self.model.ledgers[ledger])
            count = data.draw(counts)
            root = hashlib.sha256(repr((first, count, credit)).encode()).digest()
            batches.append((ledger, first, count, root, credit, debit))
            next_seq[ledger] += count
        return batches

    @staticmethod
    def _money(data: st.DataObject, ledger: Ledger) -> tuple[int, int]:
        """Draw sums that the policy mostly allows, and often just at its limit."""
        if data.draw(seldom):
            return data.draw(amounts), data.draw(amounts)
        if ledger.policy == "marriage":
            return 0, 0
        credit = data.draw(st.integers(0, 120))
        room = max(ledger.credit + credit - ledger.debit, 0)
        room += ledger.budget.present if ledger.policy == "subsidy" else 0
        return credit, data.draw(st.one_of(st.integers(0, min(room, 120)), st.integers(room, room + 1)))

    def _marks(self, data: st.DataObject, causes: list[bytes], batches: list[Batch], *, least: int) -> list[Mark]:
        """Draw changes of standing on any ledger of the same contract, with a cause in one of these."""
        marks: list[Mark] = []
        targets = self.ledgers(self.model.ledgers[causes[0]].policy)
        for _ in range(data.draw(st.integers(least, 2))):
            cause = data.draw(st.sampled_from(causes))
            target = cause if data.draw(st.booleans()) else data.draw(st.sampled_from(targets))
            seq, cause_seq = (self._seq(data, ledger, batches) for ledger in (target, cause))
            marks.append((target, seq, data.draw(statuses), cause, cause_seq))
        return marks

    def _seq(self, data: st.DataObject, ledger: bytes, batches: list[Batch]) -> int:
        entries = self.model.ledgers[ledger].entries + sum(batch[2] for batch in batches if batch[0] == ledger)
        return data.draw(st.integers(0, min(3, max(entries - 1, 0))) if not data.draw(seldom) else st.just(entries))

    @rule(data=drawn, delay=delays, amount=st.integers(0, 300))
    def set_budget(self, data: st.DataObject, delay: int, amount: int) -> None:
        ledger = data.draw(st.sampled_from(self.ledgers("subsidy")))
        by = data.draw(usccs) if data.draw(seldom) else BUREAU.uscc
        call = ("setBudget", ledger, by, amount)
        self.act(delay, self._sender(data, by), self.world.subsidy, call, "set_budget", ledger, by, amount)

    @rule(data=drawn, delay=delays)
    def close_ledger(self, data: st.DataObject, delay: int) -> None:
        ledger = data.draw(st.sampled_from(sorted(self.model.ledgers)))
        sender = data.draw(senders) if self.model.ledgers[ledger].entries else self._sender(data, self._owner(ledger))
        self.act(delay, sender, self.contract_of(ledger), ("closeLedger", ledger), "close", ledger)

    @rule(data=drawn, delay=delays, uscc=usccs, clerk=st.sampled_from(CLERKS), start=offsets, length=lengths)
    def delegate(self, data: st.DataObject, delay: int, uscc: bytes, clerk: str, start: int, length: int) -> None:
        call = (uscc, clerk, *self._window(delay, start, length))
        sender = self._sender(data, uscc)
        self.act(delay, sender, self.world.institutions, ("delegate", *call), "delegate", *call)

    def _window(self, delay: int, start: int, length: int) -> tuple[int, int]:
        """Return a start (0 now) and an end (0 open) as arguments."""
        begins = self.now + delay + start
        return (0 if start == 0 else begins), (0 if length == 0 else begins + length)

    @rule(data=drawn, delay=delays, until=offsets)
    def end_delegation(self, data: st.DataObject, delay: int, until: int) -> None:
        uscc, clerk = data.draw(st.sampled_from(list(self.model.delegations)))
        if data.draw(seldom):
            clerk = data.draw(senders)
        call = (uscc, clerk, self.now + delay + until)
        sender = self._sender_or_registrar(data, uscc)
        self.act(delay, sender, self.world.institutions, ("endDelegation", *call), "end_delegation", *call)

    def _sender_or_registrar(self, data: st.DataObject, uscc: bytes) -> str:
        return data.draw(st.sampled_from([REGISTRAR, self._sender(data, uscc)]))

    @rule(data=drawn, delay=delays, uscc=usccs)
    def suspend_or_resume(self, data: st.DataObject, delay: int, uscc: bytes) -> None:
        suspended = self.model.bodies[uscc].suspended is data.draw(seldom)
        by = data.draw(usccs) if data.draw(seldom) else BUREAU.uscc
        call = ("suspendOrganization", uscc, by, bytes(32)) if suspended else ("resumeOrganization", uscc, by)
        self.act(delay, self._sender(data, by), self.world.institutions, call, "suspend", uscc, by, suspended=suspended)

    @rule(data=drawn, delay=delays, uscc=usccs, until=offsets)
    def end_organization(self, data: st.DataObject, delay: int, uscc: bytes, until: int) -> None:
        sender = REGISTRAR if data.draw(seldom) else data.draw(senders)
        call = (uscc, self.now + delay + until)
        self.act(delay, sender, self.world.institutions, ("endOrganization", *call), "end_organization", *call)

    @rule(data=drawn, delay=delays, uscc=usccs, public=st.sampled_from(PUBLIC_KEYS), start=offsets, length=lengths)
    def add_key(self, data: st.DataObject, delay: int, uscc: bytes, public: bytes, start: int, length: int) -> None:
        window = self._window(delay, start, length)
        sender = self._sender(data, uscc) if self.model.bodies[uscc].has_key else REGISTRAR
        call = ("addKey", uscc, 1, public, 1, *window)
        self.act(delay, sender, self.world.institutions, call, "add_key", uscc, key_id(public), *window)

    @precondition(lambda self: self.model.keys)
    @rule(data=drawn, delay=delays, until=offsets)
    def end_key(self, data: st.DataObject, delay: int, until: int) -> None:
        sender, key = self._key(data)
        call = (key, self.now + delay + until)
        self.act(delay, sender, self.world.institutions, ("endKey", *call), "end_key", *call)

    @precondition(lambda self: self.model.keys)
    @rule(data=drawn, delay=delays, ago=offsets)
    def compromise_key(self, data: st.DataObject, delay: int, ago: int) -> None:
        sender, key = self._key(data)
        call = (key, self.now + delay - ago)
        self.act(delay, sender, self.world.institutions, ("compromiseKey", *call), "compromise_key", *call)

    def _key(self, data: st.DataObject) -> tuple[str, bytes]:
        """Draw a sender and a key, seldom one that is not registered."""
        key = data.draw(st.sampled_from(sorted(self.model.keys)))
        sender = self._sender_or_registrar(data, self.model.keys[key].owner)
        return sender, bytes(32) if data.draw(seldom) else key

    @rule(delay=delays)
    def let_time_pass(self, delay: int) -> None:
        """Entitlement and budgets follow the time; calls take the head's time as the present."""
        self.now += delay + 1
        self.world.node.mine_at(self.now)
        for uscc, who in self.model.delegations:
            entitled = self.world.institutions.call("mayAnchor", uscc, who)
            assert entitled is self.model.may(uscc, Moment(who, 0, self.now))
        for ledger in self.ledgers("subsidy"):
            budget = self.model.ledgers[ledger].budget
            assert self.world.subsidy.call("budgetOf", ledger)[0] == budget.at(self.now)


def test_contracts_agree_with_the_model(world: World) -> None:
    bound = type("BoundMachine", (NetworkMachine,), {"world": world})
    run_state_machine_as_test(
        bound,
        settings=settings(
            max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
