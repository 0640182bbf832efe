"""When a call is sent again, and what foreign errors are called here."""

from dataclasses import dataclass
from typing import Any

import httpx
import stamina

from chainsvc.client.exchange import Answer, Call
from chainsvc.errors import ServiceUnavailable, Unavailable

FIRST_WAIT_S, LONGEST_WAIT_S, JITTER_S = 0.1, 5.0, 0.5
"""Backoff between attempts, in seconds."""


class Unanswered(Exception):
    """An attempt that may succeed later.

    Attributes:
        error: What it is called when there is no further attempt.
        retry_after_s: What the service asks for.
        unsent: The service can't have seen it.
    """

    def __init__(self, error: Unavailable, retry_after_s: float | None = None, *, unsent: bool = False) -> None:
        """Keep all three."""
        super().__init__(error.message)
        self.error = error
        self.retry_after_s = retry_after_s
        self.unsent = unsent


@dataclass(frozen=True, slots=True)
class Repeating:
    """Whether one call is sent again: the hook that stamina asks.

    Attributes:
        repeatable: Sending it twice is the same as once.
    """

    repeatable: bool

    def __call__(self, error: Exception) -> bool | float:
        """Return how long to wait, True for the usual backoff, False for no further attempt."""
        if not isinstance(error, Unanswered) or not (self.repeatable or error.unsent):
            return False
        if error.retry_after_s is None:
            return True
        return min(max(error.retry_after_s, FIRST_WAIT_S), LONGEST_WAIT_S)


def retrying(call: Call[Any], retry_s: float) -> Any:
    """Return stamina's attempts for a call: until ``retry_s`` seconds are over, once when that is 0."""
    return stamina.retry_context(
        on=Repeating(call.repeatable),
        attempts=None if retry_s else 1,
        timeout=retry_s or None,
        wait_initial=FIRST_WAIT_S,
        wait_max=LONGEST_WAIT_S,
        wait_jitter=JITTER_S,
    )


def check_answer(answer: Answer) -> None:
    """Let answers pass that are final.

    Raises:
        Unanswered: A part of the service is away.
    """
    if not answer.passing:
        return
    error = answer.refusal()
    if not isinstance(error, Unavailable):
        error = ServiceUnavailable("the service is away", got=f"HTTP {answer.status}")
    raise Unanswered(error, answer.retry_after_s)


def translated(error: httpx.HTTPError, url: str) -> Unanswered:
    """Return what a transport error is called here; its own text may hold the key's header, so it is not repeated."""
    unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    refusal = ServiceUnavailable(
        "the service does not answer",
        got=type(error).__name__,
        where=url,
        hint="Check the URL and that the service runs; repeating a notarization is safe.",
    )
    return Unanswered(refusal, unsent=unsent)
