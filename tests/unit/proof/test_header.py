import pytest
import rlp
from hypothesis import given
from hypothesis import strategies as st

from chainsvc.errors import MalformedInput
from chainsvc.proof.header import BFT_MIX_HASH, Header
from chainsvc.proof.keccak import keccak256

FIELDS = [b"\x01" * 32, bytes(32), bytes(20), b"\x02" * 32, bytes(32), bytes(32), bytes(256)]
FIELDS += [b"\x01", b"\x05", b"\x06", b"", b"\x07", b"extra", bytes(32), bytes(8)]


@pytest.mark.parametrize("more", [[], [b""], [b"\x07", bytes(32), b"", b"", bytes(32), bytes(32)]])
def test_reads_headers_of_15_and_more_fields(more: list[bytes]) -> None:
    data = rlp.encode([*FIELDS, *more])
    header = Header.parse(data)
    assert (header.hash, header.parent, header.state_root) == (keccak256(data), b"\x01" * 32, b"\x02" * 32)
    assert (header.number, header.timestamp) == (5, 7)


@pytest.mark.parametrize("index", [0, 1, 2, 3, 4, 5, 6, 13, 14])
def test_a_field_of_another_length_is_refused(index: int) -> None:
    fields = list(FIELDS)
    fields[index] += b"\x00"
    with pytest.raises(MalformedInput, match="wrong length"):
        Header.parse(rlp.encode(fields))


@pytest.mark.parametrize(
    "fields", [FIELDS[:14], FIELDS * 5, [*FIELDS[:12], [b"x"], *FIELDS[13:]], [*FIELDS[:8], b"\x00", *FIELDS[9:]]]
)
def test_what_is_no_header_is_refused(fields: list[bytes]) -> None:
    with pytest.raises(MalformedInput):
        Header.parse(rlp.encode(fields))


def _bft(extra: bytes, state_root: bytes = FIELDS[3]) -> bytes:
    return bytes(rlp.encode([*FIELDS[:3], state_root, *FIELDS[4:12], extra, BFT_MIX_HASH, FIELDS[14]]))


def test_bft_hash_leaves_out_round_and_seals_only() -> None:
    extra = [bytes(32), [b"\x01" * 20], b"", b"", []]
    sealed = [*extra[:3], b"\x04", [b"\x09" * 65]]
    plain = Header.parse(_bft(rlp.encode(extra)))
    assert Header.parse(_bft(rlp.encode(sealed))).hash == plain.hash == keccak256(_bft(rlp.encode(extra)))
    assert Header.parse(_bft(rlp.encode(sealed), b"\x03" * 32)).hash != plain.hash


@pytest.mark.parametrize("extra", [b"", b"no list", rlp.encode([b"a", b"b"]), rlp.encode([b"x"] * 5) + b"\x00"])
def test_bft_header_with_another_extra_has_the_plain_hash(extra: bytes) -> None:
    data = _bft(extra)
    assert Header.parse(data).hash == keccak256(data)


@given(st.binary(max_size=600))
def test_any_bytes_are_a_header_or_refused(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        Header.parse(data)
