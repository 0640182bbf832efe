"""Anchoring: the contract's heads are those of the Python model."""

import pytest
from support.world import CHARITY, World

from chainsvc import heads

pytestmark = pytest.mark.node


def test_anchored_head_equals_the_python_model(world: World) -> None:
    ledger = world.open_ledger(world.charity, "charity", CHARITY, "LUNCH-2026")
    previous = heads.ZERO
    for k, (first, count, credit, debit) in enumerate([(0, 3, 500, 20), (3, 1, 0, 480)]):
        root = bytes([k + 1]) * 32
        receipt = world.charity.send(CHARITY.account, "anchor", [(ledger, first, count, root, credit, debit)])
        actor = bytes.fromhex(CHARITY.account[2:])
        head = heads.head(previous, ledger, k, first, count, root, credit, debit, actor, receipt.block, receipt.time)
        assert receipt.event("Anchored")["head"] == head
        assert world.charity.call("headOf", ledger, k) == head
        previous = head
        print(receipt.gas)
    assert world.charity.call("stateOf", ledger) == (4, 2, 500, 500)
