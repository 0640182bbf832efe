"""One bytecode for every engine: the paris build runs under older and newer rules of the EVM."""

import pytest
from support.anvil import anvil
from support.world import CHARITY, build

from chainsvc.heads import head, status_word

pytestmark = pytest.mark.node


@pytest.mark.parametrize("hardfork", ["london", "paris", "shanghai", "cancun", "prague", "osaka"])
def test_anchor_and_mark_give_the_same_hashes_under_every_hardfork(hardfork: str) -> None:
    with anvil(hardfork=hardfork) as node:
        world = build(node)
        ledger = world.open_ledger(world.charity, "charity", CHARITY, "BOOK")
        batch, mark = (ledger, 0, 2, bytes(range(32)), 9, 4), (ledger, 0, 1, ledger, 1)
        receipt = world.charity.send(CHARITY.account, "anchorAndMark", [batch], [mark])
        actor = bytes.fromhex(CHARITY.account[2:])
        expected = head(bytes(32), ledger, 0, *batch[1:], actor, receipt.block, receipt.time)
        assert world.charity.call("headOf", ledger, 0) == expected
        word = status_word(bytes(32), *mark, actor, receipt.block, receipt.time)
        assert world.charity.call("statusOf", ledger, 0) == word
