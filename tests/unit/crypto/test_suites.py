import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainsvc.crypto.suites import SHA256, SM3, SUITES, Suite, sha256, sm3, suite_of
from chainsvc.errors import MalformedInput

# GB/T 32905-2016, appendix A: A.1 "abc", A.2 sixteen times "abcd".
SM3_ABC = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
SM3_ABCD_16 = "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"

# FIPS 180-4 examples (NIST CSRC, "SHA256.pdf"): one block, two blocks.
SHA256_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
SHA256_TWO_BLOCKS = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"


@pytest.mark.parametrize(("message", "digest"), [(b"abc", SM3_ABC), (b"abcd" * 16, SM3_ABCD_16)])
def test_sm3_gives_the_published_digests(message: bytes, digest: str) -> None:
    assert sm3(message).hex() == digest


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"abc", SHA256_ABC),
        (b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", SHA256_TWO_BLOCKS),
    ],
)
def test_sha256_gives_the_published_digests(message: bytes, digest: str) -> None:
    assert sha256(message).hex() == digest


@given(st.binary(max_size=300))
def test_sm3_equals_openssl_of_the_interpreter(message: bytes) -> None:
    assert sm3(message) == hashlib.new("sm3", message).digest()


def test_suites_have_their_pinned_numbers() -> None:
    assert {number: suite.name for number, suite in SUITES.items()} == {1: "sha256", 2: "sm3"}
    assert suite_of(1) is SHA256
    assert suite_of(2) is SM3


@pytest.mark.parametrize("number", [0, 3, 255])
def test_an_unknown_suite_is_malformed(number: int) -> None:
    with pytest.raises(MalformedInput, match="unknown hash suite") as caught:
        suite_of(number)
    assert caught.value.where == "/suite"


def test_the_table_of_suites_can_not_be_changed() -> None:
    with pytest.raises(TypeError):
        SUITES[3] = SHA256  # type: ignore[index]  # the types forbid it too


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.name)
@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 4096])
def test_expansion_has_the_length_asked_for(suite: Suite, length: int) -> None:
    assert len(suite.expand(bytes(32), length)) == length


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.name)
def test_expansion_depends_on_every_byte_of_the_seed(suite: Suite) -> None:
    seeds = [bytes(32), *(bytes(i) + b"\x01" + bytes(31 - i) for i in range(32))]
    assert len({suite.expand(seed, 16) for seed in seeds}) == len(seeds)
