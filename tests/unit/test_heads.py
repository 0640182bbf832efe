import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainsvc.heads import ZERO, Status, head, status_word

BYTES32 = st.binary(min_size=32, max_size=32)
BYTES20 = st.binary(min_size=20, max_size=20)
U64 = st.integers(0, 2**64 - 1)
HEAD_FIELDS = st.tuples(BYTES32, BYTES32, U64, U64, st.integers(0, 2**32 - 1), BYTES32, U64, U64, BYTES20, U64, U64)
WORD_FIELDS = st.tuples(BYTES32, BYTES32, U64, st.integers(0, 255), BYTES32, U64, BYTES20, U64, U64)
HEAD_WIDTHS = (32, 32, 8, 8, 4, 32, 8, 8, 20, 8, 8)
WORD_WIDTHS = (32, 32, 8, 1, 32, 8, 20, 8, 8)


def preimage(tag: int, fields: tuple[Any, ...], widths: tuple[int, ...]) -> bytes:
    parts = (f if isinstance(f, bytes) else f.to_bytes(w, "big") for f, w in zip(fields, widths, strict=True))
    return bytes([tag]) + b"".join(parts)


@given(HEAD_FIELDS)
def test_head_is_sha256_of_its_fields_in_order(fields: tuple[Any, ...]) -> None:
    assert head(*fields) == hashlib.sha256(preimage(4, fields, HEAD_WIDTHS)).digest()


@given(WORD_FIELDS)
def test_word_is_31_bytes_of_sha256_and_the_status(fields: tuple[Any, ...]) -> None:
    expected = hashlib.sha256(preimage(5, fields, WORD_WIDTHS)).digest()[:31] + bytes([fields[3]])
    assert status_word(*fields) == expected


@given(HEAD_FIELDS, st.data())
def test_any_other_field_gives_another_head(fields: tuple[Any, ...], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(fields) - 1))
    old = fields[place]
    new = bytes(b ^ 1 for b in old) if isinstance(old, bytes) else old ^ 1
    changed = (*fields[:place], new, *fields[place + 1 :])
    assert head(*changed) != head(*fields)


@pytest.mark.parametrize("place", [2, 3, 4, 6, 7, 9, 10])
def test_numbers_wider_than_their_field_are_refused(place: int) -> None:
    fields: list[Any] = [ZERO, ZERO, 0, 0, 1, ZERO, 0, 0, bytes(20), 1, 1]
    fields[place] = 1 << (8 * HEAD_WIDTHS[place])
    with pytest.raises(OverflowError):
        head(*fields)


def test_statuses_have_their_pinned_numbers() -> None:
    labels = {int(status): status.label for status in Status}
    assert labels == {
        0: "current",
        1: "superseded",
        2: "revoked",
        3: "suspended",
        4: "dissolved",
        5: "annulled",
        6: "void",
    }


def test_words_chain_and_so_order_matters() -> None:
    def changed(previous: bytes, status: Status) -> bytes:
        return status_word(previous, ZERO, 7, status, ZERO, 9, bytes(20), 1, 1)

    suspended_first = changed(changed(ZERO, Status.SUSPENDED), Status.CURRENT)
    only_current = changed(ZERO, Status.CURRENT)
    assert suspended_first != only_current
    assert suspended_first[31] == only_current[31] == Status.CURRENT
