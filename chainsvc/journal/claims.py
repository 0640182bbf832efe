"""Claims: attempts to deliver, each taken by one deliverer at a time.

A deliverer claims what is due in a short transaction, sends without one, and writes the outcome in another. Several
share the work: a claimed row is locked for that moment and due again only after its lease. A deliverer that dies in
between leaves a claim that runs out, and the event is sent again, under the same id: at least once.
"""

import uuid
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, and_, exists, select, update

from chainsvc.crypto.envelope import Envelope
from chainsvc.crypto.webhooks import Scheme, WebhookKey
from chainsvc.journal.columns import now
from chainsvc.journal.webhook_tables import deliveries, endpoints, events


class DeliveryKey(NamedTuple):
    """Which delivery, and which of its attempts: the outcome of an older one changes nothing."""

    ledger_id: bytes
    event_id: uuid.UUID
    endpoint_id: str
    attempt: int


class Due(NamedTuple):
    """An endpoint that something is due for.

    Attributes:
        endpoint_id: Which.
        failures: Attempts that failed since the last that did not.
    """

    endpoint_id: str
    failures: int


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt to make.

    Attributes:
        key: Which; ``key.attempt`` counts from 1.
        type: Event type.
        data: What happened.
        happened_at: Unix seconds.
        url: Where to.
        failures: Of the endpoint, as for :class:`Due`.
        keys: What to sign with: the endpoint's key, and the one before while that still counts.
    """

    key: DeliveryKey
    type: str
    data: dict[str, Any]
    happened_at: int
    url: str
    failures: int
    keys: tuple[WebhookKey, ...]


def due(conn: Connection) -> tuple[Due, ...]:
    """Return the endpoints that something is due for now, but those that are left alone for a while."""
    waits = exists().where(
        deliveries.c.endpoint_id == endpoints.c.endpoint_id,
        deliveries.c.state == "pending",
        deliveries.c.due_at <= now(),
    )
    ready = and_(endpoints.c.disabled_at.is_(None), endpoints.c.resume_at <= now(), waits)
    query = select(endpoints.c.endpoint_id, endpoints.c.failures).where(ready)
    return tuple(Due(*row) for row in conn.execute(query))


def claim(conn: Connection, endpoint_id: str, envelope: Envelope, *, limit: int, lease_s: int) -> tuple[Claim, ...]:
    """Take what is due for an endpoint, the oldest first, and put it off for ``lease_s`` seconds."""
    place = (deliveries.c.ledger_id, deliveries.c.event_id, deliveries.c.endpoint_id)
    ready = and_(deliveries.c.endpoint_id == endpoint_id, deliveries.c.state == "pending", deliveries.c.due_at <= now())
    oldest = select(*place).where(ready).order_by(deliveries.c.due_at, deliveries.c.number).limit(limit)
    locked = oldest.with_for_update(skip_locked=True).cte("locked")  # a CTE locks once, whatever the plan
    taken = (
        update(deliveries)
        .where(*(deliveries.c[column.name] == column for column in locked.c))
        .values(attempts=deliveries.c.attempts + 1, due_at=now() + lease_s, tried_at=now())
        .returning(*place, deliveries.c.attempts, deliveries.c.number)
        .cte("taken")
    )
    same_event = and_(events.c.ledger_id == taken.c.ledger_id, events.c.event_id == taken.c.event_id)
    query = (
        select(*list(taken.c)[:4], events.c.type, events.c.data, events.c.happened_at, *_FOR_CLAIM)
        .select_from(taken.join(events, same_event).join(endpoints, endpoints.c.endpoint_id == taken.c.endpoint_id))
        .order_by(taken.c.number)
    )
    return tuple(_claim(row, envelope) for row in conn.execute(query))


_FOR_CLAIM = (
    endpoints.c.url,
    endpoints.c.failures,
    endpoints.c.scheme,
    endpoints.c.wrapped_key,
    endpoints.c.old_wrapped_key,
    (endpoints.c.old_until > now()).label("old_counts"),
)


def _claim(row: Any, envelope: Envelope) -> Claim:
    wrapped = [row.wrapped_key, *([row.old_wrapped_key] if row.old_counts else [])]
    scheme = cast("Scheme", row.scheme)
    keys = tuple(WebhookKey(scheme, envelope.unwrap_webhook_key(row.endpoint_id, one)) for one in wrapped)
    return Claim(DeliveryKey(*row[:4]), row.type, row.data, row.happened_at, row.url, row.failures, keys)


def mark_delivered(conn: Connection, key: DeliveryKey, status: int) -> bool:
    """Say that the endpoint took it; False when the attempt was given up meanwhile."""
    return _end(conn, key, state="delivered", status=status, answer=None)


def mark_failed(conn: Connection, key: DeliveryKey, status: int | None, answer: str, *, again_in_s: int | None) -> bool:
    """Say how an attempt failed and when the next one is; None gives the delivery up.

    False when the attempt was given up meanwhile.
    """
    if again_in_s is None:
        return _end(conn, key, state="dead", status=status, answer=answer)
    return _end(conn, key, state="pending", status=status, answer=answer, due_at=now() + again_in_s)


def _end(conn: Connection, key: DeliveryKey, **values: Any) -> bool:
    here = and_(
        deliveries.c.ledger_id == key.ledger_id,
        deliveries.c.event_id == key.event_id,
        deliveries.c.endpoint_id == key.endpoint_id,
        deliveries.c.state == "pending",
        deliveries.c.attempts == key.attempt,
    )
    return bool(conn.execute(update(deliveries).where(here).values(**values)).rowcount)
