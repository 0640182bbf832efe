"""A journal with one ledger and one subscribed receiver."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine
from support.journal import a_ledger
from support.receiver import Receiver, receiving
from support.subscribed import USCC, Subscribed, subscribe

from chainsvc.crypto.envelope import Envelope, KeyEncryptionKey
from chainsvc.settings import Settings, load_settings
from chainsvc.webhooks import Deliverer


@pytest.fixture
def envelope() -> Envelope:
    return Envelope.create(KeyEncryptionKey(bytes(range(32))))


@pytest.fixture
def settings() -> Settings:
    return load_settings(
        webhook_allowed_networks=["127.0.0.0/8"],
        webhook_allow_http=True,
        webhook_timeout_s=10,
        webhook_retry_s=[5, 300],
        poll_s=0.02,
    )


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def subscribed(engine: Engine, envelope: Envelope, receiver: Receiver) -> Subscribed:
    with engine.begin() as conn:
        ledger = a_ledger(conn)
        endpoint, key = subscribe(conn, envelope, receiver.url, USCC)
    return Subscribed(engine, ledger, endpoint.endpoint_id, key.shown)


@pytest.fixture
def deliverer(engine: Engine, envelope: Envelope, settings: Settings) -> Deliverer:
    return Deliverer(engine, envelope, settings)


@pytest.fixture
def deliverer_with(engine: Engine, envelope: Envelope, settings: Settings) -> Callable[..., Deliverer]:
    """Make a deliverer with some settings changed."""
    return lambda **changed: Deliverer(engine, envelope, settings.model_copy(update=changed))
