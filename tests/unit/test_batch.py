"""Entries go into a batch in an order that hides the intake's."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from chainsvc.batch import Member, build_batch, is_due
from chainsvc.crypto.suites import SHA256
from chainsvc.sumtree import fold, leaf

LEDGER = bytes(range(32))
MEMBERS = st.lists(
    st.builds(
        Member, st.integers(1, 10**9), st.binary(min_size=32, max_size=32), st.integers(0, 99), st.integers(0, 99)
    ),
    min_size=1,
    max_size=70,
    unique_by=lambda member: member.commitment,
)


@given(MEMBERS, st.randoms())
def test_order_of_intake_does_not_show(members: list[Member], random: Random) -> None:
    shuffled = list(members)
    random.shuffle(shuffled)
    assert build_batch(SHA256, LEDGER, 5, members).root == build_batch(SHA256, LEDGER, 5, shuffled).root


@given(MEMBERS, st.integers(0, 10**6))
def test_every_member_proves_its_place_and_the_sums(members: list[Member], first: int) -> None:
    batch = build_batch(SHA256, LEDGER, first, members)
    assert batch.root.credit == sum(member.credit for member in members)
    for index, member in enumerate(batch.members):
        node = leaf(SHA256, LEDGER, first + index, member.commitment, member.credit, member.debit)
        assert fold(SHA256, node, index, len(members), batch.tree.path(index)) == batch.root


def due(count: int, waited_s: float) -> bool:
    return is_due(count=count, waited_s=waited_s, smallest=32, largest=4096, longest_wait_s=60)


def test_a_full_batch_goes_at_once() -> None:
    assert due(4096, 0)


def test_a_small_batch_of_money_waits_until_the_longest_wait() -> None:
    assert not due(31, 59)
    assert due(31, 60)
    assert due(1, 60)


def test_enough_entries_go_after_a_moment() -> None:
    assert not due(32, 0.5)
    assert due(32, 1.0)


def test_nothing_is_never_due() -> None:
    assert not due(0, 10**9)
