"""Webhooks of the fake service: endpoints and deliveries in memory; what is sent is taken at once."""

import itertools
from dataclasses import dataclass, field, replace
from typing import Any

from chainsvc.api.webhook_port import EndpointOrder
from chainsvc.client.answers import Page
from chainsvc.client.answers.webhooks import TEST_EVENT, Delivery, DeliveryState, Endpoint
from chainsvc.crypto.webhooks import WebhookKey
from chainsvc.errors import AddressRefused, Conflict, MalformedInput, NotFound

NOW = 1_767_578_400


@dataclass
class FakeWebhooks:
    """Endpoints by organization and id."""

    kept: dict[str, tuple[str, Endpoint]] = field(default_factory=dict)
    told: dict[str, list[Delivery]] = field(default_factory=dict)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    most: int = 100

    def add(self, order: EndpointOrder) -> Endpoint:
        if not order.url.startswith("https://"):
            raise AddressRefused("a webhook goes over HTTPS", expected="https://…", where="/url")
        if len(self.list(order.uscc)) >= self.most:
            raise Conflict("the organization has enough endpoints", expected=f"at most {self.most}")
        endpoint_id = f"{next(self.numbers):016x}"
        asked = {name: getattr(order, name) for name in order.__dataclass_fields__ if name != "uscc"}
        endpoint = Endpoint(endpoint_id, **asked, created_at=NOW)
        self.kept[endpoint_id] = order.uscc, endpoint
        self.told[endpoint_id] = []
        return replace(endpoint, secret=WebhookKey.generate(order.scheme).shown)

    def list(self, uscc: str) -> list[Endpoint]:
        return [endpoint for owner, endpoint in self.kept.values() if owner == uscc]

    def get(self, uscc: str, endpoint_id: str) -> Endpoint:
        owner, endpoint = self.kept.get(endpoint_id, ("", None))
        if endpoint is None or owner != uscc:
            raise NotFound("no such webhook endpoint", got=endpoint_id)
        return endpoint

    def remove(self, uscc: str, endpoint_id: str) -> None:
        self.get(uscc, endpoint_id)
        del self.kept[endpoint_id]

    def enable(self, uscc: str, endpoint_id: str) -> Endpoint:
        return self.change(uscc, endpoint_id, disabled_at=None, disabled_because=None)

    def disable(self, uscc: str, endpoint_id: str) -> None:
        """As after 410."""
        self.change(uscc, endpoint_id, disabled_at=NOW, disabled_because="it answered 410 Gone")

    def change(self, uscc: str, endpoint_id: str, **changed: Any) -> Endpoint:
        endpoint = replace(self.get(uscc, endpoint_id), **changed)
        self.kept[endpoint_id] = uscc, endpoint
        return endpoint

    def rotate(self, uscc: str, endpoint_id: str) -> Endpoint:
        endpoint = self.change(uscc, endpoint_id, old_secret_until=NOW + 86_400)
        return replace(endpoint, secret=WebhookKey.generate(endpoint.scheme).shown)

    def test(self, uscc: str, endpoint_id: str) -> Delivery:
        self._open_one(uscc, endpoint_id)
        message = f"evt_{next(self.numbers):032x}"
        made = Delivery(message, TEST_EVENT, NOW, "pending", 0, NOW, None, None, None)
        self.told[endpoint_id].append(replace(made, state="delivered", attempts=1, due_at=None, status=204))
        return made

    def deliveries(
        self, uscc: str, endpoint_id: str, before: int | None, limit: int, state: DeliveryState | None
    ) -> Page[Delivery]:
        self.get(uscc, endpoint_id)
        numbered = list(enumerate(self.told[endpoint_id]))[::-1]
        found = [(n, one) for n, one in numbered if (before is None or n < before) and state in (None, one.state)]
        part = found[:limit]
        return Page(tuple(one for _, one in part), part[-1][0] if len(part) == limit else None)

    def delivery(self, uscc: str, endpoint_id: str, message_id: str) -> Delivery:
        self.get(uscc, endpoint_id)
        if not message_id.startswith("evt_"):
            raise MalformedInput("not a message's id", where="message")
        for found in self.told[endpoint_id]:
            if found.id == message_id:
                return found
        raise NotFound("the endpoint has no such delivery", got=message_id)

    def replay(self, uscc: str, endpoint_id: str, message_id: str) -> Delivery:
        self._open_one(uscc, endpoint_id)
        return replace(self.delivery(uscc, endpoint_id, message_id), state="pending", attempts=0, due_at=NOW)

    def replay_since(self, uscc: str, endpoint_id: str, since: int, *, delivered: bool) -> int:
        self._open_one(uscc, endpoint_id)
        states = ("dead", "delivered") if delivered else ("dead",)
        return sum(one.happened_at >= since and one.state in states for one in self.told[endpoint_id])

    def _open_one(self, uscc: str, endpoint_id: str) -> None:
        if self.get(uscc, endpoint_id).disabled_at is not None:
            raise Conflict("the endpoint is disabled", where=endpoint_id)
