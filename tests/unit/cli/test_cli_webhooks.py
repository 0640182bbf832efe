"""Webhooks on the command line."""

from pathlib import Path

import pytest
from support.command_line import Run, document, problem
from support.fake_service import FakeService
from support.fake_webhooks import NOW
from support.paper_evidence import LEDGER, USCC

URL = "https://foundation.example.org/hook"


@pytest.fixture
def endpoint(served: Run) -> str:
    result = served("webhook", "add", URL, "--event", "batch.final", "--json")
    assert result.exit_code == 0, result.stderr
    return str(document(result)["id"])


def test_the_secret_is_shown_or_goes_to_a_file(served: Run) -> None:
    shown = served("webhook", "add", URL, "--event", "batch.final", "--event", "record.erased", "--ledger", LEDGER)
    assert "whsec_" in shown.stdout
    assert f"Of        {LEDGER}" in shown.stdout
    kept = served("webhook", "add", URL, "--event", "batch.final", "--asymmetric", "-o", "hook.key", "--json")
    value = document(kept)
    assert (value["secret"], value["file"], value["scheme"]) == (None, "hook.key", "v1a")
    file = Path("hook.key")
    assert file.read_text().startswith("whpk_")
    assert file.stat().st_mode & 0o777 == 0o600
    again = served("webhook", "rotate", value["id"], "-o", "hook.key")
    assert (again.exit_code, file.read_text()) == (2, file.read_text())
    assert "never written over" in again.stderr


def test_endpoints_are_listed_and_shown(served: Run, service: FakeService, endpoint: str) -> None:
    assert document(served("webhook", "list", "--json"))["endpoints"][0]["id"] == endpoint
    assert "own ledgers" in served("webhook", "list").stdout
    service.webhooks.change(USCC, endpoint, failing_since=NOW)
    assert "failing since 2026-01-05 02:00:00 UTC" in served("webhook", "show", endpoint).stdout
    assert "whsec_" not in served("webhook", "show", endpoint).stdout


def test_a_rotation_says_until_when_the_old_secret_counts(served: Run, endpoint: str) -> None:
    result = served("webhook", "rotate", endpoint)
    assert "whsec_" in result.stdout
    assert "signs too until 2026-01-06 02:00:00 UTC" in result.stdout


def test_a_test_message_waits_for_the_answer(served: Run, endpoint: str) -> None:
    found = document(served("webhook", "test", endpoint, "--json"))
    assert (found["state"], found["status"], found["attempts"]) == ("delivered", 204, 1)


def test_deliveries_are_listed_by_state(served: Run, endpoint: str) -> None:
    for _ in range(3):
        served("webhook", "test", endpoint)
    assert len(document(served("webhook", "deliveries", endpoint, "--json"))["deliveries"]) == 3
    assert len(document(served("webhook", "deliveries", endpoint, "--limit", "2", "--json"))["deliveries"]) == 2
    assert document(served("webhook", "deliveries", endpoint, "--state", "dead", "--json"))["deliveries"] == []
    assert "webhook.test" in served("webhook", "deliveries", endpoint).stdout
    wrong = served("webhook", "deliveries", endpoint, "--state", "lost", "--json")
    assert (wrong.exit_code, problem(wrong)["expected"]) == (2, "pending, delivered, dead")


def test_one_message_or_all_since_a_time_are_replayed(served: Run, endpoint: str) -> None:
    message = document(served("webhook", "test", endpoint, "--json"))["id"]
    assert document(served("webhook", "replay", endpoint, message, "--json"))["state"] == "pending"
    assert document(served("webhook", "replay", endpoint, "--since", "0", "--json")) == {"replayed": 0}
    assert "1 messages" in served("webhook", "replay", endpoint, "--since", "0", "--delivered").stdout
    for words in ((), (message, "--since", "0"), (message, "--delivered")):
        assert served("webhook", "replay", endpoint, *words).exit_code == 2


def test_a_disabled_endpoint_is_enabled_again(served: Run, service: FakeService, endpoint: str) -> None:
    service.webhooks.disable(USCC, endpoint)
    assert "disabled 2026-01-05 02:00:00 UTC: it answered 410 Gone" in served("webhook", "show", endpoint).stdout
    assert served("webhook", "test", endpoint).exit_code == 4
    assert document(served("webhook", "enable", endpoint, "--json"))["disabled_at"] is None


def test_a_removed_endpoint_is_not_found(served: Run, endpoint: str) -> None:
    assert document(served("webhook", "remove", endpoint, "--json")) == {"id": endpoint, "removed": True}
    assert served("webhook", "show", endpoint).exit_code == 5


def test_a_refused_address_says_what_to_do(served: Run) -> None:
    result = served("webhook", "add", "http://example.org/", "--event", "batch.final")
    assert result.exit_code == 3
    assert "HTTPS" in result.stderr
