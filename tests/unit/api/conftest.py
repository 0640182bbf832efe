"""One app over the fake service, with keys of different rights."""

import io
from collections.abc import Callable, Iterator

import httpx
import pytest
from support.fake_service import FakeService
from support.logged import logging_to_memory
from support.paper_evidence import LEDGER, SERVICE_USCC, USCC
from support.served import Server, serving

from chainsvc import jcs
from chainsvc.api.app import create_app
from chainsvc.api.limits import Limits
from chainsvc.api.ports import Scope
from chainsvc.crypto.suites import SHA256
from chainsvc.record import Record

ALL = [scope for scope in Scope if scope is not Scope.AUDIT]


@pytest.fixture(autouse=True)
def logged() -> Iterator[io.StringIO]:
    """What the service logs, as JSON lines."""
    with logging_to_memory() as stream:
        yield stream


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def service() -> FakeService:
    service = FakeService()
    service.add_key("csk_full_secret", USCC, *ALL)
    service.add_key("csk_sender_secret", USCC, Scope.NOTARIZE)
    service.add_key("csk_reader_secret", USCC, Scope.READ)
    service.add_key("csk_other_secret", SERVICE_USCC, *ALL)
    service.add_key("csk_auditor_secret", SERVICE_USCC, Scope.AUDIT)
    service.open_ledger(LEDGER, SHA256, signed=False)
    return service


@pytest.fixture
def api(server: Server, service: FakeService) -> Iterator[httpx.Client]:
    """The whole app over HTTP, with a key that holds every scope of one organization."""
    limits = Limits(largest_body_bytes=200_000, largest_chunk=50, largest_page=10, usual_page=5)
    server.app = create_app(service, limits)
    with httpx.Client(base_url=server.url, headers={"Authorization": "Bearer csk_full_secret"}) as client:
        yield client


@pytest.fixture
def notarized(api: httpx.Client) -> Callable[[Record], str]:
    """Notarize a record and return its id."""

    def notarize(record: Record) -> str:
        answer = api.post(f"/v1/ledgers/{record.ledger}/records", content=jcs.dumps(record.to_json()))
        assert answer.is_success, answer.text
        return str(answer.json()["id"])

    return notarize
