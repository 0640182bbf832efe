"""When a webhook is tried again. Pure: randomness comes in as an argument."""

import math
from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime

JITTER = 0.2
"""A wait is up to this part shorter or longer, so that what failed together does not come back together."""

LONGEST_RETRY_AFTER_S = 86_400
"""More than this is not waited, however long a receiver asks for."""

Random = Callable[[], float]
"""Returns a number from 0 up to 1."""


def again_in(waits: Sequence[float], attempt: int, asked_s: float | None, random: Random) -> int | None:
    """Return the seconds until the next attempt, at least those that the receiver asked for; None when it was the last.

    Args:
        waits: Seconds after the first attempt, the second, …
        attempt: Attempts made.
        asked_s: ``Retry-After`` in seconds.
        random: For the jitter.
    """
    if attempt > len(waits):
        return None
    wait = _spread(waits[attempt - 1], random)
    return math.ceil(max(wait, min(asked_s or 0, LONGEST_RETRY_AFTER_S)))


def pause(first_s: float, longest_s: float, failures: int, asked_s: float | None, random: Random) -> int:
    """Return the seconds for which an endpoint is left alone after so many failures in a row (1 or more)."""
    wait = _spread(min(first_s * 2 ** min(failures - 1, 32), longest_s), random)
    return math.ceil(max(wait, min(asked_s or 0, LONGEST_RETRY_AFTER_S)))


def retry_after(value: str | None, now: float) -> float | None:
    """Read ``Retry-After`` (RFC 9110 section 10.2.3), seconds or a date; None for none or another form."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:10])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _spread(wait: float, random: Random) -> float:
    return wait * (1 - JITTER + 2 * JITTER * random())
