"""One HTTP exchange as values: what to send, and how to read what came back. Nothing here does I/O."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import orjson

from chainsvc.client.problems import MEDIA_TYPE, error_of, unreadable
from chainsvc.errors import BodyTooLarge, ChainsvcError

T = TypeVar("T")

_GATEWAY = frozenset({429, 502, 503, 504})
"""What proxies answer while the service is away."""

_UNKNOWN_CALL = frozenset({404, 405})
"""What a service answers to a call that came with a later version."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: HTTP status.
        headers: By lowercase name.
        body: Bytes.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The media type, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip()

    @property
    def retry_after_s(self) -> float | None:
        """Seconds that the service asks to wait."""
        value = self.headers.get("retry-after", "")
        return float(value) if value.isascii() and value.isdigit() else None

    def json(self) -> Any:
        """Return the parsed body.

        Raises:
            ServiceUnavailable: It is no JSON, so it is not the service's.
        """
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise unreadable(self.status, self.body) from error

    def refusal(self) -> ChainsvcError | None:
        """Return the error that the answer tells, None for a good one."""
        if self.status < 400:  # noqa: PLR2004 - where errors begin in HTTP
            return None
        if self.media_type == MEDIA_TYPE:
            return error_of(self.json())
        if self.status == BodyTooLarge.status:
            return BodyTooLarge("a proxy before the service takes no body of this size", got="HTTP 413")
        return unreadable(self.status, self.body)

    @property
    def passing(self) -> bool:
        """Whether the same call may succeed later."""
        return self.status in _GATEWAY


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call.

    Attributes:
        method: HTTP method.
        path: From the service's root.
        read: Makes the result of a good answer.
        query: Parameters.
        body: Bytes, of ``media_type``.
        repeatable: Sending it twice is the same as once.
        media_type: Of the body.
        encoding: Content coding of the body, None for none.
        cuttable: The beginning of an answer counts, when the connection is lost before its end.
        unknown: Makes the result where the service does not know the call, which came with a later version.
    """

    method: str
    path: str
    read: Callable[[Answer], T]
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    repeatable: bool = True
    media_type: str = "application/json"
    encoding: str | None = None
    cuttable: bool = False
    unknown: Callable[[], T] | None = None

    def result(self, answer: Answer) -> T:
        """Return the result.

        Raises:
            ChainsvcError: What the service refused, or ``ServiceUnavailable`` for an answer that is not the service's.
        """
        if self.unknown is not None and answer.status in _UNKNOWN_CALL:
            return self.unknown()
        if (error := answer.refusal()) is not None:
            raise error
        try:
            return self.read(answer)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise unreadable(answer.status, answer.body) from error


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """A page of a list.

    Attributes:
        items: In order.
        next: Cursor of the next page, None at the end.
    """

    items: tuple[T, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Pause:
    """A step that only waits.

    Attributes:
        seconds: How long.
    """

    seconds: float


class Ticket(Protocol):
    """A call under way."""

    def cancel(self) -> object:
        """Give it up: nobody waits for its answer any more."""
        ...


@dataclass(frozen=True, slots=True)
class Begin:
    """A step that sends a call and does not wait for its answer; its result is the ticket.

    Attributes:
        call: What to send.
    """

    call: Call[Any]


@dataclass(frozen=True, slots=True)
class Await:
    """A step that waits for a call under way; its result, or its error, is the call's.

    Attributes:
        ticket: What :class:`Begin` gave.
    """

    ticket: Any


Step: TypeAlias = "Call[Any] | Begin | Await | Pause"
Steps: TypeAlias = Generator[Step, Any, T]
"""What a verb does: it yields calls and pauses, gets each call's result sent in or its error thrown in, and returns
its own result. The blocking and the asynchronous client drive the same steps."""
