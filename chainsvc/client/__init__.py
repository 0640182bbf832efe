"""The SDK: notarize, follow and verify records from a business system.

``Client`` blocks, ``AsyncClient`` awaits; both drive the same steps (``verbs``, ``handover``) over the same calls
(``calls``), so that a verb is written once. In private mode records and seeds stay in a local ``store``.
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
from chainsvc.client.handover import Outcome
from chainsvc.client.store import PrivateStore
from chainsvc.crypto.webhooks import WebhookMessage, verify_webhook

__all__ = [
    "Accepted",
    "AsyncClient",
    "Client",
    "Delivery",
    "Endpoint",
    "Erasure",
    "LedgerBatch",
    "LedgerEntry",
    "LedgerFacts",
    "Outcome",
    "PrivateStore",
    "RecordStatus",
    "Standing",
    "StandingChange",
    "WebhookMessage",
    "assemble",
    "verify_webhook",
]
