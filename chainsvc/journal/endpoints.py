"""Endpoints: where an organization wants to be told, of what, and under which key.

Times are the database's own (Unix seconds), since several services share it and their clocks differ.
"""

import secrets
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, and_, delete, func, select, update

from chainsvc.crypto.envelope import Envelope
from chainsvc.crypto.webhooks import Scheme, WebhookKey
from chainsvc.errors import Conflict, NotFound
from chainsvc.journal.columns import now
from chainsvc.journal.network import kek_check
from chainsvc.journal.webhook_tables import deliveries, endpoints

ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class Subscription:
    """What an organization asks for.

    Attributes:
        uscc: The organization.
        url: Where messages go.
        events: Event types.
        all_ledgers: Of every organization's ledgers, as an auditor; else of its own.
        ledger: Of this one alone, by name.
        description: What people call it.
        scheme: How messages are signed.
    """

    uscc: str
    url: str
    events: tuple[str, ...]
    all_ledgers: bool
    ledger: str | None
    description: str
    scheme: Scheme


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint, without its key.

    Attributes:
        endpoint_id: 16 hex digits.
        subscription: What was asked for.
        created_at: Unix seconds.
        disabled_at: Unix seconds; None while it is open.
        disabled_because: Why.
        failures: Attempts that failed since the last that did not.
        failing_since: Unix seconds; None while it answers.
        old_until: Until when the key before still signs too, Unix seconds.
    """

    endpoint_id: str
    subscription: Subscription
    created_at: int
    disabled_at: int | None
    disabled_because: str | None
    failures: int
    failing_since: int | None
    old_until: int | None


_ASKED = [endpoints.c[name] for name in Subscription.__dataclass_fields__]
_STATE = [endpoints.c[name] for name in list(Endpoint.__dataclass_fields__)[2:]]
_COLUMNS = (endpoints.c.endpoint_id, *_ASKED, *_STATE)


def create(
    conn: Connection, subscription: Subscription, envelope: Envelope, *, most: int
) -> tuple[Endpoint, WebhookKey]:
    """Make an endpoint and return it with its key, which is kept wrapped.

    Raises:
        Conflict: The organization has ``most`` already.
    """
    has = select(func.count()).where(endpoints.c.uscc == subscription.uscc)
    if (count := conn.execute(has).scalar_one()) >= most:
        raise Conflict(
            "the organization has enough endpoints", expected=f"at most {most}", got=count, hint="Remove one first."
        )
    endpoint_id, key = secrets.token_hex(ID_BYTES), WebhookKey.generate(subscription.scheme)
    asked = {name: getattr(subscription, name) for name in Subscription.__dataclass_fields__}
    row = {**asked, "events": list(subscription.events), "endpoint_id": endpoint_id, "created_at": now()}
    _turn(conn, envelope)
    wrapped = envelope.wrap_webhook_key(endpoint_id, key.key)
    conn.execute(endpoints.insert().values(**row, wrapped_key=wrapped))
    return get(conn, endpoint_id), key


def get(conn: Connection, endpoint_id: str, *, uscc: str | None = None) -> Endpoint:
    """Return an endpoint, one of ``uscc`` where named: another organization's is not told from none.

    Raises:
        NotFound: No such endpoint.
    """
    query = select(*_COLUMNS).where(endpoints.c.endpoint_id == endpoint_id)
    row = conn.execute(query if uscc is None else query.where(endpoints.c.uscc == uscc)).first()
    if row is None:
        raise NotFound("no such webhook endpoint", got=endpoint_id, hint="`chainsvc webhook list` shows them.")
    return _endpoint(row)


def listing(conn: Connection, uscc: str) -> tuple[Endpoint, ...]:
    """Return an organization's endpoints, the oldest first."""
    query = select(*_COLUMNS).where(endpoints.c.uscc == uscc)
    return tuple(map(_endpoint, conn.execute(query.order_by(endpoints.c.created_at, endpoints.c.endpoint_id))))


def remove(conn: Connection, endpoint_id: str) -> None:
    """Delete an endpoint, its key and what was still to be told to it."""
    conn.execute(delete(endpoints).where(endpoints.c.endpoint_id == endpoint_id))


def rotate(conn: Connection, endpoint: Endpoint, envelope: Envelope, *, overlap_s: int) -> WebhookKey:
    """Give an endpoint a new key; the one before signs beside it for ``overlap_s`` seconds."""
    key = WebhookKey.generate(endpoint.subscription.scheme)
    _turn(conn, envelope)
    new = {
        "wrapped_key": envelope.wrap_webhook_key(endpoint.endpoint_id, key.key),
        "old_wrapped_key": endpoints.c.wrapped_key,
        "old_until": now() + overlap_s,
    }
    conn.execute(update(endpoints).where(endpoints.c.endpoint_id == endpoint.endpoint_id).values(**new))
    return key


def _turn(conn: Connection, envelope: Envelope) -> None:
    """Wrap with the key-encryption key that counts; the lock holds off who replaces it until we commit."""
    conn.exec_driver_sql("LOCK TABLE endpoints IN ROW EXCLUSIVE MODE")
    if (counting := kek_check(conn)) is not None:
        envelope.turn(counting)


def note_taken(conn: Connection, endpoint_id: str) -> None:
    """Say that an endpoint answers; one that did all along is not written again."""
    failing = and_(endpoints.c.endpoint_id == endpoint_id, endpoints.c.failures > 0)
    conn.execute(update(endpoints).where(failing).values(failures=0, failing_since=None, resume_at=0))


def note_failed(conn: Connection, endpoint_id: str, pause_s: int) -> int | None:
    """Leave a failing endpoint alone for a while; return for how many seconds it has failed, None if it is gone."""
    change = {
        "failures": endpoints.c.failures + 1,
        "failing_since": func.coalesce(endpoints.c.failing_since, now()),
        "resume_at": now() + pause_s,
    }
    here = update(endpoints).where(endpoints.c.endpoint_id == endpoint_id).values(**change)
    return conn.execute(here.returning(now() - endpoints.c.failing_since)).scalar_one_or_none()


def disable(conn: Connection, endpoint_id: str, reason: str) -> None:
    """Tell an endpoint nothing more; what was pending for it is dead, until it is replayed."""
    here = and_(endpoints.c.endpoint_id == endpoint_id, endpoints.c.disabled_at.is_(None))
    conn.execute(update(endpoints).where(here).values(disabled_at=now(), disabled_because=reason))
    pending = and_(deliveries.c.endpoint_id == endpoint_id, deliveries.c.state == "pending")
    conn.execute(update(deliveries).where(pending).values(state="dead"))


def enable(conn: Connection, endpoint_id: str) -> None:
    """Tell an endpoint again what happens from now on."""
    anew = {"disabled_at": None, "disabled_because": None, "failures": 0, "failing_since": None, "resume_at": 0}
    conn.execute(update(endpoints).where(endpoints.c.endpoint_id == endpoint_id).values(**anew))


def _endpoint(row: Any) -> Endpoint:
    endpoint_id, *rest = row
    asked, state = rest[: len(_ASKED)], rest[len(_ASKED) :]
    uscc, url, events, all_ledgers, ledger, description, scheme = asked
    subscription = Subscription(uscc, url, tuple(events), all_ledgers, ledger, description, cast("Scheme", scheme))
    return Endpoint(endpoint_id, subscription, *state)
