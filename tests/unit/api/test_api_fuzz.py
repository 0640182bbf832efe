"""Any request that the OpenAPI document allows, and many that it does not, gets an answer that it promises."""

import json
from dataclasses import replace
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support.fake_service import FakeService
from support.served import Server

from chainsvc.api.app import create_app
from chainsvc.api.openapi.examples import LEDGER
from chainsvc.api.ports import Scope
from chainsvc.api.webhook_port import EndpointOrder
from chainsvc.bodies import CommittedItem
from chainsvc.client.answers.webhooks import Delivery
from chainsvc.crypto.suites import SHA256
from chainsvc.record import LedgerName


@schemathesis.serializer("application/x-ndjson")
def one_line(_context: object, value: object) -> bytes:
    return json.dumps(value).encode()


@schemathesis.deserializer("application/x-ndjson")
def last_line(_context: object, response: schemathesis.Response) -> object:
    """An export's lines are described in docs, a bulk answer's by shapes."""
    text = response.content.decode()
    return json.loads(text.splitlines()[-1]) if text.startswith('{"') and ":bulk" in str(response.request.url) else text


KEY = "csk_fuzz_secret"
DELIVERY = Delivery("evt_0123456789abcdef0123456789abcdef", "batch.final", 1, "pending", 1, 2, 1, 503, "away")
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
schema = schemathesis.openapi.from_dict(create_app(FakeService()).openapi())


@pytest.fixture(scope="module")
def fuzzed(server: Server) -> str:
    """A service in which the document's example ledger and record exist."""
    service = FakeService()
    caller = service.authenticate(service.add_key(KEY, LedgerName.parse(LEDGER).uscc, *Scope))
    service.open_ledger(LEDGER, SHA256, signed=False)
    service.accept_commitments(LEDGER, [CommittedItem(b"\xab" * 32, 100, 0, None)], None, caller)
    service.anchor()
    order = EndpointOrder(
        caller.uscc,
        "https://example.org/",
        ("batch.final",),
        all_ledgers=False,
        ledger=None,
        description="",
        scheme="v1",
    )
    made = service.webhooks.add(order)
    service.webhooks.kept["0123456789abcdef"] = service.webhooks.kept.pop(made.id)
    service.webhooks.told["0123456789abcdef"] = [replace(DELIVERY, state="dead")]
    server.app = create_app(service)
    return server.url


@schema.parametrize()
@settings(
    max_examples=15,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
def test_answer_is_one_that_the_document_promises(case: schemathesis.Case[Any], fuzzed: str) -> None:
    case.call_and_validate(base_url=fuzzed, headers={"Authorization": f"Bearer {KEY}"}, checks=CHECKS, timeout=60)
