"""A ledger whose changes an endpoint is told of, and how to make something happen in it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine
from support.journal import accept, anchor_of, seal, submit

from chainsvc.crypto.envelope import Envelope
from chainsvc.crypto.webhooks import Scheme, WebhookKey
from chainsvc.journal import batches, deliveries, endpoints
from chainsvc.journal.batches import StoredBatch
from chainsvc.journal.deliveries import Delivery
from chainsvc.journal.endpoints import Endpoint, Subscription
from chainsvc.journal.ledgers import Ledger

USCC = "53320600123456789X"


def subscribe(
    conn: Connection,
    envelope: Envelope,
    url: str,
    uscc: str = USCC,
    *events: str,
    all_ledgers: bool = False,
    ledger: str | None = None,
    scheme: Scheme = "v1",
) -> tuple[Endpoint, WebhookKey]:
    """Make an endpoint, for ``batch.final`` where nothing else is said."""
    asked = Subscription(uscc, url, events or ("batch.final",), all_ledgers, ledger, "test", scheme)
    return endpoints.create(conn, asked, envelope, most=100)


@dataclass
class Subscribed:
    """A ledger and an endpoint of its organization."""

    engine: Engine
    ledger: Ledger
    endpoint_id: str
    secret: str
    anchored: int = 0

    def anchor(self, count: int = 2) -> StoredBatch:
        """Accept, seal and make final a batch of new entries, each in a transaction of its own."""
        with self.engine.begin() as conn:
            accept(conn, self.ledger, range(self.anchored, self.anchored + count))
        with self.engine.begin() as conn:
            before = batches.latest_final(conn, self.ledger.ledger_id)
            batch = seal(conn, self.ledger)
            submit(conn, batch, batch.k)
        self.anchored += count
        with self.engine.begin() as conn:
            prev = bytes(32) if before is None or before.anchor is None else before.anchor.head
            batches.mark_final(conn, self.ledger.ledger_id, batch.k, anchor_of(batch, prev, 10 + batch.k))
            return batches.get(conn, self.ledger.ledger_id, batch.k)

    def deliveries(self, **query: Any) -> tuple[Delivery, ...]:
        """What was told, or is to be; the newest first."""
        with self.engine.connect() as conn:
            return deliveries.page(conn, self.endpoint_id, **query)

    def endpoint(self) -> Endpoint:
        """The endpoint as it is now."""
        with self.engine.connect() as conn:
            return endpoints.get(conn, self.endpoint_id)

    def hasten(self) -> None:
        """Let the time pass until every wait is over."""
        with self.engine.begin() as conn:
            conn.exec_driver_sql("UPDATE deliveries SET due_at = 0 WHERE state = 'pending'")
            conn.exec_driver_sql("UPDATE endpoints SET resume_at = 0")
