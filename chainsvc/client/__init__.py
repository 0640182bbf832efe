"""The SDK: notarize, follow and verify records from a business system.

``Client`` blocks, ``AsyncClient`` awaits; both drive the same steps (``verbs``, ``handover``) over the same calls
(``calls``), so that a verb is written once. In private mode records and seeds stay in a local ``store``. Many records
go by ``bulk``, and a ``queue`` carries them over an outage of the service.
"""

from chainsvc.client.answers import (
    Accepted,
    Erasure,
    LedgerBatch,
    LedgerEntry,
    LedgerFacts,
    RecordStatus,
    Standing,
    StandingChange,
)
from chainsvc.client.answers.webhooks import Delivery, Endpoint
from chainsvc.client.assemble import assemble
from chainsvc.client.asynchronous import AsyncClient
from chainsvc.client.blocking import Client
from chainsvc.client.bulk.windows import WindowSize
from chainsvc.client.handover import Outcome
from chainsvc.client.queue import DeadLetter, Drained, Pending, Queue, Queued
from chainsvc.client.store import PrivateStore
from chainsvc.crypto.webhooks import WebhookMessage, verify_webhook

__all__ = [
    "Accepted",
    "AsyncClient",
    "Client",
    "DeadLetter",
    "Delivery",
    "Drained",
    "Endpoint",
    "Erasure",
    "LedgerBatch",
    "LedgerEntry",
    "LedgerFacts",
    "Outcome",
    "Pending",
    "PrivateStore",
    "Queue",
    "Queued",
    "RecordStatus",
    "Standing",
    "StandingChange",
    "WebhookMessage",
    "WindowSize",
    "assemble",
    "verify_webhook",
]
