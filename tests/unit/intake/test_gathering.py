"""Who arrives together is stored together; each gets his own answer, and nobody's trouble is another's."""

import threading
from collections.abc import Iterator, Sequence

import pytest

from chainsvc.client.answers import Accepted
from chainsvc.errors import DatabaseUnavailable, MalformedInput
from chainsvc.intake.chunk import Outcome
from chainsvc.intake.gathering import LARGEST_GROUP, Book, Gathering
from chainsvc.receipt import Receipt

BOOK, OTHER = Book("charity/x/A", "k1"), Book("charity/x/B", "k1")


class Journal:
    """Stores groups when it is let; remembers them."""

    def __init__(self) -> None:
        self.groups: list[tuple[Book, list[bytes]]] = []
        self.busy = threading.Event()
        self.go_on = threading.Event()
        self.down = False

    def together(self, book: Book, records: Sequence[bytes]) -> Sequence[Outcome]:
        self.groups.append((book, list(records)))
        self.busy.set()
        assert self.go_on.wait(60)
        if self.down:
            raise DatabaseUnavailable("away")
        return [MalformedInput("bad") if record == b"bad" else _accepted(record) for record in records]


def _accepted(record: bytes) -> Accepted:
    return Accepted(record.ljust(32), record.decode(), 0, Receipt(1, 0, 1, (), b"", b"", 1, 2), again=False)


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def gathering(journal: Journal) -> Iterator[Gathering]:
    gathering = Gathering(journal.together)
    yield gathering
    journal.go_on.set()
    gathering.close()


def reference(outcome: Outcome) -> str | None:
    assert isinstance(outcome, Accepted)
    return outcome.reference


def test_while_one_group_is_stored_the_next_gathers(gathering: Gathering, journal: Journal) -> None:
    first = gathering.add(BOOK, b"1")
    assert journal.busy.wait(60)
    others = [gathering.add(BOOK, b"%d" % n) for n in range(2, 40)]
    assert not any(future.done() for future in [first, *others])
    journal.go_on.set()
    assert [reference(future.result(10)) for future in [first, *others]] == [str(n) for n in range(1, 40)]
    assert [len(records) for _, records in journal.groups] == [1, 38]


def test_ledgers_do_not_wait_for_each_other(gathering: Gathering, journal: Journal) -> None:
    gathering.add(BOOK, b"1")
    assert journal.busy.wait(60)
    journal.busy.clear()
    gathering.add(OTHER, b"2")
    assert journal.busy.wait(60)
    assert {book for book, _ in journal.groups} == {BOOK, OTHER}


def test_a_bad_record_is_its_sender_s_own_matter(gathering: Gathering, journal: Journal) -> None:
    journal.go_on.set()
    bad, good = gathering.add(BOOK, b"bad"), gathering.add(BOOK, b"1")
    assert isinstance(bad.result(10), MalformedInput)
    assert reference(good.result(10)) == "1"


def test_an_outage_is_told_to_everyone_in_the_group_and_to_nobody_after(gathering: Gathering, journal: Journal) -> None:
    journal.down = True
    first = gathering.add(BOOK, b"1")
    journal.go_on.set()
    with pytest.raises(DatabaseUnavailable):
        first.result(10)
    journal.down = False
    assert reference(gathering.add(BOOK, b"2").result(10)) == "2"


def test_who_leaves_before_his_turn_is_not_stored(gathering: Gathering, journal: Journal) -> None:
    gathering.add(BOOK, b"1")
    assert journal.busy.wait(60)
    leaving, staying = gathering.add(BOOK, b"2"), gathering.add(BOOK, b"3")
    assert leaving.cancel()
    journal.go_on.set()
    assert reference(staying.result(10)) == "3"
    assert journal.groups[1:] == [(BOOK, [b"3"])]


def test_groups_have_a_largest_size(gathering: Gathering, journal: Journal) -> None:
    gathering.add(BOOK, b"0")
    assert journal.busy.wait(60)
    futures = [gathering.add(BOOK, b"%d" % n) for n in range(LARGEST_GROUP + 1)]
    journal.go_on.set()
    assert reference(futures[-1].result(10)) == str(LARGEST_GROUP)
    assert [len(records) for _, records in journal.groups] == [1, LARGEST_GROUP, 1]


def test_closing_finishes_who_waits(journal: Journal) -> None:
    gathering = Gathering(journal.together)
    future = gathering.add(BOOK, b"1")
    journal.go_on.set()
    gathering.close()
    assert future.done()
