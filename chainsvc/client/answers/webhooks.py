"""Answers about webhooks: endpoints, and deliveries to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from chainsvc.client.answers.fields import maybe, one_of, truth
from chainsvc.crypto.webhooks import Scheme
from chainsvc.reading import array_of, text, whole

EVENT_TYPES: Final = (
    "batch.final",
    "batch.reopened",
    "records.final",
    "standing.final",
    "standing.refused",
    "standing.reopened",
    "ledger.opened",
    "ledger.closed",
    "receipt.overdue",
    "record.erased",
)
"""What an endpoint may ask for."""

TEST_EVENT: Final = "webhook.test"
"""What an endpoint is sent when its organization tries it."""

DeliveryState = Literal["pending", "delivered", "dead"]
"""How far a delivery has come; a dead one is sent again by a replay only."""

DELIVERY_STATES: Final[tuple[DeliveryState, ...]] = ("pending", "delivered", "dead")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an organization wants to be told, and of what.

    Attributes:
        id: 16 hex digits.
        url: Where messages go.
        events: Event types.
        all_ledgers: Of every organization's ledgers; else of its own.
        ledger: Of this one alone, by name.
        description: What people call it.
        scheme: ``v1`` (HMAC-SHA256) or ``v1a`` (Ed25519).
        created_at: Unix seconds.
        disabled_at: Unix seconds; None while it is told anything.
        disabled_because: Why.
        failing_since: Unix seconds; None while it answers.
        old_secret_until: Until when the secret before signs too, Unix seconds.
        secret: What the receiver verifies with; there only when it was just made.
    """

    id: str
    url: str
    events: tuple[str, ...]
    all_ledgers: bool
    ledger: str | None
    description: str
    scheme: Scheme
    created_at: int
    disabled_at: int | None = None
    disabled_because: str | None = None
    failing_since: int | None = None
    old_secret_until: int | None = None
    secret: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the answer; ``secret`` is left out where there is none to show."""
        value: dict[str, Any] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        value["events"] = list(self.events)
        if self.secret is None:
            del value["secret"]
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read an answer.

        Raises:
            MalformedInput: A member of another type.
        """
        return cls(
            id=text(value["id"], "/id"),
            url=text(value["url"], "/url"),
            events=tuple(text(event, "/events") for event in array_of(value["events"], "/events")),
            all_ledgers=truth(value["all_ledgers"], "/all_ledgers"),
            ledger=maybe(text, value["ledger"], "/ledger"),
            description=text(value["description"], "/description"),
            scheme=one_of(value["scheme"], ("v1", "v1a"), "/scheme"),
            created_at=whole(value["created_at"], "/created_at"),
            disabled_at=maybe(whole, value["disabled_at"], "/disabled_at"),
            disabled_because=maybe(text, value["disabled_because"], "/disabled_because"),
            failing_since=maybe(whole, value["failing_since"], "/failing_since"),
            old_secret_until=maybe(whole, value["old_secret_until"], "/old_secret_until"),
            secret=maybe(text, value.get("secret"), "/secret"),
        )


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far telling an endpoint of one event has come.

    Attributes:
        id: The message's id: ``webhook-id`` of every attempt.
        type: Event type.
        happened_at: Unix seconds.
        state: See :data:`DeliveryState`.
        attempts: Made so far, since the last replay.
        due_at: Next attempt, Unix seconds; None unless it is pending.
        tried_at: Last attempt, Unix seconds.
        status: HTTP status of the last answer; None where there was none.
        answer: The last failed answer's beginning, or why there was none.
    """

    id: str
    type: str
    happened_at: int
    state: DeliveryState
    attempts: int
    due_at: int | None
    tried_at: int | None
    status: int | None
    answer: str | None

    def to_json(self) -> dict[str, Any]:
        """Return the answer."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read an answer.

        Raises:
            MalformedInput: A member of another type.
        """
        return cls(
            id=text(value["id"], "/id"),
            type=text(value["type"], "/type"),
            happened_at=whole(value["happened_at"], "/happened_at"),
            state=one_of(value["state"], DELIVERY_STATES, "/state"),
            attempts=whole(value["attempts"], "/attempts"),
            due_at=maybe(whole, value["due_at"], "/due_at"),
            tried_at=maybe(whole, value["tried_at"], "/tried_at"),
            status=maybe(whole, value["status"], "/status"),
            answer=maybe(text, value["answer"], "/answer"),
        )
