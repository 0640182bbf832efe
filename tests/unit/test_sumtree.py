from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainsvc.crypto.suites import SHA256, SM3, SUITES, Suite
from chainsvc.errors import MalformedInput
from chainsvc.sumtree import MAX_LEAVES, MAX_SUM, Node, SumTree, fold, join, leaf

LEDGER_ID = bytes(range(32))
SIZES = st.one_of(st.integers(1, 70), st.sampled_from([127, 128, 129, 1023, 1024, 1025, 2049, 4095, 4096]))


def leaves_of(count: int, suite: Suite = SHA256) -> list[Node]:
    return [leaf(suite, LEDGER_ID, i, i.to_bytes(32), i % 7, i % 5) for i in range(count)]


def u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


def recursive_root(suite: Suite, leaves: list[Node]) -> Node:
    """Follow RFC 9162 section 2.1.1 word by word, with the sums of this format in each node."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = recursive_root(suite, leaves[:split]), recursive_root(suite, leaves[split:])
    sides = b"".join(side.hash + u64(side.credit) + u64(side.debit) for side in (left, right))
    return Node(suite.hash(b"\x01" + sides), left.credit + right.credit, left.debit + right.debit)


def recursive_path(suite: Suite, index: int, leaves: list[Node]) -> list[Node]:
    """Follow RFC 9162 section 2.1.3.1: the path of a leaf, from leaf to root."""
    if len(leaves) == 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if index < split:
        return [*recursive_path(suite, index, leaves[:split]), recursive_root(suite, leaves[split:])]
    return [*recursive_path(suite, index - split, leaves[split:]), recursive_root(suite, leaves[:split])]


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.name)
def test_leaf_hashes_its_fields_in_order(suite: Suite) -> None:
    node = leaf(suite, LEDGER_ID, 5, b"\xaa" * 32, 10_000, 2**53 - 1)
    preimage = b"\x00" + LEDGER_ID + u64(5) + b"\xaa" * 32 + u64(10_000) + u64(2**53 - 1)
    assert node == Node(suite.hash(preimage), 10_000, 2**53 - 1)


@pytest.mark.parametrize("count", range(1, 65))
def test_root_and_paths_equal_the_recursive_definition(count: int) -> None:
    leaves = leaves_of(count)
    tree = SumTree(SHA256, leaves)
    assert tree.root == recursive_root(SHA256, leaves)
    assert [tree.path(i) for i in range(count)] == [recursive_path(SHA256, i, leaves) for i in range(count)]


@settings(max_examples=25)
@given(st.integers(65, MAX_LEAVES), st.sampled_from(list(SUITES.values())), st.data())
def test_large_trees_equal_the_recursive_definition(count: int, suite: Suite, data: st.DataObject) -> None:
    leaves = leaves_of(count, suite)
    tree, index = SumTree(suite, leaves), data.draw(st.integers(0, count - 1))
    assert tree.root == recursive_root(suite, leaves)
    assert tree.path(index) == recursive_path(suite, index, leaves)
    assert fold(suite, leaves[index], index, count, tree.path(index)) == tree.root


@pytest.mark.parametrize("count", range(1, 33))
def test_every_path_folds_to_the_root(count: int) -> None:
    leaves = leaves_of(count, SM3)
    tree = SumTree(SM3, leaves)
    assert {fold(SM3, leaves[i], i, count, tree.path(i)) for i in range(count)} == {tree.root}


def test_root_carries_the_sums_of_all_leaves() -> None:
    leaves = leaves_of(100)
    root = SumTree(SHA256, leaves).root
    assert (root.credit, root.debit) == (sum(n.credit for n in leaves), sum(n.debit for n in leaves))


def folds_to(node: Node, index: int, count: int, path: list[Node]) -> Node | None:
    try:
        return fold(SHA256, node, index, count, path)
    except MalformedInput:
        return None


@given(SIZES, st.data())
def test_another_index_never_folds_to_the_root(count: int, data: st.DataObject) -> None:
    leaves = leaves_of(count)
    tree = SumTree(SHA256, leaves)
    index, other = data.draw(st.integers(0, count - 1)), data.draw(st.integers(-1, MAX_LEAVES))
    same = folds_to(leaves[index], other, count, tree.path(index)) == tree.root
    assert same == (other == index)


@pytest.mark.parametrize("count", range(1, 20))
def test_only_sizes_of_the_same_shape_fold_to_the_root(count: int) -> None:
    """The size is bound by the head; the fold alone must only notice when length or sides differ."""
    tree, leaves = SumTree(SHA256, leaves_of(count)), leaves_of(count)
    for index in range(count):
        for other in range(1, 40):
            if folds_to(leaves[index], index, other, tree.path(index)) == tree.root:
                assert sides(index, other) == sides(index, count)


def sides(index: int, count: int) -> str:
    """Tell on which side each sibling stands, by the recursive definition alone."""
    if count == 1:
        return ""
    split = 1
    while split * 2 < count:
        split *= 2
    return sides(index, split) + "R" if index < split else sides(index - split, count - split) + "L"


@given(SIZES, st.data())
def test_a_longer_or_shorter_path_is_malformed(count: int, data: st.DataObject) -> None:
    leaves = leaves_of(count)
    index = data.draw(st.integers(0, count - 1))
    path = SumTree(SHA256, leaves).path(index)
    for wrong in ([*path, Node(bytes(32), 0, 0)], path[:-1] if path else [leaves[0]]):
        with pytest.raises(MalformedInput, match="wrong length"):
            fold(SHA256, leaves[index], index, count, wrong)


@given(st.integers(2, 70), st.data())
def test_any_changed_sum_or_hash_changes_the_root(count: int, data: st.DataObject) -> None:
    leaves = leaves_of(count)
    index = data.draw(st.integers(0, count - 1))
    tree = SumTree(SHA256, leaves)
    path = tree.path(index)
    place = data.draw(st.integers(0, len(path) - 1))
    field: str = data.draw(st.sampled_from(["hash", "credit", "debit"]))
    other: Any = bytes(32) if field == "hash" else getattr(path[place], field) + 1
    changed = [*path[:place], path[place]._replace(**{field: other}), *path[place + 1 :]]
    assert fold(SHA256, leaves[index], index, count, changed) != tree.root


def test_moving_an_amount_between_credit_and_debit_changes_the_hash() -> None:
    assert leaf(SHA256, LEDGER_ID, 0, bytes(32), 1, 0).hash != leaf(SHA256, LEDGER_ID, 0, bytes(32), 0, 1).hash


def test_moving_an_amount_between_siblings_changes_the_hash() -> None:
    a, b = Node(bytes(32), 5, 0), Node(bytes(32), 0, 0)
    assert join(SHA256, a, b).hash != join(SHA256, a._replace(credit=4), b._replace(credit=1)).hash


@pytest.mark.parametrize(("credit", "debit"), [(-1, 0), (0, -1), (MAX_SUM + 1, 0), (0, MAX_SUM + 1)])
def test_amounts_out_of_range_are_malformed(credit: int, debit: int) -> None:
    with pytest.raises(MalformedInput, match="out of range"):
        leaf(SHA256, LEDGER_ID, 0, bytes(32), credit, debit)


@pytest.mark.parametrize("field", ["credit", "debit"])
def test_sums_beyond_the_limit_are_malformed(field: str) -> None:
    amounts = (MAX_SUM, 0) if field == "credit" else (0, MAX_SUM)
    full, one = Node(bytes(32), *amounts), Node(bytes(32), 1, 1)
    assert getattr(join(SHA256, full, Node(bytes(32), 0, 0)), field) == MAX_SUM
    with pytest.raises(MalformedInput, match="out of range"):
        join(SHA256, full, one)


@pytest.mark.parametrize("count", [0, MAX_LEAVES + 1])
def test_a_batch_has_1_to_4096_leaves(count: int) -> None:
    with pytest.raises(MalformedInput, match="1 to 4,096"):
        SumTree(SHA256, [Node(bytes(32), 0, 0)] * count)


@pytest.mark.parametrize(("index", "count"), [(0, 0), (1, 1), (-1, 4), (4, 4), (0, MAX_LEAVES + 1), (0, -1)])
def test_positions_outside_the_batch_are_malformed(index: int, count: int) -> None:
    with pytest.raises(MalformedInput, match="no such position"):
        fold(SHA256, Node(bytes(32), 0, 0), index, count, [])


@pytest.mark.parametrize("index", [-1, 3])
def test_a_path_of_no_leaf_is_an_index_error(index: int) -> None:
    with pytest.raises(IndexError):
        SumTree(SHA256, leaves_of(3)).path(index)
