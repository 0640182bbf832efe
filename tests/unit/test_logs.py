import io
import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from support.logged import logging_to_memory

from chainsvc.chain.http_node import HttpNode
from chainsvc.errors import NodeUnavailable
from chainsvc.logs import HIDDEN, bind_contextvars, get_logger, redacted_text

CITIZEN = "110101199003077758"
KEY = "csk_0123456789abcdef_s3cr3t-S3CR3T_x"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    with logging_to_memory() as stream:
        yield stream


def logged(stream: io.StringIO) -> dict[str, Any]:
    (line,) = stream.getvalue().splitlines()
    event: dict[str, Any] = json.loads(line)
    return event


@pytest.mark.parametrize(
    "text", [CITIZEN, CITIZEN[:-1] + "X", CITIZEN[:-1] + "x", "11010119900307775", "6222020200112233445"]
)
@pytest.mark.parametrize("around", ["{}", "身份证{}号", "row 3: '{}'.", '{{"n":"{}"}}', "/x/{}/y", "/x/{}/Y-1", "({})"])
def test_citizen_numbers_and_accounts_never_come_out(text: str, around: str) -> None:
    assert redacted_text(around.format(text)) == around.format(HIDDEN)


@pytest.mark.parametrize("text", [f"Bearer {KEY}", f"bearer {KEY}", KEY, "Bearer abc.def.ghi", f"key={KEY};"])
def test_bearer_tokens_never_come_out(text: str) -> None:
    shown = redacted_text(text)
    assert "s3cr3t" not in shown.lower()
    assert "abc.def" not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tel 13812345678.", f"tel {HIDDEN}."),
        ("postgresql://chainsvc:hunter2@db/x", f"postgresql://{HIDDEN}@db/x"),
        ("insert failed [parameters: {'name': '张三'}]", f"insert failed {HIDDEN}"),
        ("duplicate key\nDETAIL: Key (reference)=(BJ1) exists", f"duplicate key\n{HIDDEN}"),
        ("charity/53320600123456789X/LUNCH-2026", "charity/53320600123456789X/LUNCH-2026"),
        ("block 1204, 96 entries, head " + "ab12" * 16, "block 1204, 96 entries, head " + "ab12" * 16),
    ],
)
def test_text_is_redacted_where_it_is_personal_and_nowhere_else(text: str, shown: str) -> None:
    assert redacted_text(text) == shown


def test_event_shows_its_own_words_and_hides_secrets_and_persons(stream: io.StringIO) -> None:
    bind_contextvars(request_id="r-1")
    get_logger("chainsvc.worker").info(
        "batch_sealed",
        ledger="charity/53320600123456789X/LUNCH-2026",
        uscc="53320600123456789X",
        number=7,
        seed="ab" * 32,
        citizen_number="anything",
        reference="BJ110101-2026-000001",
        detail={"name": "张三", "reason": "病", "amount": 5, "list": [CITIZEN]},
        error=ValueError(f"bad {CITIZEN}"),
        citizens=110101199003077758,
    )
    event = logged(stream)
    assert (event["event"], event["level"], event["logger"]) == ("batch_sealed", "info", "chainsvc.worker")
    assert (event["request_id"], event["number"], event["uscc"]) == ("r-1", 7, "53320600123456789X")
    assert event["ledger"] == "charity/53320600123456789X/LUNCH-2026"
    assert {event[name] for name in ("seed", "citizen_number", "reference", "citizens")} == {HIDDEN}
    assert event["detail"] == {"name": HIDDEN, "reason": HIDDEN, "amount": 5, "list": [HIDDEN]}
    assert event["error"] == f"bad {HIDDEN}"


def test_libraries_and_tracebacks_pass_the_same_net(stream: io.StringIO) -> None:
    error = RuntimeError(f"no such person {CITIZEN} ({KEY})")
    logging.getLogger("httpx").error("failed for %s", CITIZEN, exc_info=error)
    event = logged(stream)
    assert event["event"] == f"failed for {HIDDEN}"
    assert f"RuntimeError: no such person {HIDDEN} (csk_0123456789abcdef_{HIDDEN})" in event["exception"]


def test_citizen_number_given_as_an_organization_is_hidden_too(stream: io.StringIO) -> None:
    get_logger("x").info("y", uscc=CITIZEN, organization="not a code")
    assert (logged(stream)["uscc"], logged(stream)["organization"]) == (HIDDEN, "not a code")


def test_terminal_gets_a_line_for_people_with_the_same_net() -> None:
    with logging_to_memory(pretty=True) as stream:
        get_logger("chainsvc").warning("row_refused", row=3, value=CITIZEN)
    assert "row_refused" in stream.getvalue()
    assert CITIZEN not in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_without_any_setting_up_logs_stay_off_standard_output() -> None:
    code = "from chainsvc.logs import get_logger; get_logger('x').warning('node_left_out', node='a')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert "node_left_out" in done.stderr


@pytest.fixture
def cut_in_its_headers() -> Iterator[str]:
    """Give the address of a node whose only answer ends in the middle of a header."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nvary: origin\r\ncont")

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_a_node_that_breaks_off_is_told_by_us_and_not_once_more_by_a_library(
    stream: io.StringIO, cut_in_its_headers: str
) -> None:
    with closing(HttpNode(cut_in_its_headers)) as node, pytest.raises(NodeUnavailable):
        node.head()
    assert stream.getvalue() == ""
