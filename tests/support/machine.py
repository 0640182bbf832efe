"""Chain and Python model side by side: one act goes to both, and both must agree on its outcome and its effect."""

import copy
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine, invariant
from support.contract import Contract, Refused
from support.model import Body, Denied, Model, Moment, Window
from support.world import ORGANIZATIONS, World

from chainsvc.heads import ZERO

if TYPE_CHECKING:
    from collections.abc import Callable


class SideBySide(RuleBasedStateMachine):
    """Runs each act on the chain and on the model, and compares; subclasses bind ``world`` and add rules."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        world = self.world
        self.snapshot = world.node.rpc("evm_snapshot")
        self.now = world.node.now()
        self.model = Model()
        self.touched: set[bytes] = set()
        for organization in ORGANIZATIONS:
            body = world.institutions.call("organizationOf", organization.uscc)
            delegation = world.institutions.call("delegationOf", organization.uscc, organization.account)
            self.model.bodies[organization.uscc] = Body(organization.roles, Window(body[0], 0))
            self.model.delegations[organization.uscc, organization.account] = Window(*delegation)

    def teardown(self) -> None:
        self._all_agrees()
        assert self.world.node.rpc("evm_revert", self.snapshot)

    # --- the two sides ---

    def contract_of(self, ledger: bytes) -> Contract:
        contract: Contract = getattr(self.world, self.model.ledgers[ledger].policy)
        return contract

    def act(
        self, delay: int, sender: str, contract: Contract, call: tuple[Any, ...], *model: Any, **named: Any
    ) -> None:
        """Send a call and run the model's act; both must go through, or both refuse by the same name."""
        self.now += delay
        self.world.node.rpc("evm_setNextBlockTimestamp", self.now)
        block = int(self.world.node.rpc("eth_blockNumber"), 16) + 1
        outcome = self._send(contract, sender, call)
        moment = Moment(sender, block, self.now)
        assert outcome == self._expected(moment, *model, **named), call

    @staticmethod
    def _send(contract: Contract, sender: str, call: tuple[Any, ...]) -> str | None:
        try:
            contract.send(sender, *call)
        except Refused as refused:
            return refused.name
        return None

    def _expected(self, moment: Moment, act: str, *arguments: Any, **named: Any) -> str | None:
        after = copy.deepcopy(self.model)
        step: Callable[..., None] = getattr(after, act)
        try:
            step(moment, *arguments, **named)
        except Denied as denied:
            return str(denied)
        self.touched |= {key for key, ledger in after.ledgers.items() if ledger != self.model.ledgers.get(key)}
        self.model = after
        return None

    def ledgers(self, policy: str) -> list[bytes]:
        return [key for key, ledger in self.model.ledgers.items() if ledger.policy == policy]

    # --- what must always hold ---

    @invariant()
    def what_the_act_touched_agrees(self) -> None:
        for ledger in sorted(self.touched):
            self._agree(ledger)
        self.touched.clear()

    def _agree(self, ledger: bytes) -> None:
        contract, facts = self.contract_of(ledger), self.model.ledgers[ledger]
        assert contract.call("stateOf", ledger) == (facts.entries, len(facts.heads), facts.credit, facts.debit)
        assert contract.call("headOf", ledger, len(facts.heads)) == ZERO
        for k, head in enumerate(facts.heads[-3:], start=max(len(facts.heads) - 3, 0)):
            assert contract.call("headOf", ledger, k) == head
        for seq, word in facts.words.items():
            assert contract.call("statusOf", ledger, seq) == word
        assert facts.policy != "charity" or facts.debit <= facts.credit

    def _all_agrees(self) -> None:
        """Check everything there is, above all that no head that ever stood has changed."""
        for ledger, facts in self.model.ledgers.items():
            self._agree(ledger)
            contract = self.contract_of(ledger)
            assert [contract.call("headOf", ledger, k) for k in range(len(facts.heads))] == facts.heads
        for identity, key in self.model.keys.items():
            kept = self.world.institutions.call("keyOf", identity)
            assert kept == (key.compromised, key.window.until, key.window.start, 1, 1, key.owner)
