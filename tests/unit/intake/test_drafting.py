"""What a draft packs is what the door would store, and what it can't know it leaves to the door."""

import json
import os
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records import corrected, donation

from chainsvc import jcs
from chainsvc.crypto.envelope import ChunkCipher, ReferenceIndex
from chainsvc.crypto.suites import SHA256
from chainsvc.errors import ChainsvcError
from chainsvc.intake.drafters import Drafters
from chainsvc.intake.drafting import Drafted, Task, draft
from chainsvc.record import Record
from chainsvc.schemas import check_record
from chainsvc.shape import commit_record

NAME = "charity/533206001803406341/B"
ID, KEY, INDEX = bytes([7]) * 32, bytes([8]) * 32, ReferenceIndex(bytes([9]) * 32)


def task(*lines: bytes, key: bytes | None = KEY) -> Task:
    return Task(NAME, ID, 1, 5, key, INDEX, lines)


def line(record: Record) -> bytes:
    return jcs.dumps(record.to_json())


def drafted(*lines: bytes, key: bytes | None = KEY) -> Drafted:
    done = draft(task(*lines, key=key))
    assert done is not None
    return done


def fields(rows: bytes) -> list[list[bytes | None]]:
    """Read COPY's binary form back, by PostgreSQL's description of it."""
    assert rows.startswith(b"PGCOPY\n\xff\r\n\0" + bytes(8))
    place, found = 19, []
    while (count := int.from_bytes(rows[place : place + 2], signed=True)) != -1:
        place += 2
        row: list[bytes | None] = []
        for _ in range(count):
            size = int.from_bytes(rows[place : place + 4], signed=True)
            place += 4
            row.append(None if size == -1 else rows[place : place + size])
            place += max(size, 0)
        found.append(row)
    assert place + 2 == len(rows)
    return found


def test_rows_are_those_of_the_record() -> None:
    records = [donation(NAME, n, 100 + n) for n in range(3)]
    done = drafted(*map(line, records))
    cipher = ChunkCipher(ID, 5, KEY)
    rows = {table: fields(packed) for table, packed in done.packed.items()}
    assert list(rows) == ["entries", "refs", "seeds", "payloads"]
    for index, record in enumerate(records):
        ident = (5 << 12 | index).to_bytes(8)
        seed = cipher.open_seed(index, rows["seeds"][index][2] or b"")
        assert json.loads(cipher.open_record(index, seed, rows["payloads"][index][2] or b"")) == record.to_json()
        commitment = commit_record(SHA256, record, seed)
        assert rows["entries"][index] == [
            ID, ident, (5).to_bytes(8), commitment, None, record.credit.to_bytes(8), bytes(8)
        ]  # fmt: skip
        assert rows["refs"][index] == [ID, INDEX.of(ID, record.reference), bytes(4), ident]
        assert done.commitments[index] == commitment
    assert (done.credit, done.debit, done.places) == (303, 0, [0, 1, 2])


def test_seeds_never_repeat() -> None:
    one, other = drafted(line(donation(NAME, 1))), drafted(line(donation(NAME, 1)))
    assert one.commitments != other.commitments


def test_bad_lines_are_refused_and_the_others_take_their_places() -> None:
    bad = replace(donation(NAME, 2), credit=5)
    elsewhere = replace(donation(NAME, 2), ledger=NAME + "2")
    done = drafted(line(donation(NAME, 1)), line(bad), b'{"a":1.5}', line(elsewhere), line(donation(NAME, 3)))
    assert done.places == [0, 4]
    assert [place for place, _ in done.refused] == [1, 2, 3]
    assert [problem["code"] for _, problem in done.refused] == ["record-refused", "malformed", "malformed"]
    assert len(fields(done.packed["entries"])) == 2


@pytest.mark.parametrize(
    "lines",
    [
        [line(corrected(donation(NAME, 1), bytes(32), 5))],
        [line(donation(NAME, 1)), line(donation(NAME, 1))],
        [line(donation(NAME, 1)), line(donation(NAME, 1, 7))],
        [b'{"records":[]}'],
    ],
)
def test_what_depends_on_the_journal_goes_the_long_way(lines: list[bytes]) -> None:
    assert draft(task(*lines)) is None


@pytest.mark.parametrize("lines", [[{"previous": "00" * 32}], [{}, {}], [{"commitments": []}]])
def test_commitments_that_depend_on_the_journal_go_the_long_way(lines: list[dict[str, Any]]) -> None:
    whole = [{"commitment": "ab" * 32, "credit": 1, "debit": 0, "previous": None} | given for given in lines]
    assert draft(task(*map(jcs.dumps, whole), key=None)) is None


def test_commitments_need_no_key_and_keep_no_record() -> None:
    given = {"commitment": "ab" * 32, "credit": 1, "debit": 2, "previous": None}
    done = drafted(jcs.dumps(given), b'{"commitment":"ab"}', key=None)
    assert list(done.packed) == ["entries"]
    assert (done.commitments, done.credit, done.debit) == ([bytes.fromhex("ab" * 32)], 1, 2)
    assert [place for place, _ in done.refused] == [1]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(["body", "credit", "issued_at", "reference", "extra", "donor", "amount"]),
)
def test_fast_reading_refuses_just_what_the_door_refuses(value: Any, member: str) -> None:
    """Any JSON in any place, also what no canonical writer writes."""
    document = donation(NAME, 1).to_json()
    (document["body"] if member in ("donor", "amount") else document)[member] = value
    data = json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")
    fast = draft(task(data))
    try:
        check_record(record := Record.parse(data))
        slow: bool = record.ledger == NAME
    except ChainsvcError:
        slow = False
    assert fast is None or bool(fast.commitments) == slow


def test_a_dead_process_loses_no_chunk() -> None:
    drafters = Drafters(1)
    try:
        first = task(line(donation(NAME, 1)))
        assert drafters.result(drafters.submit(first), first) is not None
        pool = drafters._pool
        assert pool is not None
        with pytest.raises(BrokenProcessPool):
            pool.submit(os._exit, 3).result()
        again = drafters.result(drafters.submit(first), first)
        assert again is not None
        assert len(again.commitments) == 1
    finally:
        drafters.close()


def test_no_process_is_needed() -> None:
    drafters = Drafters(0)
    given = task(line(donation(NAME, 1)))
    assert drafters.result(drafters.submit(given), given) is not None
