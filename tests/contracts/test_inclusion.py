"""verifyInclusion: every leaf of every shape proves, and nothing else does."""

from typing import Any

import pytest
from support.world import CHARITY, World

from chainsvc.crypto.suites import SHA256, sha256
from chainsvc.heads import head
from chainsvc.sumtree import Node, SumTree, leaf

pytestmark = pytest.mark.node

CREDIT, DEBIT = 700, 300


class Anchored:
    """A batch of ``count`` entries, anchored after ``first`` others."""

    def __init__(self, world: World, count: int, first: int = 0) -> None:
        self.world = world
        self.ledger = world.open_ledger(world.charity, "charity", CHARITY, "LUNCH-2026")
        if first:
            self._anchor(0, first, bytes(32), 10**9, 0)
        self.first, self.count = first, count
        leaves = [leaf(SHA256, self.ledger, first + i, self.commitment(i), CREDIT + i, DEBIT + i) for i in range(count)]
        self.tree = SumTree(SHA256, leaves)
        root = self.tree.root
        self.event = self._anchor(first, count, root.hash, root.credit, root.debit)

    @staticmethod
    def commitment(index: int) -> bytes:
        return sha256(index.to_bytes(4))

    def _anchor(self, *batch: object) -> tuple[Any, ...]:
        receipt = self.world.charity.send(CHARITY.account, "anchor", [(self.ledger, *batch)])
        event = receipt.event("Anchored")
        return event["k"], event["first"], event["count"], event["prev"], event["actor"], receipt.block, receipt.time

    def entry(self, index: int) -> tuple[bytes, int, int, int]:
        return self.commitment(index), self.first + index, CREDIT + index, DEBIT + index

    def proof(self, index: int) -> tuple[Any, ...]:
        """Return the arguments of verifyInclusion for one entry."""
        return self.ledger, self.event, self.entry(index), list(self.tree.path(index))


@pytest.mark.parametrize("count", range(1, 10))
def test_every_leaf_of_a_small_batch_proves(world: World, count: int) -> None:
    batch = Anchored(world, count, first=5)
    for index in range(count):
        assert world.charity.call("verifyInclusion", *batch.proof(index)) == bytes(32)


def test_leaves_of_the_largest_batch_prove(world: World) -> None:
    batch = Anchored(world, 4096)
    for index in (0, 1, 2047, 2048, 4094, 4095):
        assert world.charity.call("verifyInclusion", *batch.proof(index)) == bytes(32)


def test_proof_gives_the_present_status_word(world: World) -> None:
    batch = Anchored(world, 3)
    world.charity.send(CHARITY.account, "setStatus", [(batch.ledger, 1, 2, batch.ledger, 2)])
    word = world.charity.call("verifyInclusion", *batch.proof(1))
    assert word == world.charity.call("statusOf", batch.ledger, 1)
    assert word[-1] == 2


@pytest.mark.parametrize("field", range(4))
def test_changed_entry_does_not_prove(world: World, field: int) -> None:
    batch = Anchored(world, 5)
    ledger, event, entry, path = batch.proof(2)
    changed = list(entry)
    changed[field] = bytes(32) if field == 0 else changed[field] + 1
    with pytest.raises(Exception, match=r"HeadMismatch|PathLengthMismatch"):
        world.charity.call("verifyInclusion", ledger, event, tuple(changed), path)


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("field", range(3))
def test_changed_path_does_not_prove(world: World, place: int, field: int) -> None:
    batch = Anchored(world, 8)
    ledger, event, entry, path = batch.proof(3)
    node = list(path[place])
    node[field] = bytes(32) if field == 0 else node[field] + 1
    path[place] = Node(*node)
    with pytest.raises(Exception, match="HeadMismatch"):
        world.charity.call("verifyInclusion", ledger, event, entry, path)


