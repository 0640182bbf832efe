"""The queue's file: what is durable, what is refused, and what nobody can read."""

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.paper_evidence import LEDGER, SERVICE_KEY, donation

from chainsvc.client import Accepted, Queue, Queued, WindowSize
from chainsvc.client.queue.kept import Waiting
from chainsvc.errors import (
    ConfigurationRefused,
    MalformedInput,
    NotFound,
    PolicyRefused,
    QueueBusy,
    QueueFull,
    RecordRefused,
    ReferenceConflict,
)
from chainsvc.receipt import sign_receipts
from chainsvc.record import Record

ALL = WindowSize()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.queue"


@pytest.fixture
def queue(path: Path) -> Iterator[Queue]:
    queue = Queue(path)
    yield queue
    queue.close()


def accepted(number: int, *, again: bool = False) -> Accepted:
    commitment = bytes([number]) * 32
    (receipt,) = sign_receipts(SERVICE_KEY, b"\x07" * 32, [commitment], 1, 2)
    return Accepted(commitment, f"D-{number}", 0, receipt, again)


def next_ids(queue: Queue, most: WindowSize = ALL) -> list[int]:
    found = queue.next(0, queue.newest(), most, ())
    return [] if found is None else found.ids


def bad(number: int) -> Record:
    return replace(donation(number), body={**donation(number).body, "amount": "1"})


def test_records_wait_in_the_order_of_adding(queue: Queue) -> None:
    first = queue.add([donation(3), donation(1)])
    second = queue.add([donation(2).to_json()])
    assert [*first, *second] == [Queued(1, LEDGER, "D-3", 0), Queued(2, LEDGER, "D-1", 0), Queued(3, LEDGER, "D-2", 0)]
    found = queue.next(0, 3, ALL, ())
    assert isinstance(found, Waiting)
    assert [draft.record for draft in found.window.drafts] == [donation(3), donation(1), donation(2)]
    assert found.ids == [1, 2, 3]


def test_what_was_added_is_there_after_reopening(path: Path) -> None:
    Queue(path).add([donation(1)])  # never closed, as after a crash
    assert next_ids(Queue(path)) == [1]


def test_record_that_waits_already_keeps_its_place(queue: Queue) -> None:
    assert queue.add([donation(1), donation(2), donation(1)])[0] == queue.add([donation(1)])[0]
    assert queue.pending().waiting == 2


def test_bad_records_are_refused_at_once_and_hold_up_no_other(queue: Queue) -> None:
    results = queue.add([donation(1), bad(2), {"no": 1}, donation(1, 7), donation(3)])
    assert [type(result) for result in results] == [Queued, RecordRefused, MalformedInput, ReferenceConflict, Queued]
    assert queue.pending().waiting == 2


def test_settled_records_are_gone_and_their_outcomes_stay(queue: Queue, path: Path) -> None:
    queue.add([donation(1), donation(2), donation(3)])
    refusal = PolicyRefused("spends too much", expected="less", got="more", where="/debit")
    queue.settle({1: accepted(1), 2: refusal})
    assert queue.outcome(1) == accepted(1)
    told = queue.outcome(2)
    assert isinstance(told, PolicyRefused)
    assert (str(told), told.where) == (str(refusal), "/debit")
    assert queue.outcome(3) is None
    assert [(place, type(outcome)) for place, _, outcome in queue.outcomes()] == [(1, Accepted), (2, PolicyRefused)]
    assert [letter.record for letter in queue.refused()] == [donation(2)]
    assert queue.pending()[0::2] == (1, 1)
    with pytest.raises(NotFound):
        queue.outcome(9)
    queue.wipe()
    assert "乡村儿童午餐".encode() in path.read_bytes()
    queue.settle({3: accepted(3)})
    queue.drop([2])
    assert "乡村儿童午餐".encode() not in path.read_bytes() + path.with_name("out.queue-wal").read_bytes()


def test_dead_letter_holds_later_revisions_only(queue: Queue) -> None:
    later = replace(donation(1), revision=1, previous="ab" * 32, credit=0)
    queue.add([donation(1), donation(2), later, donation(3)])
    queue.settle({1: PolicyRefused("no")})
    assert next_ids(queue) == [2, 4]
    assert queue.retry([1]) == 1
    assert next_ids(queue) == [1, 2, 3, 4]
    queue.settle({1: PolicyRefused("no")})
    assert queue.drop([1]) == 1
    assert next_ids(queue) == [2, 3, 4]


def test_records_in_turn_wait_for_the_one_before(queue: Queue) -> None:
    queue.add([donation(1), donation(2), donation(3)], in_turn=True)
    assert next_ids(queue) == [1]
    queue.settle({1: accepted(1)})
    assert next_ids(queue) == [2]
    queue.settle({2: PolicyRefused("no")})
    assert next_ids(queue) == []
    assert not queue.has_waiting(LEDGER)
    assert queue.drop([2]) == 2
    assert queue.pending().waiting == 0
    assert queue.outcome(1) == accepted(1)


def test_record_behind_a_bad_one_is_not_added(queue: Queue) -> None:
    results = queue.add([donation(1), bad(2), donation(3)], in_turn=True)
    assert [type(result) for result in results] == [Queued, RecordRefused, RecordRefused]
    assert queue.pending().waiting == 1


def test_mended_record_takes_the_place_of_the_refused_one(queue: Queue) -> None:
    queue.add([donation(1), donation(2)])
    queue.settle({1: PolicyRefused("no")})
    assert queue.add([donation(1, 50)])[0] == Queued(1, LEDGER, "D-1", 0)
    assert queue.outcome(1) is None
    found = queue.next(0, 2, ALL, ())
    assert found is not None
    assert [draft.record for draft in found.window.drafts] == [donation(1, 50), donation(2)]


