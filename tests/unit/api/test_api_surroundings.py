"""What stands around every call: ids, problems nobody foresaw, health, network, docs."""

import io
import json
import re
import socket
import time
from typing import NoReturn

import httpx
import pytest
from support.api_checks import problem
from support.fake_service import FakeService
from support.paper_evidence import LEDGER, USCC
from support.served import Server

from chainsvc.checkpoint import Checkpoint
from chainsvc.network import Network


def test_request_id_is_taken_over_or_made(api: httpx.Client) -> None:
    assert api.get("/healthz", headers={"X-Request-Id": "batch-7.a_1"}).headers["x-request-id"] == "batch-7.a_1"
    for bad in ("x" * 65, "a b", "<script>", ""):
        made = api.get("/healthz", headers={"X-Request-Id": bad}).headers["x-request-id"]
        assert re.fullmatch("[0-9a-f]{32}", made)


def test_unforeseen_error_tells_nothing_of_the_inside(
    api: httpx.Client, service: FakeService, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> NoReturn:
        raise RuntimeError("inside of 110101199003077758")

    monkeypatch.setattr(service, "ledgers", fail)
    answer = api.get("/v1/ledgers")
    told = problem(answer, 500, "internal")
    assert "inside" not in answer.text
    assert "RuntimeError" not in answer.text
    events = [json.loads(line) for line in logged.getvalue().splitlines()]
    failed = next(event for event in events if event["event"] == "request_failed")
    assert told["instance"].endswith(failed["request_id"])
    assert "RuntimeError: inside of [redacted]" in failed["exception"]


def test_a_caller_that_leaves_in_the_middle_of_its_body_is_no_failure(
    api: httpx.Client, server: Server, logged: io.StringIO
) -> None:
    with socket.create_connection(("127.0.0.1", httpx.URL(server.url).port or 0)) as caller:
        head = f"POST /v1/ledgers/{LEDGER}/records HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n"
        caller.sendall(f"{head}Authorization: {api.headers['authorization']}\r\n\r\n{{".encode())
    events: list[str] = []
    deadline = time.monotonic() + 60
    while "request" not in events and time.monotonic() < deadline:
        events = [json.loads(line)["event"] for line in logged.getvalue().splitlines()]
    assert events == ["client_gone", "request"]


def test_log_line_of_a_request_names_the_key_and_shows_no_secret(api: httpx.Client, logged: io.StringIO) -> None:
    api.get(f"/v1/ledgers/{LEDGER}/records?reference=BJ110101-2026-000001")
    (line,) = logged.getvalue().splitlines()
    event = json.loads(line)
    assert (event["key_id"], event["status"], event["organization"]) == ("full", 404, USCC)
    assert "secret" not in line
    assert "BJ110101" not in line


def test_unknown_path_and_method_are_problems(api: httpx.Client) -> None:
    assert problem(api.get("/v1/nothing"), 404, "not-found")["where"] == "/v1/nothing"
    answer = api.put("/v1/network")
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"


def test_part_that_is_down_is_told_with_when_to_ask_again(api: httpx.Client, service: FakeService) -> None:
    service.down = True
    answer = api.get("/v1/ledgers")
    problem(answer, 503, "database-unavailable")
    assert answer.headers["retry-after"] == "2"


def test_readiness_names_the_part_that_is_down(api: httpx.Client, service: FakeService) -> None:
    assert api.get("/readyz").json() == {"ready": True, "parts": {"journal": "ok", "node": "ok"}}
    service.down = True
    answer = api.get("/readyz")
    assert (answer.status_code, answer.json()["parts"]["journal"]) == (503, "down")
    assert api.get("/healthz").json()["status"] == "ok"


def test_answers_are_neither_cached_nor_sniffed(api: httpx.Client) -> None:
    answer = api.get("/v1/ledgers")
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")


def test_network_is_the_descriptors_bytes_with_a_tag(api: httpx.Client, service: FakeService) -> None:
    answer = api.get("/v1/network")
    assert Network.parse(answer.content) == service.chain.network
    assert answer.headers["etag"] == f'"{service.chain.network.sha256.hex()}"'
    assert api.get("/v1/network", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_checkpoints_are_signed_notes(api: httpx.Client, service: FakeService) -> None:
    made = api.post("/v1/checkpoints")
    assert (made.status_code, made.headers["content-type"]) == (201, "text/plain; charset=utf-8")
    checkpoint = Checkpoint.parse(made.content)
    assert checkpoint.block == service.chain.tip.block.number
    assert checkpoint.verify(service.chain.network.signers)
    assert api.get("/v1/checkpoints/latest").content == made.content


def test_metrics_count_requests_by_route_and_not_by_record(api: httpx.Client) -> None:
    api.get(f"/v1/records/{'ab' * 32}")
    text = api.get("/metrics").text
    assert 'chainsvc_http_request_seconds_count{method="GET",route="/v1/records/{record_id}",status="404"}' in text
    assert "abab" not in text


def test_docs_need_nothing_from_the_open_internet(api: httpx.Client) -> None:
    page = api.get("/docs").text
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(sources) >= 2
    for source in sources:
        assert source.startswith("/docs/files/")
        assert api.get(source).status_code == 200
    assert "/openapi.json" in page
    assert '"validatorUrl": null' in page
    assert "http" not in page.replace("http://www.w3.org", "")
