"""Entry numbers carry their chunk and index."""

from hypothesis import given
from hypothesis import strategies as st

from chainsvc.journal.chunks import chunk_of, entry_id_of, index_of


@given(st.integers(0, 2**41), st.integers(0, 4095))
def test_entry_number_gives_back_chunk_and_index(chunk_id: int, index: int) -> None:
    entry_id = entry_id_of(chunk_id, index)
    assert (chunk_of(entry_id), index_of(entry_id)) == (chunk_id, index)
    assert 0 <= entry_id < 2**54


def test_entries_of_one_chunk_are_neighbours() -> None:
    assert entry_id_of(5, 4095) + 1 == entry_id_of(6, 0)
