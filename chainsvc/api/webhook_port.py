"""What the routes of webhooks ask of the service: one Protocol beside :mod:`chainsvc.api.ports`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chainsvc.client.answers import Page
from chainsvc.client.answers.webhooks import Delivery, DeliveryState, Endpoint
from chainsvc.crypto.webhooks import Scheme


@dataclass(frozen=True, slots=True)
class EndpointOrder:
    """What an organization asks to be told.

    Attributes:
        uscc: The organization.
        url: Where to.
        events: Event types.
        all_ledgers: Of every organization's ledgers; the routes have checked the right to it.
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


class WebhookPort(Protocol):
    """Webhooks. ``uscc`` is the caller's organization: endpoints of another one are not found."""

    def add(self, order: EndpointOrder) -> Endpoint:
        """Make an endpoint; the answer holds its secret.

        Raises:
            AddressRefused: The service does not call such addresses.
            Conflict: The organization has enough endpoints.
        """
        ...

    def list(self, uscc: str) -> Sequence[Endpoint]:
        """Return an organization's endpoints, the oldest first."""
        ...

    def get(self, uscc: str, endpoint_id: str) -> Endpoint:
        """Return one endpoint.

        Raises:
            NotFound: No such endpoint.
        """
        ...

    def remove(self, uscc: str, endpoint_id: str) -> None:
        """Remove an endpoint and its deliveries.

        Raises:
            NotFound: No such endpoint.
        """
        ...

    def enable(self, uscc: str, endpoint_id: str) -> Endpoint:
        """Tell an endpoint again what happens from now on.

        Raises:
            NotFound: No such endpoint.
        """
        ...

    def rotate(self, uscc: str, endpoint_id: str) -> Endpoint:
        """Give an endpoint a new secret, which the answer holds; the one before signs on for a while.

        Raises:
            NotFound: No such endpoint.
        """
        ...

    def test(self, uscc: str, endpoint_id: str) -> Delivery:
        """Have a test message sent.

        Raises:
            NotFound: No such endpoint.
            Conflict: It is disabled.
        """
        ...

    def deliveries(
        self, uscc: str, endpoint_id: str, before: int | None, limit: int, state: DeliveryState | None
    ) -> Page[Delivery]:
        """Return a page of deliveries, the newest first, before a position of an earlier page.

        Raises:
            NotFound: No such endpoint.
        """
        ...

    def delivery(self, uscc: str, endpoint_id: str, message_id: str) -> Delivery:
        """Return one delivery.

        Raises:
            NotFound: No such endpoint or delivery.
        """
        ...

    def replay(self, uscc: str, endpoint_id: str, message_id: str) -> Delivery:
        """Have one message sent again, with all attempts anew.

        Raises:
            NotFound: No such endpoint or delivery.
            Conflict: The endpoint is disabled.
        """
        ...

    def replay_since(self, uscc: str, endpoint_id: str, since: int, *, delivered: bool) -> int:
        """Have the dead ones since a time sent again, with ``delivered`` those too; return how many.

        Raises:
            NotFound: No such endpoint.
            Conflict: The endpoint is disabled.
        """
        ...
