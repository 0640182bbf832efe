"""A thread that looks again and again, whatever a look brings."""

import threading
from collections.abc import Callable

import pytest

from chainsvc.errors import DatabaseUnavailable
from chainsvc.service.looking import Looking


def looked(times: int, act: Callable[[int], None]) -> tuple[threading.Event, Callable[[], None]]:
    """Return what is set after so many looks, and the look."""
    done, count = threading.Event(), 0

    def look() -> None:
        nonlocal count
        count += 1
        if count == times:
            done.set()
        act(count)

    return done, look


def test_a_look_that_fails_is_followed_by_the_next() -> None:
    def act(number: int) -> None:
        if number == 1:
            raise DatabaseUnavailable("nobody answers")
        raise KeyError(number)

    done, look = looked(3, act)
    with Looking("something", look):
        assert done.wait(60)


def test_no_look_is_taken_after_the_context() -> None:
    ended = False

    def act(_: int) -> None:
        assert not ended

    done, look = looked(1, act)
    with Looking("something", look) as looking:
        assert done.wait(60)
    ended = True
    assert not looking._thread.is_alive()


def test_the_error_of_the_context_is_not_hidden() -> None:
    with pytest.raises(KeyError), Looking("something", lambda: None):
        raise KeyError("mine")
