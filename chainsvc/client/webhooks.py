"""Webhooks in the SDK: who is told of what, and what became of telling; ``client.webhooks``."""

from collections.abc import AsyncIterator, Iterator, Sequence

from chainsvc.client import webhook_calls
from chainsvc.client.answers.webhooks import Delivery, DeliveryState, Endpoint
from chainsvc.client.sending import AsyncSender, Sender
from chainsvc.crypto.webhooks import Scheme


class Webhooks:
    """The endpoints of the key's organization; needs the scope ``webhook``.

    ::

        endpoint = client.webhooks.add("https://example.org/hook", ["batch.final"])
        keep(endpoint.secret)  # shown this once
    """

    def __init__(self, sender: Sender) -> None:
        """Call through this sender."""
        self._sender = sender

    def add(
        self,
        url: str,
        events: Sequence[str],
        *,
        all_ledgers: bool = False,
        ledger: str | None = None,
        description: str = "",
        scheme: Scheme = "v1",
    ) -> Endpoint:
        """Ask to be told; the answer holds the secret, this once.

        Args:
            url: Where messages are posted.
            events: Of :data:`chainsvc.client.answers.webhooks.EVENT_TYPES`.
            all_ledgers: Of every organization's ledgers; needs the scope ``audit`` too.
            ledger: Of this ledger alone.
            description: What people call it.
            scheme: ``v1a`` has a public key in place of a shared secret.

        Raises:
            AddressRefused: The service does not call such addresses.
        """
        return self._sender.do(
            webhook_calls.add(
                url, events, all_ledgers=all_ledgers, ledger=ledger, description=description, scheme=scheme
            )
        )

    def list(self) -> tuple[Endpoint, ...]:
        """Return all endpoints, the oldest first."""
        return self._sender.do(webhook_calls.listing())

    def get(self, endpoint_id: str) -> Endpoint:
        """Return one endpoint.

        Raises:
            NotFound: No such endpoint of this organization.
        """
        return self._sender.do(webhook_calls.get(endpoint_id))

    def remove(self, endpoint_id: str) -> None:
        """Remove an endpoint, and what was still to be told to it."""
        self._sender.do(webhook_calls.remove(endpoint_id))

    def enable(self, endpoint_id: str) -> Endpoint:
        """Tell an endpoint again that was disabled; what it missed is sent by :meth:`replay_since`."""
        return self._sender.do(webhook_calls.enable(endpoint_id))

    def rotate(self, endpoint_id: str) -> Endpoint:
        """Make a new secret; the one before signs beside it until ``old_secret_until``."""
        return self._sender.do(webhook_calls.rotate(endpoint_id))

    def test(self, endpoint_id: str) -> Delivery:
        """Have a test message sent on the way of all others; :meth:`delivery` tells what became of it."""
        return self._sender.do(webhook_calls.test(endpoint_id))

    def deliveries(self, endpoint_id: str, *, state: DeliveryState | None = None) -> Iterator[Delivery]:
        """Yield an endpoint's deliveries, the newest first."""
        return self._sender.pages(lambda after: webhook_calls.deliveries(endpoint_id, after, state))

    def delivery(self, endpoint_id: str, message_id: str) -> Delivery:
        """Return one delivery."""
        return self._sender.do(webhook_calls.delivery(endpoint_id, message_id))

    def replay(self, endpoint_id: str, message_id: str) -> Delivery:
        """Have one message sent again, whatever became of it."""
        return self._sender.do(webhook_calls.replay(endpoint_id, message_id))

    def replay_since(self, endpoint_id: str, since: int, *, delivered: bool = False) -> int:
        """Have what happened since a time (Unix seconds) and is dead sent again; return how many messages.

        With ``delivered`` also what was delivered: for a receiver that lost what it took.
        """
        return self._sender.do(webhook_calls.replay_since(endpoint_id, since, delivered=delivered))


class AsyncWebhooks:
    """:class:`Webhooks` for asyncio; each method is as there, awaited or iterated with ``async for``."""

    def __init__(self, sender: AsyncSender) -> None:
        """Call through this sender."""
        self._sender = sender

    async def add(
        self,
        url: str,
        events: Sequence[str],
        *,
        all_ledgers: bool = False,
        ledger: str | None = None,
        description: str = "",
        scheme: Scheme = "v1",
    ) -> Endpoint:
        """Ask to be told; the answer holds the secret, this once."""
        return await self._sender.do(
            webhook_calls.add(
                url, events, all_ledgers=all_ledgers, ledger=ledger, description=description, scheme=scheme
            )
        )

    async def list(self) -> tuple[Endpoint, ...]:
        """Return all endpoints, the oldest first."""
        return await self._sender.do(webhook_calls.listing())

    async def get(self, endpoint_id: str) -> Endpoint:
        """Return one endpoint."""
        return await self._sender.do(webhook_calls.get(endpoint_id))

    async def remove(self, endpoint_id: str) -> None:
        """Remove an endpoint, and what was still to be told to it."""
        await self._sender.do(webhook_calls.remove(endpoint_id))

    async def enable(self, endpoint_id: str) -> Endpoint:
        """Tell an endpoint again that was disabled."""
        return await self._sender.do(webhook_calls.enable(endpoint_id))

    async def rotate(self, endpoint_id: str) -> Endpoint:
        """Make a new secret; the one before signs beside it until ``old_secret_until``."""
        return await self._sender.do(webhook_calls.rotate(endpoint_id))

    async def test(self, endpoint_id: str) -> Delivery:
        """Have a test message sent on the way of all others."""
        return await self._sender.do(webhook_calls.test(endpoint_id))

    def deliveries(self, endpoint_id: str, *, state: DeliveryState | None = None) -> AsyncIterator[Delivery]:
        """Yield an endpoint's deliveries, the newest first."""
        return self._sender.pages(lambda after: webhook_calls.deliveries(endpoint_id, after, state))

    async def delivery(self, endpoint_id: str, message_id: str) -> Delivery:
        """Return one delivery."""
        return await self._sender.do(webhook_calls.delivery(endpoint_id, message_id))

    async def replay(self, endpoint_id: str, message_id: str) -> Delivery:
        """Have one message sent again, whatever became of it."""
        return await self._sender.do(webhook_calls.replay(endpoint_id, message_id))

    async def replay_since(self, endpoint_id: str, since: int, *, delivered: bool = False) -> int:
        """Have what happened since a time and is dead sent again; with ``delivered`` all of it."""
        return await self._sender.do(webhook_calls.replay_since(endpoint_id, since, delivered=delivered))
