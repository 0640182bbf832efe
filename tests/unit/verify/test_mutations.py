"""No change of an evidence file verifies: of any byte, of any member, whatever source is asked."""

import json
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.paper_scene import Scene, make_scene

from chainsvc import jcs
from chainsvc.evidence import MAX_BYTES_WITH_PROOF, Evidence
from chainsvc.verify import Outcome, Verdict

SCENE = make_scene()
CURRENT = SCENE.proven().to_bytes()
SUPERSEDED = SCENE.proven(SCENE.superseded).to_bytes()
FILES = {"current": CURRENT, "superseded": SUPERSEDED, "no proof": SCENE.evidence().to_bytes()}
REFUSED = ("invalid", "undetermined")


def _verdicts(data: bytes) -> Iterator[Verdict]:
    yield SCENE.ask_node(data)
    if b'"proof":null' not in data:
        yield SCENE.ask_checkpoint(data)


def _assert_refused(data: bytes, what: object) -> None:
    for verdict in _verdicts(data):
        assert verdict.verdict in REFUSED, what
        assert any(step.outcome is not Outcome.PASSED and step.finding.reason for step in verdict.steps)


@pytest.mark.parametrize("name", FILES)
def test_untouched_files_verify(name: str) -> None:
    expected = "superseded" if name == "superseded" else "valid"
    assert {verdict.verdict for verdict in _verdicts(FILES[name])} == {expected}


@pytest.mark.parametrize("name", FILES)
def test_no_single_byte_change_verifies(name: str) -> None:
    data, choice = FILES[name], random.Random(name)
    for index in range(len(data)):
        changed = bytearray(data)
        changed[index] ^= choice.randint(1, 255)
        _assert_refused(bytes(changed), index)


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
def test_no_digit_or_letter_change_verifies(name: str, data: st.DataObject) -> None:
    """Changes that keep the file canonical reach the later steps."""
    text = FILES[name].decode()
    places = [i for i, character in enumerate(text) if character in "0123456789abcdef"]
    index = data.draw(st.sampled_from(places))
    digits = "0123456789" + "abcdef" * (text[index] in "abcdef")
    other = data.draw(st.sampled_from([d for d in digits if d != text[index]]))
    _assert_refused((text[:index] + other + text[index + 1 :]).encode(), index)


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
def test_no_deleted_or_doubled_part_verifies(name: str, data: st.DataObject) -> None:
    original = FILES[name]
    start = data.draw(st.integers(0, len(original) - 1))
    end = data.draw(st.integers(start + 1, min(start + 200, len(original))))
    changed = data.draw(st.sampled_from([original[:start] + original[end:], original[:end] + original[start:]]))
    if changed != original:
        _assert_refused(changed, (start, end))


