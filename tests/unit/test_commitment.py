import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import RECORDS

from chainsvc.commitment import commit, commit_digests, derive_salts, new_seed, pair_digest
from chainsvc.crypto.suites import SHA256, SM3, SUITES, Suite
from chainsvc.errors import MalformedInput
from chainsvc.record import Record

SUITE = st.sampled_from(list(SUITES.values()))
SEED = st.binary(min_size=32, max_size=32)


def naive_commitment(name: str, pairs: list[tuple[str, Any]], salts: list[bytes]) -> bytes:
    """Compute the formula with hashlib and json alone; keys are ASCII, so sorting is plain."""
    out = b"\x03" + len(pairs).to_bytes(2, "big")
    for (path, value), salt in zip(pairs, salts, strict=True):
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        out += len(path).to_bytes(2, "big") + path.encode() + hashlib.new(name, b"\x02" + salt + text.encode()).digest()
    return hashlib.new(name, out).digest()


def salts_of(suite: Suite, seed: bytes, record: Record) -> list[bytes]:
    return derive_salts(suite, seed, len(record.flatten()))


@given(RECORDS, SUITE, SEED)
def test_commitment_equals_the_naive_formula(record: Record, suite: Suite, seed: bytes) -> None:
    pairs, salts = record.flatten(), salts_of(suite, seed, record)
    assert commit(suite, pairs, salts) == naive_commitment(suite.name, pairs, salts)


@given(RECORDS, SUITE, SEED)
def test_digests_alone_give_the_same_commitment(record: Record, suite: Suite, seed: bytes) -> None:
    pairs, salts = record.flatten(), salts_of(suite, seed, record)
    digests = [(path, pair_digest(suite, salt, value)) for (path, value), salt in zip(pairs, salts, strict=True)]
    assert commit_digests(suite, digests) == commit(suite, pairs, salts)


@given(RECORDS, SEED, st.data())
def test_any_changed_salt_changes_the_commitment(record: Record, seed: bytes, data: st.DataObject) -> None:
    pairs, salts = record.flatten(), salts_of(SHA256, seed, record)
    place = data.draw(st.integers(0, len(salts) - 1))
    changed = [*salts[:place], bytes(b ^ 1 for b in salts[place]), *salts[place + 1 :]]
    assert commit(SHA256, pairs, changed) != commit(SHA256, pairs, salts)


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, "1"), (None, "null"), ([], "[]"), ([1], 1), (True, 1), (0, False), ("é", "e\u0301"), ([{"a": 1}], ["a", 1])],
    ids=str,
)
def test_values_that_look_alike_have_different_digests(one: Any, other: Any) -> None:
    assert pair_digest(SHA256, bytes(16), one) != pair_digest(SHA256, bytes(16), other)


def test_suites_give_different_commitments() -> None:
    pairs, salts = [("/a", 1)], [bytes(16)]
    assert commit(SHA256, pairs, salts) != commit(SM3, pairs, salts)


def test_bytes_can_not_move_between_path_and_digest() -> None:
    digest = bytes(32)
    assert commit_digests(SHA256, [("/a", digest), ("/b", digest)]) != commit_digests(SHA256, [("/a", digest)])


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["/b", "/a"], "must ascend"),
        (["/a", "/a"], "must ascend"),
        (["/a", "/b", "/aa"], "must ascend"),
        (["/a", "/a/b"], "parent of another"),
        (["/a/b", "/a/b/c"], "parent of another"),
        ([], "1 to 65,535"),
    ],
    ids=str,
)
def test_paths_out_of_order_are_refused(paths: list[str], message: str) -> None:
    with pytest.raises(MalformedInput, match=message):
        commit_digests(SHA256, [(path, bytes(32)) for path in paths])


def test_more_pairs_than_two_bytes_count_are_refused() -> None:
    with pytest.raises(MalformedInput, match="1 to 65,535"):
        commit_digests(SHA256, [(f"/k{i:05}", bytes(32)) for i in range(0x10000)])


@pytest.mark.parametrize("count", [0, 1, 3])
def test_every_pair_needs_its_salt(count: int) -> None:
    with pytest.raises(ValueError, match="zip"):
        commit(SHA256, [("/a", 1), ("/b", 2)], [bytes(16)] * count)


@given(SUITE, SEED, st.integers(1, 256))
def test_salts_are_16_bytes_and_all_different(suite: Suite, seed: bytes, count: int) -> None:
    salts = derive_salts(suite, seed, count)
    assert len(set(salts)) == count
    assert {len(salt) for salt in salts} == {16}


@given(SUITE, SEED, st.integers(1, 64))
def test_more_pairs_keep_the_first_salts(suite: Suite, seed: bytes, count: int) -> None:
    assert derive_salts(suite, seed, count + 5)[:count] == derive_salts(suite, seed, count)


def test_salts_of_sha256_are_shake256_of_label_and_seed() -> None:
    stream = hashlib.shake_256(b"chainsvc-salts/1\n" + bytes(32)).digest(32)
    assert derive_salts(SHA256, bytes(32), 2) == [stream[:16], stream[16:]]


def test_salts_of_sm3_are_counted_blocks() -> None:
    block = hashlib.new("sm3", b"chainsvc-salts/1\n" + bytes(32) + b"\0\0\0\1").digest()
    assert derive_salts(SM3, bytes(32), 2) == [block[:16], block[16:]]


def test_seeds_are_32_fresh_bytes() -> None:
    seeds = {new_seed() for _ in range(100)}
    assert len(seeds) == 100
    assert {len(seed) for seed in seeds} == {32}
