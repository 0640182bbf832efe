"""What is too large, too deep or cut off is refused, and quickly."""

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainsvc.crypto.suites import SHA256
from chainsvc.errors import MalformedInput
from chainsvc.evidence import MAX_BYTES, MAX_BYTES_WITH_PROOF, MAX_CHANGES, Evidence, Proof
from chainsvc.heads import Status
from chainsvc.sumtree import Node
from vector_parts.batches import changes
from vector_parts.evidence_files import valid
from vector_parts.records import donation
from vector_parts.sample import Batch

FILES = {name: evidence for name, (_, evidence) in valid().items()}
PROOF = Proof(b"\xf9", (b"a", b"b"), (), (b"c",), (), ())


def test_too_many_changes_of_standing_are_refused() -> None:
    most = replace(FILES["donation"], status=changes(*[Status.SUSPENDED] * MAX_CHANGES), proof=PROOF)
    assert Evidence.parse(most.to_bytes()) == most
    more = replace(most, status=changes(*[Status.SUSPENDED] * (MAX_CHANGES + 1)))
    with pytest.raises(MalformedInput, match="too many changes"):
        Evidence.parse(more.to_bytes())


@pytest.mark.parametrize(("limit", "proof"), [(MAX_BYTES, None), (MAX_BYTES_WITH_PROOF, PROOF)])
def test_a_file_of_the_limit_passes_and_one_more_byte_does_not(limit: int, proof: Proof | None) -> None:
    bare = replace(FILES["donation"], proof=proof)
    room = limit - len(bare.to_bytes())
    position = next(i for i, pair in enumerate(bare.pairs) if pair.path == "/body/donor/name")

    def sized(extra: int) -> bytes:
        pair = bare.pairs[position]
        longer = pair._replace(value=pair.value + "x" * extra)
        return replace(bare, pairs=(*bare.pairs[:position], longer, *bare.pairs[position + 1 :])).to_bytes()

    assert len(sized(room)) == limit
    assert Evidence.parse(sized(room))
    with pytest.raises(MalformedInput, match="too large"):
        Evidence.parse(sized(room + 1))


def test_thirteen_values_in_a_full_batch_take_less_than_four_kibibytes() -> None:
    record = replace(donation(1, 100), body={f"field_{i}": "一二三四五六七八" for i in range(5)})
    alone = Batch(SHA256, 0, [record]).evidence("D-0001")
    path = tuple(Node(bytes(32), 10**9, 10**9) for _ in range(12))
    full = replace(alone, path=path, batch=replace(alone.batch, count=4096))
    assert len(full.pairs) == 13
    assert len(full.to_bytes()) < 4096


def test_every_truncation_is_refused() -> None:
    data = FILES["signed"].to_bytes()
    for length in range(len(data)):
        with pytest.raises(MalformedInput):
            Evidence.parse(data[:length])


@pytest.mark.parametrize(
    "data",
    [
        b" " * 10_000_000,
        b"[" * 10_000_000,
        b"[" * 200_000,
        b'{"a":' * 40_000,
        b'"' + b'\\"' * 120_000,
        b"[" * 12 + b"1," * 100_000,
        b'{"pairs":[' + b'["/a","00",' * 20_000,
        b"9" * 250_000,
        b'{"pairs":[' + b"9" * 250_000 + b"]}",
    ],
    ids=[
        "10 MB of spaces",
        "10 MB of brackets",
        "deep arrays",
        "deep objects",
        "unclosed string",
        "unclosed arrays",
        "unclosed pairs",
        "a number of 250,000 digits",
        "such a number inside",
    ],
)
def test_hostile_files_are_refused_within_a_second(data: bytes) -> None:
    started = time.monotonic()
    with pytest.raises(MalformedInput):
        Evidence.parse(data)
    assert time.monotonic() - started < 1


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        Evidence.parse(data)
