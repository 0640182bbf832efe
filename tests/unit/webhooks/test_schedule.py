"""When a webhook is tried again."""

import datetime as dt
from email.utils import format_datetime

import pytest

from chainsvc.settings import load_settings
from chainsvc.webhooks.schedule import LONGEST_RETRY_AFTER_S, again_in, pause, retry_after

WAITS = (5, 300, 1_800)


def early() -> float:
    return 0.0


def middle() -> float:
    return 0.5


def late() -> float:
    return 0.999999


def test_waits_grow_and_end() -> None:
    assert [again_in(WAITS, attempt, None, middle) for attempt in (1, 2, 3, 4, 9)] == [5, 300, 1_800, None, None]
    assert again_in((), 1, None, middle) is None


def test_jitter_is_a_fifth_either_way() -> None:
    assert (again_in(WAITS, 2, None, early), again_in(WAITS, 2, None, late)) == (240, 360)


def test_a_receiver_may_ask_for_more_but_not_for_less_and_not_for_ever() -> None:
    assert again_in(WAITS, 1, 77, middle) == 77
    assert again_in(WAITS, 2, 3, middle) == 300
    assert again_in(WAITS, 1, 10**9, middle) == LONGEST_RETRY_AFTER_S


def test_a_failing_endpoint_is_left_alone_twice_as_long_each_time_up_to_a_limit() -> None:
    assert [pause(5, 600, failures, None, middle) for failures in (1, 2, 3, 8, 9, 10_000)] == [5, 10, 20, 600, 600, 600]
    assert pause(5, 600, 1, 4_000, middle) == 4_000


def test_retry_after_is_seconds_or_a_date() -> None:
    now = dt.datetime(2026, 1, 5, 2, tzinfo=dt.UTC)
    assert retry_after("120", 0) == 120
    assert retry_after(format_datetime(now + dt.timedelta(seconds=90), usegmt=True), now.timestamp()) == 90
    assert retry_after(format_datetime(now, usegmt=True), now.timestamp() + 5) == 0


@pytest.mark.parametrize("value", [None, "", "soon", "-5", "1.5", "٣", "Mon, 99 Foo"])
def test_retry_after_of_another_form_counts_for_nothing(value: str | None) -> None:
    assert retry_after(value, 0) is None


def test_the_usual_schedule_is_the_specifications_and_spans_three_days() -> None:
    waits = load_settings().webhook_retry_s
    assert len(waits) == 9
    assert sum(waits) == 75 * 3_600 + 35 * 60 + 5
    assert sorted(waits) == list(waits)