def _members(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield every value in the file with its place."""
    yield path, value
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, member in steps:
        yield from _members(member, (*path, step))


def _others(value: Any) -> Iterator[Any]:
    """Yield values that might pass for this one."""
    yield from (None, 0, 1, "", [], {}, True)
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1, str(value))
    elif isinstance(value, str):
        yield from (value + "0", value[:-2], value.upper(), "00" * (len(value) // 2), value[2:] + value[:2])
    elif isinstance(value, list):
        yield from (value[:-1], value[1:], value[::-1], value + value[-1:], [value])


def _with(parsed: Any, path: tuple[Any, ...], value: Any) -> bytes:
    if not path:
        return jcs.dumps(value)
    changed = json.loads(json.dumps(parsed))
    node = changed
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return jcs.dumps(changed)


LEAVES_OUT: dict[tuple[str, ...], object] = {("receipt",): None, ("proof",): None, ("status",): []}
"""What a holder may leave out: the verdict then rests on less, and says so (tested below)."""


@pytest.mark.parametrize("name", FILES)
def test_no_change_of_any_member_verifies(name: str) -> None:
    original = FILES[name]
    parsed = json.loads(original)
    tried = 0
    for path, value in _members(parsed):
        for other in _others(value):
            if path in LEAVES_OUT and other == LEAVES_OUT[path] and not isinstance(other, bool):
                continue
            changed = _with(parsed, path, other)
            if changed != original:
                _assert_refused(changed, (path, other))
                tried += 1
    assert tried > 500


@pytest.mark.parametrize("name", FILES)
def test_no_missing_and_no_additional_member_verifies(name: str) -> None:
    parsed = json.loads(FILES[name])
    for path, value in _members(parsed):
        if isinstance(value, dict):
            for member in value:
                _assert_refused(_with(parsed, path, {k: v for k, v in value.items() if k != member}), (path, member))
            _assert_refused(_with(parsed, path, {**value, "more": None}), path)


def test_what_a_holder_may_leave_out_leaves_the_verdict_and_says_so() -> None:
    full = Evidence.parse(SUPERSEDED)
    no_receipt = SCENE.ask_checkpoint(replace(full, receipt=None))
    assert (no_receipt.verdict, no_receipt.step(10).outcome) == ("superseded", Outcome.NOT_CHECKED)
    no_proof = SCENE.ask_node(replace(full, proof=None))
    assert no_proof.verdict == "superseded"
    no_history = SCENE.ask_node(replace(full, status=(), proof=None))
    assert (no_history.verdict, no_history.step(8).outcome) == ("superseded", Outcome.NOT_CHECKED)


def test_files_of_two_entries_can_not_be_mixed() -> None:
    one, two = Evidence.parse(CURRENT), Evidence.parse(SUPERSEDED)
    for member in ("pairs", "seq", "path", "status", "submission", "receipt", "proof"):
        mixed = replace(one, **{member: getattr(two, member)})
        _assert_refused(mixed.to_bytes(), member)
    _assert_refused(replace(one, batch=SCENE.evidence(SCENE.correction).batch).to_bytes(), "batch")


@given(st.binary(max_size=300))
def test_any_bytes_get_a_verdict(data: bytes) -> None:
    assert SCENE.ask_node(data).verdict == "invalid"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=10,
)


@given(path=st.sampled_from([path for path, _ in _members(json.loads(SUPERSEDED)) if path]), value=JSON)
def test_any_value_anywhere_gets_a_verdict_and_never_a_crash(path: tuple[Any, ...], value: Any) -> None:
    parsed = json.loads(SUPERSEDED)
    changed = _with(parsed, path, value)
    for verdict in _verdicts(changed):
        assert verdict.verdict in (*REFUSED, "superseded")
        assert len(verdict.steps) == 10


def test_scene_is_fresh_each_time() -> None:
    assert isinstance(make_scene(), Scene)
    assert make_scene().proven().to_bytes() == CURRENT


def _largest(header: bytes) -> bytes:
    """Fill a file up to its limit with what costs a verifier most."""
    full = SCENE.proven()
    assert full.proof is not None
    pairs = tuple(p._replace(value=[0] * 4000) if p.path == "/body/remark" else p for p in full.pairs)
    changes = SCENE.evidence(SCENE.superseded).status * 256
    return replace(full, pairs=pairs, status=changes, proof=full.proof._replace(header=header)).to_bytes()


@pytest.mark.parametrize(
    "header",
    [b"\xf9\x7f\x00" + b"\xc0" * 0x7F00, b"\xf9\x7f\x00" + b"\x80" * 0x7F00, b"\xc1" * 0x7F00],
    ids=["empty lists", "empty strings", "nested lists"],
)
def test_the_costliest_file_gets_its_verdict_soon(header: bytes) -> None:
    data = _largest(header)
    assert 100_000 < len(data) < MAX_BYTES_WITH_PROOF
    start = time.process_time()
    _assert_refused(data, "the costliest file")
    assert time.process_time() - start < 5  # two verdicts; far below a second on a machine of its own
