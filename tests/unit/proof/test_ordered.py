"""Roots of lists against the library."""

import rlp
from hypothesis import given
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from chainsvc.proof.ordered import ordered_root
from chainsvc.proof.trie import EMPTY_ROOT


def of_library(values: list[bytes]) -> bytes:
    made = HexaryTrie({})
    for place, value in enumerate(values):
        made[rlp.encode(place)] = value
    return bytes(made.root_hash)


@given(st.lists(st.binary(min_size=1, max_size=80), max_size=300))
def test_the_root_is_the_librarys(values: list[bytes]) -> None:
    assert ordered_root(values) == of_library(values)


def test_many_short_values_stand_inside_their_parents() -> None:
    values = [bytes([1 + n % 100]) for n in range(600)]
    assert ordered_root(values) == of_library(values)


def test_nothing_has_the_root_of_nothing() -> None:
    assert ordered_root([]) == EMPTY_ROOT
