import hashlib
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import LEDGER, RECORDS

from chainsvc import jcs
from chainsvc.errors import MalformedInput
from chainsvc.record import DISCLOSED, ENVELOPE, MAX_BYTES, MAX_PAIRS, LedgerName, Record, check_value, ledger_id


def record(body: dict[str, Any]) -> Record:
    return Record("x.v1", LEDGER, "R-1", 0, None, 5, 0, "2026-09-01T08:00:00+08:00", body)


def body_pairs(body: dict[str, Any]) -> list[tuple[str, Any]]:
    return [pair for pair in record(body).flatten() if pair[0].startswith("/body")]


def raised(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Undo flattening: members of objects back to where their path says."""
    root: dict[str, Any] = {}
    for path, value in pairs:
        *parents, last = path[1:].split("/")
        place = root
        for key in parents:
            place = place.setdefault(key, {})
        place[last] = value
    return root


@given(RECORDS)
def test_flattening_loses_nothing(value: Record) -> None:
    assert raised(value.flatten()) == value.to_json()


@given(RECORDS)
def test_paths_ascend_and_none_is_the_parent_of_another(value: Record) -> None:
    paths = [path.encode() for path, _ in value.flatten()]
    assert all(a < b for a, b in pairwise(paths))
    assert not any(b.startswith(a + b"/") for a in paths for b in paths)


@given(RECORDS)
def test_values_are_scalars_or_whole_arrays(value: Record) -> None:
    assert all(not isinstance(member, dict) for _, member in value.flatten())


@given(RECORDS)
def test_a_record_survives_json(value: Record) -> None:
    assert Record.parse(jcs.dumps(value.to_json())) == value


def test_envelope_paths_are_always_there() -> None:
    assert set(DISCLOSED) < {path for path, _ in record({"a": 1}).flatten()}


@pytest.mark.parametrize(
    ("body", "pairs"),
    [
        ({"a": []}, [("/body/a", [])]),
        ({"a": [{"b": 1}, [None]]}, [("/body/a", [{"b": 1}, [None]])]),
        ({"a": {"b": {"c": None}}}, [("/body/a/b/c", None)]),
        (
            {"b": 1, "a_": 2, "a0": 3, "a": {"z": 4}},
            [("/body/a/z", 4), ("/body/a0", 3), ("/body/a_", 2), ("/body/b", 1)],
        ),
        ({"a": False, "b": "\U0001f3ee"}, [("/body/a", False), ("/body/b", "\U0001f3ee")]),
    ],
    ids=str,
)
def test_flattened_bodies(body: dict[str, Any], pairs: list[tuple[str, Any]]) -> None:
    assert body_pairs(body) == pairs


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "/body"),
        ({"a": {}}, "/body/a"),
        ({"a": [{}]}, "/body/a/0"),
        ({"a": [[{"b": {}}]]}, "/body/a/0/0/b"),
        ({"A": 1}, "/body/A"),
        ({"": 1}, "/body/"),
        ({"1a": 1}, "/body/1a"),
        ({"a/b": 1}, "/body/a/b"),
        ({"a~b": 1}, "/body/a~b"),
        ({"a" * 65: 1}, "/body/" + "a" * 65),
        ({"a": [{"B": 1}]}, "/body/a/0/B"),
        ({"a": 1.5}, "/body/a"),
        ({"a": [2**53]}, "/body/a/0"),
        ({"a": ["\ud800"]}, "/body/a/0"),
        ({"名": 1}, "/body"),
    ],
    ids=ascii,
)
def test_flatten_refuses_with_the_place(body: dict[str, Any], where: str) -> None:
    with pytest.raises(MalformedInput) as caught:
        record(body).flatten()
    assert caught.value.where == where


def test_256_pairs_pass_and_257_do_not() -> None:
    room = MAX_PAIRS - len(ENVELOPE) + 1
    assert len(record({f"k{i}": None for i in range(room)}).flatten()) == MAX_PAIRS
    with pytest.raises(MalformedInput, match="too many values"):
        record({f"k{i}": None for i in range(room + 1)}).flatten()


def test_64_kibibytes_pass_and_one_more_byte_does_not() -> None:
    room = MAX_BYTES - len(jcs.dumps(record({"a": ""}).to_json()))
    full = record({"a": "x" * room})
    assert len(full.flatten()) == len(ENVELOPE)
    assert Record.parse(jcs.dumps(full.to_json())) == full
    with pytest.raises(MalformedInput, match="too large"):
        record({"a": "x" * (room + 1)}).flatten()


@pytest.mark.parametrize("opening", [("{", "}"), ("[", "]")], ids=["objects", "arrays"])
def test_eight_levels_pass_and_nine_do_not(opening: tuple[str, str]) -> None:
    def nested(levels: int) -> dict[str, Any]:
        inner: Any = 1
        for _ in range(levels):
            inner = {"a": inner} if opening[0] == "{" else [inner]
        return {"a": inner}

    record(nested(6)).flatten()  # the record and its body are two levels
    with pytest.raises(MalformedInput, match="nested too deeply"):
        record(nested(7)).flatten()


@pytest.mark.parametrize("member", ENVELOPE)
def test_a_missing_member_is_named(member: str) -> None:
    value = record({"a": 1}).to_json()
    del value[member]
    with pytest.raises(MalformedInput, match="missing member") as caught:
        Record.from_json(value)
    assert caught.value.where == f"/{member}"


def test_an_unknown_member_is_named() -> None:
    with pytest.raises(MalformedInput, match="unknown member") as caught:
        Record.from_json({**record({"a": 1}).to_json(), "note": None})
    assert caught.value.where == "/note"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("schema", None),
        ("ledger", 1),
        ("reference", None),
        ("revision", "0"),
        ("revision", True),
        ("previous", 0),
        ("credit", 1.0),
        ("credit", None),
        ("debit", False),
        ("issued_at", 1_790_000_000),
        ("body", []),
        ("body", None),
    ],
)
def test_a_wrong_type_is_named(member: str, value: Any) -> None:
    with pytest.raises(MalformedInput, match="wrong type") as caught:
        Record.from_json({**record({"a": 1}).to_json(), member: value})
    assert caught.value.where == f"/{member}"


@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_a_record_is_an_object(value: Any) -> None:
    with pytest.raises(MalformedInput, match="JSON object"):
        Record.from_json(value)


@pytest.mark.parametrize(
    "name",
    [LEDGER, "a/000000000000000000/-", f"{'k' * 16}/ZZZZZZZZZZZZZZZZZZ/{'A' * 32}"],
    ids=["usual", "least", "most"],
)
def test_ledger_names_survive_parsing(name: str) -> None:
    assert str(LedgerName.parse(name)) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "charity",
        "Charity/533206001234567884/A",
        "/533206001234567884/A",
        f"{'k' * 17}/533206001234567884/A",
        "charity/53320600123456788/A",
        "charity/53320600123456788x/A",
        "charity/533206001234567884/",
        "charity/533206001234567884/a",
        "charity/533206001234567884/A_B",
        f"charity/533206001234567884/{'A' * 33}",
        "charity/533206001234567884/A/B",
        "charity/533206001234567884/A\n",
        "charity/53320600123456788４/A",
    ],
)
def test_other_ledger_names_are_refused(name: str) -> None:
    with pytest.raises(MalformedInput, match="not a ledger name"):
        LedgerName.parse(name)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=20, max_size=20), st.integers(1, 2), st.integers(0, 1))
def test_ledger_id_is_sha256_of_its_preimage(network: bytes, contract: bytes, suite: int, flags: int) -> None:
    preimage = b"\x06" + network + contract + bytes([suite]) + bytes([flags]) + LEDGER.encode("ascii")
    assert ledger_id(network, contract, suite, flags, LEDGER) == hashlib.sha256(preimage).digest()


def test_nested_arrays_and_objects_are_checked_once_each() -> None:
    value: Any = [1] * 50_000
    for _ in range(4):
        value = [{"a": value}]
    started = time.monotonic()
    check_value(value, "/body/a")
    assert time.monotonic() - started < 0.4  # 16 times the work of one pass took a second
