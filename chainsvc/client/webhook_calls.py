"""Every call about webhooks, as a value."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson

from chainsvc.client.answers.webhooks import Delivery, DeliveryState, Endpoint
from chainsvc.client.exchange import Answer, Call, Part
from chainsvc.crypto.webhooks import Scheme
from chainsvc.reading import whole

_ROOT = "/v1/webhooks"


def add(
    url: str, events: Sequence[str], *, all_ledgers: bool, ledger: str | None, description: str, scheme: Scheme
) -> Call[Endpoint]:
    """Ask for an endpoint; a second call would make a second one, so it is not repeated blindly."""
    body = {
        "url": url,
        "events": list(events),
        "all_ledgers": all_ledgers,
        "ledger": ledger,
        "description": description,
        "scheme": scheme,
    }
    return Call("POST", _ROOT, _endpoint, body=orjson.dumps(body), repeatable=False)


def listing() -> Call[tuple[Endpoint, ...]]:
    """Ask for all endpoints of the key's organization."""
    return Call("GET", _ROOT, lambda answer: tuple(map(Endpoint.from_json, answer.json()["endpoints"])))


def get(endpoint_id: str) -> Call[Endpoint]:
    """Ask for one endpoint."""
    return Call("GET", _path(endpoint_id), _endpoint)


def remove(endpoint_id: str) -> Call[None]:
    """Remove an endpoint."""
    return Call("DELETE", _path(endpoint_id), lambda _: None, repeatable=False)


def enable(endpoint_id: str) -> Call[Endpoint]:
    """Enable an endpoint again."""
    return Call("POST", _path(endpoint_id, "enable"), _endpoint)


def rotate(endpoint_id: str) -> Call[Endpoint]:
    """Ask for a new secret; a second call would end the first one's, so it is not repeated blindly."""
    return Call("POST", _path(endpoint_id, "rotate"), _endpoint, repeatable=False)


def test(endpoint_id: str) -> Call[Delivery]:
    """Have a test message sent."""
    return Call("POST", _path(endpoint_id, "test"), _delivery)


def deliveries(endpoint_id: str, after: str | None, state: DeliveryState | None) -> Call[Part[Delivery]]:
    """Ask for a page of an endpoint's deliveries, the newest first."""
    given = {"limit": "100", "after": after, "state": state}
    query = {name: value for name, value in given.items() if value is not None}

    def part(answer: Answer) -> Part[Delivery]:
        value = answer.json()
        return Part(tuple(map(Delivery.from_json, value["deliveries"])), value["next"])

    return Call("GET", _path(endpoint_id, "deliveries"), part, query)


def delivery(endpoint_id: str, message_id: str) -> Call[Delivery]:
    """Ask for one delivery."""
    return Call("GET", _path(endpoint_id, "deliveries", message_id), _delivery)


def replay(endpoint_id: str, message_id: str) -> Call[Delivery]:
    """Have one message sent again."""
    return Call("POST", _path(endpoint_id, "deliveries", message_id, "replay"), _delivery)


def replay_since(endpoint_id: str, since: int, *, delivered: bool) -> Call[int]:
    """Have what happened since a time sent again."""
    body: Mapping[str, Any] = {"since": since, "delivered": delivered}
    path = _path(endpoint_id, "replay")
    return Call("POST", path, lambda answer: whole(answer.json()["replayed"], "/replayed"), body=orjson.dumps(body))


def _path(*parts: str) -> str:
    return "/".join([_ROOT, *(quote(part, safe="") for part in parts)])


def _endpoint(answer: Answer) -> Endpoint:
    return Endpoint.from_json(answer.json())


def _delivery(answer: Answer) -> Delivery:
    return Delivery.from_json(answer.json())