def test_moving_money_between_entry_and_sibling_does_not_prove(world: World) -> None:
    """The sums at the root stay right; the leaf's hash does not."""
    batch = Anchored(world, 2)
    ledger, event, (commitment, seq, credit, debit), path = batch.proof(0)
    sibling = path[0]
    moved = [Node(sibling.hash, sibling.credit - 1, sibling.debit)]
    with pytest.raises(Exception, match="HeadMismatch"):
        world.charity.call("verifyInclusion", ledger, event, (commitment, seq, credit + 1, debit), moved)


def test_head_mismatch_says_what_stands_and_what_was_computed(world: World) -> None:
    batch = Anchored(world, 1)
    ledger, event, entry, path = batch.proof(0)
    k, first, count, prev, actor, block, time = event
    root = batch.tree.root
    actor_bytes = bytes.fromhex(actor[2:])
    wrong = head(prev, ledger, k, first, count, root.hash, root.credit, root.debit, actor_bytes, block + 1, time)
    world.charity.assert_refused(
        CHARITY.account,
        "verifyInclusion",
        ledger,
        (k, first, count, prev, actor, block + 1, time),
        entry,
        path,
        error=("HeadMismatch", ledger, k, world.charity.call("headOf", ledger, k), wrong),
    )


def test_unknown_batch_does_not_prove(world: World) -> None:
    batch = Anchored(world, 1)
    ledger, event, entry, path = batch.proof(0)
    with pytest.raises(Exception, match="HeadMismatch"):
        world.charity.call("verifyInclusion", ledger, (7, *event[1:]), entry, path)


@pytest.mark.parametrize(("index", "change"), [(0, -1), (0, 1), (4, -1), (4, 1)])
def test_path_of_another_length_does_not_prove(world: World, index: int, change: int) -> None:
    batch = Anchored(world, 5)
    ledger, event, entry, path = batch.proof(index)
    changed = path[:-1] if change < 0 else [*path, path[0]]
    world.charity.assert_refused(
        CHARITY.account,
        "verifyInclusion",
        ledger,
        event,
        entry,
        changed,
        error=("PathLengthMismatch", len(path), len(path) + change),
    )


@pytest.mark.parametrize("seq", [0, 4, 8, 2**64 - 1])
def test_entry_outside_the_batch_does_not_prove(world: World, seq: int) -> None:
    batch = Anchored(world, 3, first=5)
    ledger, event, (commitment, _, credit, debit), path = batch.proof(1)
    world.charity.assert_refused(
        CHARITY.account,
        "verifyInclusion",
        ledger,
        event,
        (commitment, seq, credit, debit),
        path,
        error=("SeqOutsideBatch", 5, 3, seq),
    )


def test_empty_batch_does_not_prove(world: World) -> None:
    batch = Anchored(world, 1)
    ledger, (k, first, _, *rest), entry, _ = batch.proof(0)
    world.charity.assert_refused(
        CHARITY.account,
        "verifyInclusion",
        ledger,
        (k, first, 0, *rest),
        entry,
        [],
        error=("SeqOutsideBatch", first, 0, first),
    )


def test_sm3_ledger_cannot_be_proven_on_chain(world: World) -> None:
    batch = Anchored(world, 1)
    ledger = world.open_ledger(world.charity, "charity", CHARITY, "SM3", suite=2)
    _, event, entry, path = batch.proof(0)
    world.charity.assert_refused(
        CHARITY.account, "verifyInclusion", ledger, event, entry, path, error=("UnsupportedSuite", ledger, 1, 2)
    )


def test_unknown_ledger_does_not_prove(world: World) -> None:
    batch = Anchored(world, 1)
    _, event, entry, path = batch.proof(0)
    world.charity.assert_refused(
        CHARITY.account, "verifyInclusion", bytes(32), event, entry, path, error=("LedgerUnknown", bytes(32))
    )


def test_sums_that_overflow_revert(world: World) -> None:
    batch = Anchored(world, 2)
    ledger, event, entry, path = batch.proof(0)
    huge = [Node(path[0].hash, 2**64 - 1, path[0].debit)]
    world.charity.assert_refused(CHARITY.account, "verifyInclusion", ledger, event, entry, huge, error=("Panic", 0x11))
