import hashlib
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainsvc.crypto.keys import ED25519, SigningKey, key_id, verify_signature
from chainsvc.errors import ConfigurationRefused

# RFC 8032 section 7.1: secret key, public key, message, signature.
TEST_1 = (
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    ),
)
TEST_2 = (
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    ),
)
TEST_3 = (
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    ),
)
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493

KEY = SigningKey.from_seed(bytes(range(32)))


@pytest.mark.parametrize("vector", [TEST_1, TEST_2, TEST_3], ids=["1", "2", "3"])
def test_signatures_are_those_of_rfc_8032(vector: tuple[str, str, str, str]) -> None:
    seed, public, message, signature = map(bytes.fromhex, vector)
    key = SigningKey.from_seed(seed)
    assert key.public == public
    assert key.sign(message) == signature
    assert verify_signature(ED25519, public, message, signature)


@given(st.binary(max_size=100), st.integers(0, 63), st.integers(0, 7))
def test_one_changed_bit_of_the_signature_fails(message: bytes, place: int, bit: int) -> None:
    signature = bytearray(KEY.sign(message))
    signature[place] ^= 1 << bit
    assert not verify_signature(ED25519, KEY.public, message, bytes(signature))


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_a_signature_covers_its_message_only(signed: bytes, other: bytes) -> None:
    assert verify_signature(ED25519, KEY.public, other, KEY.sign(signed)) == (signed == other)


@given(st.binary(max_size=70), st.binary(max_size=70), st.integers(0, 300))
def test_hostile_bytes_never_verify_and_never_raise(public: bytes, signature: bytes, alg: int) -> None:
    assert not verify_signature(alg, public, b"message", signature)


def test_a_signature_with_s_beyond_the_group_order_fails() -> None:
    signature = KEY.sign(b"message")
    twin = (int.from_bytes(signature[32:], "little") + GROUP_ORDER).to_bytes(32, "little")
    assert not verify_signature(ED25519, KEY.public, b"message", signature[:32] + twin)


@pytest.mark.parametrize("alg", [0, 2, 255])
def test_another_algorithm_number_fails(alg: int) -> None:
    assert not verify_signature(alg, KEY.public, b"message", KEY.sign(b"message"))


def test_key_id_is_sha256_of_number_and_public_key() -> None:
    expected = hashlib.sha256(b"\x01" + KEY.public).digest()
    assert KEY.key_id == key_id(ED25519, KEY.public) == expected


def test_generated_keys_differ_and_sign() -> None:
    one, other = SigningKey.generate(), SigningKey.generate()
    assert one.public != other.public
    assert verify_signature(ED25519, one.public, b"m", one.sign(b"m"))
    assert not verify_signature(ED25519, other.public, b"m", one.sign(b"m"))


def test_a_key_file_is_for_its_owner_only_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "receipt.key"
    KEY.to_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
    assert SigningKey.from_file(path).public == KEY.public


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "receipt.key"
    KEY.to_file(path)
    with pytest.raises(FileExistsError):
        SigningKey.generate().to_file(path)
    assert SigningKey.from_file(path).public == KEY.public


@pytest.mark.parametrize("content", ["", "00" * 31, "00" * 33, "zz" * 32, "é" * 64])
def test_a_file_without_a_seed_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "receipt.key"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationRefused) as caught:
        SigningKey.from_file(path)
    assert caught.value.where == str(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="cannot read"):
        SigningKey.from_file(tmp_path / "none")


def test_a_key_shows_nothing_of_itself() -> None:
    assert bytes(range(32)).hex() not in repr(KEY) + str(KEY.__dict__)
