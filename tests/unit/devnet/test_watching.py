"""What seems to need a cure is looked at twice: heads that still change are no deadlock."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from chainsvc.devnet.consortium import watching
from chainsvc.devnet.consortium.folder import Consortium
from chainsvc.devnet.consortium.judging import Condition
from chainsvc.devnet.consortium.views import View
from chainsvc.devnet.consortium.watching import look_twice
from chainsvc.errors import Conflict

NOW = 1_700_000_100.0


@pytest.fixture
def two(tmp_path: Path) -> Consortium:
    return Consortium.make(tmp_path, 20260, 1, [[1, 2, 3], [4, 5, 6]])


def looks(monkeypatch: pytest.MonkeyPatch, *given: Sequence[bytes]) -> Iterator[object]:
    """Let each look see the next heads, all old and of the same weight."""
    left = iter(given)

    def views(_: Consortium) -> dict[int, View | None]:
        return {number: View(number, 7, head, 14, int(NOW) - 60, 1) for number, head in enumerate(next(left), 1)}

    monkeypatch.setattr(watching, "views", views)
    monkeypatch.setattr(watching, "time", SimpleNamespace(time=lambda: NOW, sleep=lambda _: None))
    return left


def test_heads_that_stay_apart_are_a_deadlock(two: Consortium, monkeypatch: pytest.MonkeyPatch) -> None:
    looks(monkeypatch, [b"one", b"two"], [b"one", b"two"])
    assert look_twice(two).condition is Condition.DEADLOCKED


def test_heads_that_change_meanwhile_are_none(two: Consortium, monkeypatch: pytest.MonkeyPatch) -> None:
    looks(monkeypatch, [b"one", b"two"], [b"two", b"two"])
    with pytest.raises(Conflict, match="on their way"):
        look_twice(two)


def test_what_needs_no_cure_is_told_at_once(two: Consortium, monkeypatch: pytest.MonkeyPatch) -> None:
    left = looks(monkeypatch, [b"one", b"one"], [b"never", b"seen"])
    assert look_twice(two).condition is Condition.STALLED
    assert next(left) == [b"never", b"seen"]
