import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainsvc.crypto.keys import SigningKey
from chainsvc.errors import MalformedInput
from chainsvc.receipt import (
    MAX_CHUNK,
    ChunkTree,
    Receipt,
    Submission,
    fold_chunk,
    receipt_message,
    sign_receipts,
    sign_submission,
    submission_message,
)

KEY = SigningKey.from_seed(bytes(range(32)))
LEDGER_ID = b"\x11" * 32
ACCEPTED, ANCHOR_BY = 1_790_000_000, 1_790_090_000


def commitments(count: int) -> list[bytes]:
    return [hashlib.sha256(i.to_bytes(2)).digest() for i in range(count)]


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def recursive_root(items: list[bytes]) -> bytes:
    """Follow RFC 9162 section 2.1.1 with the tags of chunks."""
    if len(items) == 1:
        return sha(b"\x10" + items[0])
    split = 1
    while split * 2 < len(items):
        split *= 2
    return sha(b"\x11" + recursive_root(items[:split]) + recursive_root(items[split:]))


@pytest.mark.parametrize("count", range(1, 65))
def test_root_equals_the_recursive_definition_and_paths_fold_to_it(count: int) -> None:
    items = commitments(count)
    tree = ChunkTree(items)
    assert tree.root == recursive_root(items)
    assert {fold_chunk(items[i], i, count, tree.path(i)) for i in range(count)} == {tree.root}


@settings(max_examples=25)
@given(st.integers(65, MAX_CHUNK), st.data())
def test_large_chunks_equal_the_recursive_definition(count: int, data: st.DataObject) -> None:
    items, index = commitments(count), data.draw(st.integers(0, count - 1))
    tree = ChunkTree(items)
    assert tree.root == recursive_root(items)
    assert fold_chunk(items[index], index, count, tree.path(index)) == tree.root


@given(st.integers(1, 300), st.data())
def test_another_index_never_folds_to_the_root(count: int, data: st.DataObject) -> None:
    items, index = commitments(count), data.draw(st.integers(0, count - 1))
    other = data.draw(st.integers(0, count - 1))
    tree = ChunkTree(items)
    try:
        folded = fold_chunk(items[index], other, count, tree.path(index))
    except MalformedInput:
        assert other != index
    else:
        assert (folded == tree.root) == (other == index)


@given(st.integers(1, 300), st.data())
def test_a_longer_or_shorter_path_is_malformed(count: int, data: st.DataObject) -> None:
    items, index = commitments(count), data.draw(st.integers(0, count - 1))
    path = ChunkTree(items).path(index)
    for wrong in ((*path, bytes(32)), path[:-1] if path else (items[0],)):
        with pytest.raises(MalformedInput, match="wrong length"):
            fold_chunk(items[index], index, count, wrong)


@pytest.mark.parametrize("count", [0, MAX_CHUNK + 1])
def test_a_chunk_has_1_to_4096_commitments(count: int) -> None:
    with pytest.raises(MalformedInput, match="1 to 4,096"):
        ChunkTree([bytes(32)] * count)


@pytest.mark.parametrize(("index", "count"), [(0, 0), (1, 1), (-1, 2), (0, MAX_CHUNK + 1)])
def test_positions_outside_the_chunk_are_malformed(index: int, count: int) -> None:
    with pytest.raises(MalformedInput, match="no such position"):
        fold_chunk(bytes(32), index, count, ())


def test_messages_are_the_lines_of_the_format() -> None:
    ledger, root = "11" * 32, "22" * 32
    submitted = f"chainsvc-submission/1\n{ledger}\n7\n{root}\n"
    received = f"chainsvc-receipt/1\n{ledger}\n7\n{root}\n1790000000\n1790090000\n"
    assert submission_message(LEDGER_ID, 7, b"\x22" * 32) == submitted.encode()
    assert receipt_message(LEDGER_ID, 7, b"\x22" * 32, ACCEPTED, ANCHOR_BY) == received.encode()


@pytest.mark.parametrize("count", [1, 2, 3, 100])
def test_one_signature_serves_every_receipt_of_a_chunk(count: int) -> None:
    items = commitments(count)
    receipts = sign_receipts(KEY, LEDGER_ID, items, ACCEPTED, ANCHOR_BY)
    assert len({receipt.signature for receipt in receipts}) == 1
    assert all(r.verifies(LEDGER_ID, c) for r, c in zip(receipts, items, strict=True))


def test_a_submission_covers_its_first_commitment_and_no_other() -> None:
    items = commitments(5)
    submission = sign_submission(KEY, LEDGER_ID, items)
    assert submission.verifies(LEDGER_ID, items[0])
    assert not submission.verifies(LEDGER_ID, items[1])
    assert not submission.verifies(bytes(32), items[0])


@pytest.mark.parametrize(
    "change",
    [
        {"accepted_at": ACCEPTED - 1},
        {"anchor_by": ANCHOR_BY + 1},
        {"alg": 2},
        {"pubkey": bytes(32)},
        {"signature": bytes(64)},
        {"signature": b""},
        {"index": 0},
        {"count": 4},
        {"path": ()},
    ],
    ids=str,
)
def test_a_changed_receipt_does_not_verify(change: dict[str, Any]) -> None:
    items = commitments(3)
    receipt = replace(sign_receipts(KEY, LEDGER_ID, items, ACCEPTED, ANCHOR_BY)[1], **change)
    try:
        assert not receipt.verifies(LEDGER_ID, items[1])
    except MalformedInput:
        assert change.keys() & {"index", "count", "path"}


def test_a_submission_is_no_receipt() -> None:
    items = commitments(1)
    submission = sign_submission(KEY, LEDGER_ID, items)
    forged = Receipt.from_json({**submission.to_json(), "acceptedAt": ACCEPTED, "anchorBy": ANCHOR_BY})
    assert not forged.verifies(LEDGER_ID, items[0])


@given(st.integers(1, 50), st.data())
def test_receipts_and_submissions_survive_json(count: int, data: st.DataObject) -> None:
    items, index = commitments(count), data.draw(st.integers(0, count - 1))
    receipt = sign_receipts(KEY, LEDGER_ID, items, ACCEPTED, ANCHOR_BY)[index]
    submission = sign_submission(KEY, LEDGER_ID, items)
    assert Receipt.from_json(receipt.to_json()) == receipt
    assert Submission.from_json(submission.to_json()) == submission


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("alg", 256),
        ("alg", "1"),
        ("index", -1),
        ("index", 1.0),
        ("n", MAX_CHUNK + 1),
        ("path", None),
        ("path", ["00"]),
        ("path", ["00" * 33]),
        ("pubkey", "0X"),
        ("pubkey", "AB"),
        ("signature", None),
        ("signature", "0"),
        ("acceptedAt", -1),
        ("anchorBy", 2**53),
        ("anchorBy", True),
        ("note", None),
    ],
)
def test_other_members_and_types_are_malformed(member: str, value: Any) -> None:
    good = sign_receipts(KEY, LEDGER_ID, commitments(1), ACCEPTED, ANCHOR_BY)[0].to_json()
    with pytest.raises(MalformedInput):
        Receipt.from_json({**good, member: value})


@pytest.mark.parametrize("member", ["alg", "index", "n", "path", "pubkey", "signature", "acceptedAt", "anchorBy"])
def test_a_missing_member_is_malformed(member: str) -> None:
    good = sign_receipts(KEY, LEDGER_ID, commitments(1), ACCEPTED, ANCHOR_BY)[0].to_json()
    del good[member]
    with pytest.raises(MalformedInput, match="wrong members"):
        Receipt.from_json(good)
