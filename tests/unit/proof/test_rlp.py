import pytest
from hypothesis import given
from hypothesis import strategies as st
from rlp.codec import decode as library_decode
from rlp.codec import encode_raw
from rlp.exceptions import RLPException

from chainsvc.errors import MalformedInput
from chainsvc.proof import rlp


def _changed(data: bytes) -> st.SearchStrategy[bytes]:
    """The same bytes with one of them changed."""
    if not data:
        return st.just(data)
    return st.tuples(st.integers(0, len(data) - 1), st.integers(0, 255)).map(
        lambda change: data[: change[0]] + bytes([change[1]]) + data[change[0] + 1 :]
    )


ITEMS = st.recursive(st.binary(max_size=70), lambda inner: st.lists(inner, max_size=5), max_leaves=20)


@given(ITEMS)
def test_decoding_undoes_encoding(item: rlp.Item) -> None:
    assert rlp.decode(rlp.encode(item), max_bytes=65_536, where="") == item


@pytest.mark.parametrize(
    "encoded",
    ["", "8100", "817f", "b800", "b80161", "b90001aa", "f800", "f801c0", "c2", "c1c1", "8080", "81", "bf" + "ff" * 8],
)
def test_another_encoding_is_refused(encoded: str) -> None:
    with pytest.raises(MalformedInput):
        rlp.decode(bytes.fromhex(encoded), max_bytes=1024, where="")


@given(st.binary(max_size=100))
def test_any_bytes_have_one_item_or_are_refused(data: bytes) -> None:
    try:
        item = rlp.decode(data, max_bytes=100, where="")
    except MalformedInput:
        return
    assert rlp.encode(item) == data


def test_nesting_beyond_reason_is_refused_and_not_a_crash() -> None:
    data = b"\xc0"
    for _ in range(5000):
        length = len(data)
        size = length.to_bytes((length.bit_length() + 7) // 8)
        data = (bytes([0xC0 + length]) if length < 56 else bytes([0xF7 + len(size)]) + size) + data
    with pytest.raises(MalformedInput, match="nested deeper"):
        rlp.decode(data, max_bytes=65_536, where="")


def test_a_larger_item_than_allowed_is_refused_before_parsing() -> None:
    with pytest.raises(MalformedInput, match="size"):
        rlp.decode(rlp.encode(b"x" * 100), max_bytes=100, where="")


@pytest.mark.parametrize(("item", "number"), [(b"", 0), (b"\x01", 1), (b"\xff" * 8, 2**64 - 1)])
def test_unsigned_reads_big_endian(item: bytes, number: int) -> None:
    assert rlp.unsigned(item, "") == number


@pytest.mark.parametrize("item", [b"\x00", b"\x00\x01", b"\x01" * 9])
def test_unsigned_refuses_leading_zeros_and_too_many_bytes(item: bytes) -> None:
    with pytest.raises(MalformedInput):
        rlp.unsigned(item, "")


@pytest.mark.parametrize("item", [b"x", [b"x", [b"y"]]])
def test_strings_refuses_what_is_no_flat_list(item: rlp.Item) -> None:
    with pytest.raises(MalformedInput):
        rlp.strings(item, "")


@given(ITEMS)
def test_encoding_is_that_of_the_library(item: rlp.Item) -> None:
    assert rlp.encode(item) == encode_raw(item)
    assert rlp.decode(encode_raw(item), max_bytes=65_536, where="") == item


@given(st.binary(min_size=1, max_size=40) | ITEMS.map(encode_raw).flatmap(_changed))
def test_bytes_are_taken_exactly_when_the_library_takes_them_and_writes_them_again(data: bytes) -> None:
    try:
        oracle = library_decode(data, strict=True)
        canonical = encode_raw(oracle) == data
    except RLPException:
        canonical = False
    if canonical:
        assert rlp.decode(data, max_bytes=65_536, where="") == oracle
    else:
        with pytest.raises(MalformedInput):
            rlp.decode(data, max_bytes=65_536, where="")
