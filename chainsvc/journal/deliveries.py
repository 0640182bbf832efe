"""Deliveries: one event for one endpoint, how far telling it has come, and telling it again."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, delete, func, literal, select, tuple_, update

from chainsvc.client.answers.webhooks import TEST_EVENT
from chainsvc.errors import MalformedInput, NotFound
from chainsvc.journal.columns import now
from chainsvc.journal.webhook_tables import deliveries, endpoints, events

_PREFIX = "evt_"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far telling one endpoint of one event has come.

    Attributes:
        message_id: What the receiver knows it by.
        number: Place among all events.
        type: Event type.
        happened_at: Unix seconds.
        state: ``pending``, ``delivered`` or ``dead``.
        attempts: Made so far, since the last replay.
        due_at: Next attempt, Unix seconds, while pending.
        tried_at: Last attempt, Unix seconds.
        status: HTTP status of the last answer.
        answer: Its beginning, or why there was none.
    """

    message_id: str
    number: int
    type: str
    happened_at: int
    state: str
    attempts: int
    due_at: int
    tried_at: int | None
    status: int | None
    answer: str | None


class Backlog(NamedTuple):
    """What waits.

    Attributes:
        pending: Deliveries.
        oldest_s: Age of the oldest one's event in seconds, 0 without any.
    """

    pending: int
    oldest_s: int


def message_id(event_id: uuid.UUID) -> str:
    """Return the id under which receivers know an event, however often it is sent."""
    return _PREFIX + event_id.hex


def test(conn: Connection, endpoint_id: str) -> Delivery:
    """Have an endpoint sent a test message, on the way of all others."""
    event = {"ledger_id": bytes(32), "event_id": uuid.uuid4(), "type": TEST_EVENT, "data": {}, "happened_at": now()}
    number = conn.execute(events.insert().values(**event).returning(events.c.number)).scalar_one()
    place = {"ledger_id": event["ledger_id"], "event_id": event["event_id"], "endpoint_id": endpoint_id}
    conn.execute(deliveries.insert().values(**place, number=number, state="pending", attempts=0, due_at=now()))
    return get(conn, endpoint_id, message_id(uuid.UUID(str(event["event_id"]))))


def get(conn: Connection, endpoint_id: str, message: str) -> Delivery:
    """Return a delivery by its message's id.

    Raises:
        NotFound: The endpoint has no such delivery, or has it no more.
        MalformedInput: Not a message's id.
    """
    here = and_(deliveries.c.endpoint_id == endpoint_id, deliveries.c.event_id == event_of(message))
    row = conn.execute(_listed().where(here)).first()
    if row is None:
        raise NotFound("the endpoint has no such delivery", got=message)
    return _delivery(row)


def page(
    conn: Connection, endpoint_id: str, *, before: int | None = None, state: str | None = None, limit: int = 100
) -> tuple[Delivery, ...]:
    """Return an endpoint's deliveries, the newest first, those of events before a number."""
    query = _listed().where(deliveries.c.endpoint_id == endpoint_id)
    if before is not None:
        query = query.where(deliveries.c.number < before)
    if state is not None:
        query = query.where(deliveries.c.state == state)
    return tuple(map(_delivery, conn.execute(query.order_by(deliveries.c.number.desc()).limit(limit))))


def _listed() -> Any:
    columns = (deliveries.c.event_id, deliveries.c.number, events.c.type, events.c.happened_at)
    rest = [deliveries.c[name] for name in ("state", "attempts", "due_at", "tried_at", "status", "answer")]
    same = and_(events.c.ledger_id == deliveries.c.ledger_id, events.c.event_id == deliveries.c.event_id)
    return select(*columns, *rest).select_from(deliveries.join(events, same))


def _delivery(row: Any) -> Delivery:
    event_id, *rest = row
    return Delivery(message_id(event_id), *rest)


def event_of(message: str) -> uuid.UUID:
    """Return the event of a message's id.

    Raises:
        MalformedInput: Not a message's id.
    """
    digits = message.removeprefix(_PREFIX)
    if not message.startswith(_PREFIX) or len(digits) != 32 or set(digits) - set("0123456789abcdef"):  # noqa: PLR2004 - of a UUID
        raise MalformedInput("not a message's id", expected="evt_ and 32 hex digits", got=message[:80], where="message")
    return uuid.UUID(digits)


def replay(conn: Connection, endpoint_id: str, message: str) -> Delivery:
    """Send one again, whatever became of it, with all attempts anew.

    Raises:
        NotFound: The endpoint has no such delivery.
    """
    here = and_(deliveries.c.endpoint_id == endpoint_id, deliveries.c.event_id == event_of(message))
    conn.execute(update(deliveries).where(here).values(**_anew()))
    return get(conn, endpoint_id, message)


def replay_since(conn: Connection, endpoint_id: str, since: int, states: Sequence[str]) -> int:
    """Send again what happened since a time and is in one of the states; return how many."""
    happened = select(literal(1)).where(
        events.c.ledger_id == deliveries.c.ledger_id,
        events.c.event_id == deliveries.c.event_id,
        events.c.happened_at >= since,
    )
    here = and_(deliveries.c.endpoint_id == endpoint_id, deliveries.c.state.in_(states), happened.exists())
    return conn.execute(update(deliveries).where(here).values(**_anew())).rowcount


def _anew() -> dict[str, Any]:
    return {"state": "pending", "attempts": 0, "due_at": now()}


def backlog(conn: Connection) -> Backlog:
    """Return what waits for endpoints that are open."""
    open_ones = select(endpoints.c.endpoint_id).where(endpoints.c.disabled_at.is_(None))
    waits = and_(deliveries.c.state == "pending", deliveries.c.endpoint_id.in_(open_ones))
    same = and_(events.c.ledger_id == deliveries.c.ledger_id, events.c.event_id == deliveries.c.event_id)
    query = select(func.count(), func.coalesce(now() - func.min(events.c.happened_at), 0))
    return Backlog(*conn.execute(query.select_from(deliveries.join(events, same)).where(waits)).one())


def prune(conn: Connection, keep_s: int, *, limit: int = 1_000) -> int:
    """Forget what happened ``keep_s`` seconds ago and is not pending any more; return how many events went."""
    old = events.c.happened_at < now() - keep_s
    same = and_(deliveries.c.ledger_id == events.c.ledger_id, deliveries.c.event_id == events.c.event_id)
    waits = select(literal(1)).where(same, deliveries.c.state == "pending").exists()
    query = select(events.c.ledger_id, events.c.event_id).where(old, ~waits).order_by(events.c.happened_at)
    gone = [tuple(row) for row in conn.execute(query.limit(limit).with_for_update(skip_locked=True))]
    if gone:
        for table in (deliveries, events):
            conn.execute(delete(table).where(tuple_(table.c.ledger_id, table.c.event_id).in_(gone)))
    return len(gone)
