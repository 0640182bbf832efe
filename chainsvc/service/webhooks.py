"""Webhooks: an organization's endpoints, and what became of telling them."""

from dataclasses import astuple
from typing import cast

from sqlalchemy import Connection, Engine

from chainsvc.api.webhook_port import EndpointOrder
from chainsvc.client.answers import Page
from chainsvc.client.answers.webhooks import Delivery, DeliveryState, Endpoint
from chainsvc.crypto.envelope import Envelope
from chainsvc.errors import Conflict
from chainsvc.journal import deliveries, endpoints
from chainsvc.journal.endpoints import Subscription
from chainsvc.settings import Settings
from chainsvc.webhooks import rules_of

_AGAIN: tuple[DeliveryState, ...] = ("dead",)
_ALL: tuple[DeliveryState, ...] = ("dead", "delivered")


class Webhooks:
    """Answers every call about webhooks; implements :class:`chainsvc.api.webhook_port.WebhookPort`."""

    def __init__(self, engine: Engine, envelope: Envelope, settings: Settings) -> None:
        """Keep endpoints in this journal, by these limits."""
        self._engine = engine
        self._envelope = envelope
        self._settings = settings

    def add(self, order: EndpointOrder) -> Endpoint:
        """Make an endpoint; the answer holds its secret."""
        rules_of(self._settings).check_url(order.url)
        with self._engine.begin() as conn:
            asked = Subscription(*astuple(order))
            made, key = endpoints.create(conn, asked, self._envelope, most=self._settings.webhook_endpoints)
        return _endpoint(made, key.shown)

    def list(self, uscc: str) -> tuple[Endpoint, ...]:
        """Return an organization's endpoints, the oldest first."""
        with self._engine.connect() as conn:
            return tuple(map(_endpoint, endpoints.listing(conn, uscc)))

    def get(self, uscc: str, endpoint_id: str) -> Endpoint:
        """Return one endpoint."""
        with self._engine.connect() as conn:
            return _endpoint(endpoints.get(conn, endpoint_id, uscc=uscc))

    def remove(self, uscc: str, endpoint_id: str) -> None:
        """Remove an endpoint and its deliveries."""
        with self._engine.begin() as conn:
            endpoints.remove(conn, endpoints.get(conn, endpoint_id, uscc=uscc).endpoint_id)

    def enable(self, uscc: str, endpoint_id: str) -> Endpoint:
        """Tell an endpoint again what happens from now on."""
        with self._engine.begin() as conn:
            endpoints.get(conn, endpoint_id, uscc=uscc)
            endpoints.enable(conn, endpoint_id)
            return _endpoint(endpoints.get(conn, endpoint_id))

    def rotate(self, uscc: str, endpoint_id: str) -> Endpoint:
        """Give an endpoint a new secret; the one before signs on for a while."""
        with self._engine.begin() as conn:
            found = endpoints.get(conn, endpoint_id, uscc=uscc)
            key = endpoints.rotate(conn, found, self._envelope, overlap_s=self._settings.webhook_overlap_s)
            return _endpoint(endpoints.get(conn, endpoint_id), key.shown)

    def test(self, uscc: str, endpoint_id: str) -> Delivery:
        """Have a test message sent."""
        with self._engine.begin() as conn:
            _open_one(conn, uscc, endpoint_id)
            return _delivery(deliveries.test(conn, endpoint_id))

    def deliveries(
        self, uscc: str, endpoint_id: str, before: int | None, limit: int, state: DeliveryState | None
    ) -> Page[Delivery]:
        """Return a page of deliveries, the newest first."""
        with self._engine.connect() as conn:
            endpoints.get(conn, endpoint_id, uscc=uscc)
            found = deliveries.page(conn, endpoint_id, before=before, state=state, limit=limit)
        following = found[-1].number if len(found) == limit else None
        return Page(tuple(map(_delivery, found)), following)

    def delivery(self, uscc: str, endpoint_id: str, message_id: str) -> Delivery:
        """Return one delivery."""
        with self._engine.connect() as conn:
            endpoints.get(conn, endpoint_id, uscc=uscc)
            return _delivery(deliveries.get(conn, endpoint_id, message_id))

    def replay(self, uscc: str, endpoint_id: str, message_id: str) -> Delivery:
        """Have one message sent again."""
        with self._engine.begin() as conn:
            _open_one(conn, uscc, endpoint_id)
            return _delivery(deliveries.replay(conn, endpoint_id, message_id))

    def replay_since(self, uscc: str, endpoint_id: str, since: int, *, delivered: bool) -> int:
        """Have the dead ones since a time sent again, with ``delivered`` those too."""
        with self._engine.begin() as conn:
            _open_one(conn, uscc, endpoint_id)
            return deliveries.replay_since(conn, endpoint_id, since, _ALL if delivered else _AGAIN)


def _open_one(conn: Connection, uscc: str, endpoint_id: str) -> None:
    found = endpoints.get(conn, endpoint_id, uscc=uscc)
    if found.disabled_at is not None:
        raise Conflict(
            "the endpoint is disabled",
            got=found.disabled_because,
            where=endpoint_id,
            hint="Enable it first: chainsvc webhook enable.",
        )


def _endpoint(found: endpoints.Endpoint, secret: str | None = None) -> Endpoint:
    asked = found.subscription
    return Endpoint(
        id=found.endpoint_id,
        url=asked.url,
        events=asked.events,
        all_ledgers=asked.all_ledgers,
        ledger=asked.ledger,
        description=asked.description,
        scheme=asked.scheme,
        created_at=found.created_at,
        disabled_at=found.disabled_at,
        disabled_because=found.disabled_because,
        failing_since=found.failing_since,
        old_secret_until=found.old_until,
        secret=secret,
    )


def _delivery(found: deliveries.Delivery) -> Delivery:
    return Delivery(
        id=found.message_id,
        type=found.type,
        happened_at=found.happened_at,
        state=cast("DeliveryState", found.state),
        attempts=found.attempts,
        due_at=found.due_at if found.state == "pending" else None,
        tried_at=found.tried_at,
        status=found.status,
        answer=found.answer,
    )
