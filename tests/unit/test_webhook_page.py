"""docs/webhooks.md says what the code says."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from chainsvc.api.openapi.messages import DATA, EXAMPLES
from chainsvc.client.answers.webhooks import EVENT_TYPES, TEST_EVENT
from chainsvc.crypto.webhooks import WebhookKey
from chainsvc.errors import SignatureRefused
from chainsvc.settings import load_settings

PAGE = (Path(__file__).parents[2] / "docs/webhooks.md").read_text(encoding="utf-8")
_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
_UNITS = {"s": 1, "min": 60, "h": 3_600}


def test_every_event_has_its_example_on_the_page() -> None:
    blocks = re.findall(r"^### `([a-z.]+)`\n\n.*?```json\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
    assert {event: json.loads(text) for event, text in blocks} == EXAMPLES
    assert [event for event, _ in blocks] == [*EVENT_TYPES, TEST_EVENT] == list(DATA)


def test_the_page_has_the_schedule_that_is_kept() -> None:
    row = re.search(r"^\| after another \| (.*) \|$", PAGE, re.MULTILINE)
    assert row is not None
    waits = [int(number) * _UNITS[unit] for number, unit in (cell.split(" ") for cell in row[1].split(" | "))]
    assert waits == list(load_settings().webhook_retry_s)


def test_every_setting_on_the_page_exists() -> None:
    named = set(re.findall(r"CHAINSVC_(WEBHOOK_[A-Z_]+)", PAGE))
    assert len(named) > 5
    assert {name.lower() for name in named} <= set(type(load_settings()).model_fields)


def test_the_receiver_of_the_page_takes_a_message_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    key = WebhookKey.generate("v1")
    (tmp_path / "hook.secret").write_text(key.shown + "\n")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the page's own code
    body = json.dumps(EXAMPLES["batch.final"]).encode()
    sent = int(time.time())
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(sent),
        "webhook-signature": key.sign("evt_1", sent, body),
    }
    for _ in range(2):
        names["receive"](headers, body)
    assert capsys.readouterr().out == "charity/53320600123456789X/LUNCH-2026 is final up to 63\n"
    with pytest.raises(SignatureRefused):
        names["receive"](headers, body + b" ")
