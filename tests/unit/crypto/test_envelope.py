"""Records and seeds at rest: what opens, and what must not."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainsvc.crypto.envelope import (
    SEALED_SEED_BYTES,
    WRAPPED_KEY_BYTES,
    ChunkCipher,
    Envelope,
    KeyEncryptionKey,
    rewrap,
    verify_check,
)
from chainsvc.errors import ConfigurationRefused, KeyMismatch

KEY = bytes(range(32))
KEK, OTHER = KeyEncryptionKey(KEY), KeyEncryptionKey(bytes(32))
ENVELOPE = Envelope.create(KEK)
LEDGER, CHUNK = b"\x01" * 32, 7

bytes32 = st.binary(min_size=32, max_size=32)
chunk_numbers = st.integers(0, 2**41)
indices = st.integers(0, 4095)


@given(ledger=bytes32, chunk=chunk_numbers, index=indices, seed=bytes32, record=st.binary(max_size=2000))
def test_sealed_record_opens_with_its_seed_and_wrapped_key(
    ledger: bytes, chunk: int, index: int, seed: bytes, record: bytes
) -> None:
    cipher, wrapped = ENVELOPE.new_chunk_key(ledger, chunk)
    sealed_seed, sealed_record = cipher.seal_seed(index, seed), cipher.seal_record(index, seed, record)
    assert (len(wrapped), len(sealed_seed)) == (WRAPPED_KEY_BYTES, SEALED_SEED_BYTES)
    assert len(sealed_record) == len(record) + 16
    opened = ENVELOPE.unwrap(ledger, chunk, wrapped)
    assert opened.open_seed(index, sealed_seed) == seed
    assert opened.open_record(index, seed, sealed_record) == record


@given(place=st.tuples(bytes32, chunk_numbers, indices), other=st.tuples(bytes32, chunk_numbers, indices), seed=bytes32)
def test_seal_opens_at_its_own_place_only(
    place: tuple[bytes, int, int], other: tuple[bytes, int, int], seed: bytes
) -> None:
    ledger, chunk, index = place
    cipher = ChunkCipher(ledger, chunk, KEY)
    sealed_seed, sealed_record = cipher.seal_seed(index, seed), cipher.seal_record(index, seed, b"record")
    elsewhere = ChunkCipher(*other[:2], KEY)
    if place == other:
        assert elsewhere.open_seed(other[2], sealed_seed) == seed
        return
    with pytest.raises(KeyMismatch):
        elsewhere.open_seed(other[2], sealed_seed)
    with pytest.raises(KeyMismatch):
        elsewhere.open_record(other[2], seed, sealed_record)


@given(data=st.data())
def test_one_changed_byte_is_noticed(data: st.DataObject) -> None:
    cipher, wrapped = ENVELOPE.new_chunk_key(LEDGER, CHUNK)
    sealed = {
        "key": wrapped,
        "seed": cipher.seal_seed(0, KEY),
        "record": cipher.seal_record(0, KEY, b"record"),
    }
    name = data.draw(st.sampled_from(sorted(sealed)))
    at = data.draw(st.integers(0, len(sealed[name]) - 1))
    mask = data.draw(st.integers(1, 255))
    damaged = bytearray(sealed[name])
    damaged[at] ^= mask
    with pytest.raises(KeyMismatch):
        open_part(cipher, name, bytes(damaged))


@pytest.mark.parametrize("size", [0, 1, 11, 12, 27])
@pytest.mark.parametrize("name", ["key", "seed", "record"])
def test_cut_cipher_text_is_refused(name: str, size: int) -> None:
    cipher, _ = ENVELOPE.new_chunk_key(LEDGER, CHUNK)
    with pytest.raises(KeyMismatch):
        open_part(cipher, name, bytes(size))


def open_part(cipher: ChunkCipher, name: str, data: bytes) -> None:
    if name == "key":
        ENVELOPE.unwrap(LEDGER, CHUNK, data)
    elif name == "seed":
        cipher.open_seed(0, data)
    else:
        cipher.open_record(0, KEY, data)


def test_same_record_and_seed_never_meet_the_same_key_and_nonce() -> None:
    first, second = ChunkCipher(LEDGER, 1, KEY), ChunkCipher(LEDGER, 2, KEY)
    sealed = {first.seal_record(0, KEY, bytes(64)), first.seal_record(1, KEY, bytes(64))}
    sealed.add(second.seal_record(0, KEY, bytes(64)))
    assert len({text[:64] for text in sealed}) == 3


def test_every_attempt_has_a_key_of_its_own() -> None:
    attempts = [ENVELOPE.new_chunk_key(LEDGER, CHUNK) for _ in range(50)]
    assert len({cipher.key for cipher, _ in attempts}) == len({wrapped for _, wrapped in attempts}) == 50


def test_without_its_seed_a_record_does_not_open() -> None:
    cipher, _ = ENVELOPE.new_chunk_key(LEDGER, CHUNK)
    sealed = cipher.seal_record(3, KEY, b"record")
    with pytest.raises(KeyMismatch):
        cipher.open_record(3, bytes(32), sealed)


@given(bytes32, st.text(), bytes32, st.text())
def test_reference_index_is_one_for_each_ledger_and_reference(
    ledger: bytes, reference: str, other_ledger: bytes, other: str
) -> None:
    index = ENVELOPE.reference_index(ledger, reference)
    assert len(index) == 32
    assert index == Envelope(KEK, ENVELOPE.wrapped_index_key).reference_index(ledger, reference)
    same = (ledger, reference) == (other_ledger, other)
    assert (index == ENVELOPE.reference_index(other_ledger, other)) == same
    assert index != Envelope.create(KEK).reference_index(ledger, reference)


def test_other_key_encryption_key_is_noticed_at_start() -> None:
    ENVELOPE.verify_check(KEK.check_value)
    assert ENVELOPE.check_value() == KeyEncryptionKey(KEY).check_value != OTHER.check_value
    with pytest.raises(KeyMismatch) as refusal:
        verify_check(OTHER, KEK.check_value)
    assert refusal.value.expected is not None
    assert KEK.check_value[:4].hex() in refusal.value.expected
    with pytest.raises(KeyMismatch):
        Envelope(OTHER, ENVELOPE.wrapped_index_key)


def test_rewrapped_keys_open_with_the_new_key_only() -> None:
    cipher, wrapped = ENVELOPE.new_chunk_key(LEDGER, CHUNK)
    moved, again = ENVELOPE.rewrapped(OTHER), rewrap(KEK, OTHER, LEDGER, CHUNK, wrapped)
    assert moved.unwrap(LEDGER, CHUNK, again).key == cipher.key
    assert moved.reference_index(LEDGER, "DON-1") == ENVELOPE.reference_index(LEDGER, "DON-1")
    with pytest.raises(KeyMismatch):
        ENVELOPE.unwrap(LEDGER, CHUNK, again)
    with pytest.raises(KeyMismatch):
        rewrap(OTHER, KEK, LEDGER, CHUNK, wrapped)


@pytest.mark.parametrize(
    "text",
    [
        KEY.hex(),
        KEY.hex().upper() + "\n",
        base64.b64encode(KEY).decode(),
        base64.urlsafe_b64encode(KEY).decode().rstrip("="),
        f"  {base64.b64encode(KEY).decode()}\r\n",
    ],
)
def test_key_is_read_from_hex_and_base64(text: str, tmp_path: Path) -> None:
    assert KeyEncryptionKey.from_text(text).check_value == KEK.check_value
    (tmp_path / "kek").write_text(text)
    assert KeyEncryptionKey.from_file(tmp_path / "kek").check_value == KEK.check_value


def test_key_is_read_from_raw_bytes(tmp_path: Path) -> None:
    (tmp_path / "kek").write_bytes(KEY)
    assert KeyEncryptionKey.from_file(tmp_path / "kek").check_value == KEK.check_value


@pytest.mark.parametrize("text", ["", "secret-value", KEY.hex()[:-2], KEY.hex() + "00", "zz" * 32, "密" * 32, "a" * 5])
def test_wrong_key_text_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ConfigurationRefused) as refusal:
        KeyEncryptionKey.from_text(text)
    assert not text or text not in str(refusal.value)


def test_missing_key_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationRefused) as refusal:
        KeyEncryptionKey.from_file(tmp_path / "none")
    assert refusal.value.where == str(tmp_path / "none")


def test_keys_and_ciphers_do_not_print_their_secrets() -> None:
    cipher, _ = ENVELOPE.new_chunk_key(LEDGER, CHUNK)
    printed = repr([KEK, ENVELOPE, cipher])
    assert KEY.hex() not in printed
    assert cipher.key.hex() not in printed
    assert repr(cipher.key) not in printed