def test_window_has_bounds_and_leaves_ledgers_out(queue: Queue) -> None:
    queue.add([donation(number) for number in range(600)])
    assert len(next_ids(queue)) == 600
    assert len(next_ids(queue, WindowSize(550))) == 550
    size = queue.pending().size
    assert 99 <= len(next_ids(queue, WindowSize(nbytes=size // 6))) <= 103
    assert queue.next(0, 600, ALL, {LEDGER}) is None
    assert queue.next(600, 600, ALL, ()) is None


def test_full_queue_says_so_and_adds_nothing_of_the_call(path: Path) -> None:
    queue = Queue(path, most_records=3)
    queue.add([donation(1), donation(2)])
    with pytest.raises(QueueFull, match="at most 3 records") as refused:
        queue.add([donation(3), donation(4)])
    assert refused.value.hint is not None
    assert queue.pending().waiting == 2
    queue.add([donation(3), donation(1)])
    queue.settle({1: accepted(1)})
    queue.add([donation(4)])
    small = Queue(path.with_name("small"), most_bytes=1000)
    with pytest.raises(QueueFull):
        small.add([donation(n) for n in range(4)])
    assert small.add([donation(1)])


def test_full_disk_leaves_nothing_half_written(queue: Queue) -> None:
    queue.add([donation(1)])
    db = queue._db._db
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(QueueFull, match="the disk takes no more"):
        queue.add([donation(number) for number in range(2, 200)])
    assert queue.pending().waiting == 1
    db.execute("PRAGMA max_page_count = 1000000")
    assert len(queue.add([donation(number) for number in range(2, 200)])) == 198


def test_one_holder_drains_at_a_time(queue: Queue, path: Path) -> None:
    other = Queue(path)
    with queue.draining():
        with pytest.raises(QueueBusy), other.draining():
            pass
        other.add([donation(1)])  # adding goes on
    with other.draining():
        assert next_ids(queue) == [1]


def test_several_threads_and_handles_add_at_once(path: Path) -> None:
    queues = [Queue(path) for _ in range(3)]
    threads = [
        threading.Thread(target=lambda q=q, n=n: [q.add([donation(10 * n + i)]) for i in range(10)])
        for n, q in enumerate([*queues, *queues])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert queues[0].pending().waiting == 60
    assert next_ids(queues[0]) == list(range(1, 61))


def test_file_is_its_owners_alone(queue: Queue, path: Path) -> None:
    with queue.draining():
        queue.add([donation(1)])
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_sealed_queue_shows_nothing_of_its_records(path: Path, tmp_path: Path) -> None:
    key = tmp_path / "queue.key"
    key.write_text(os.urandom(32).hex())
    queue = Queue(path, key_file=key)
    queue.add([donation(1), donation(2)])
    queue.settle({1: accepted(1)})
    raw = path.read_bytes() + path.with_name("out.queue-wal").read_bytes()
    for hidden in (b"D-1", b"D-2", "某先生".encode(), accepted(1).commitment.hex().encode()):
        assert hidden not in raw
    queue.close()
    again = Queue(path, key_file=key)
    assert again.outcome(1) == accepted(1)
    assert again.add([donation(2)])[0] == Queued(2, LEDGER, "D-2", 0)
    sealed = sqlite3.connect(path)
    sealed.execute("UPDATE records SET record = CAST('x' || record AS BLOB) WHERE id = 2")
    sealed.commit()
    with pytest.raises(ConfigurationRefused, match="was changed"):
        again.next(0, 2, ALL, ())


def test_wrong_key_none_and_other_files_are_refused(path: Path, tmp_path: Path) -> None:
    key, other, short = (tmp_path / name for name in ("key", "other", "short"))
    key.write_text(os.urandom(32).hex())
    other.write_text(os.urandom(32).hex())
    short.write_text("ab")
    Queue(path, key_file=key).close()
    for given, words in ((other, "not the key"), (None, "the other way"), (short, "wrong length")):
        with pytest.raises(ConfigurationRefused, match=words):
            Queue(path, key_file=given)
    with pytest.raises(ConfigurationRefused, match="cannot read"):
        Queue(path, key_file=tmp_path / "none")
    Queue(tmp_path / "open").close()
    with pytest.raises(ConfigurationRefused, match="the other way"):
        Queue(tmp_path / "open", key_file=key)
    with pytest.raises(ConfigurationRefused, match="not a queue"):
        Queue(key)


def test_file_of_a_later_version_is_refused(path: Path) -> None:
    Queue(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 9")
    with pytest.raises(ConfigurationRefused, match="version 9"):
        Queue(path)


def test_queue_of_a_private_client_is_never_sent_in_custody(queue: Queue, path: Path) -> None:
    queue.bind("private")
    with pytest.raises(ConfigurationRefused, match="another mode"):
        Queue(path).bind("custody")
    Queue(path).bind("private")


def test_forgotten_and_retried_in_numbers(queue: Queue) -> None:
    queue.add([donation(number) for number in range(4)])
    queue.settle({1: accepted(1), 2: accepted(2), 3: PolicyRefused("no"), 4: PolicyRefused("no")})
    assert queue.forget([1, 3]) == 1
    assert queue.forget() == 1
    assert queue.retry() == 2
    assert queue.pending()[0::2] == (2, 0)
    queue.settle({99: accepted(9)})  # dropped meanwhile: no word of it
    with pytest.raises(NotFound):
        queue.outcome(99)
