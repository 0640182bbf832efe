"""The whole process is stopped or killed under load; every receipt that was given keeps its promise."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine
from support.everything import check_everything
from support.ports import lasting_port
from support.records import donation
from support.station import USCC, Site, Station, station

from chainsvc.client import Accepted, Client
from chainsvc.errors import ChainsvcError
from chainsvc.journal import keys

_UP_S = 100.0
_LOAD_S = 2.0
_SENDERS = 4


@contextmanager
def process(site: Site, engine: Engine) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Run ``chainsvc serve`` on the site's node and the test's database."""
    port = lasting_port()
    environment = os.environ | {
        "CHAINSVC_HOME": str(site.home),
        "CHAINSVC_DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "CHAINSVC_NODE_URL": site.local.url,
        "CHAINSVC_PORT": str(port),
        "CHAINSVC_DEFAULT_LONGEST_WAIT_S": "0.2",
        "CHAINSVC_POLL_S": "0.05",
        "CHAINSVC_LEASE_S": "1",
    }
    command = [str(Path(sys.executable).parent / "chainsvc"), "serve"]
    running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_ready(running, f"http://127.0.0.1:{port}")
        yield running, f"http://127.0.0.1:{port}"
    finally:
        running.kill()
        running.wait()


def _wait_ready(running: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + _UP_S
    while time.monotonic() < deadline:
        assert running.poll() is None, "the service ended"
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/healthz", trust_env=False).is_success:
                return
        time.sleep(0.05)
    raise AssertionError("the service did not come up")


class Load:
    """Senders that notarize one record after the other until the service is gone."""

    def __init__(self, url: str, key: str, ledger: str) -> None:
        self.receipts: list[Accepted] = []
        self._threads = [threading.Thread(target=self._send, args=(url, key, ledger, n)) for n in range(_SENDERS)]
        for thread in self._threads:
            thread.start()

    def _send(self, url: str, key: str, ledger: str, sender: int) -> None:
        with Client(url, key, retry_s=0) as client:
            for number in range(100_000):
                try:
                    self.receipts.append(client.notarize(donation(ledger, sender * 100_000 + number)))
                except ChainsvcError:
                    return

    def end(self) -> list[Accepted]:
        for thread in self._threads:
            thread.join()
        return self.receipts


def _ledger_and_key(made: Station) -> tuple[str, str]:
    name = made.open().name
    made.settle(name)
    with made.parts.engine.begin() as conn:
        _, token = keys.create(conn, USCC, ["notarize", "read"], label="load", now=int(time.time()))
    return name, token


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_every_receipt_given_before_the_end_is_anchored(site: Site, engine: Engine, number: signal.Signals) -> None:
    with station(site, engine) as made:
        name, token = _ledger_and_key(made)
    with process(site, engine) as (running, url):
        load = Load(url, token, name)
        time.sleep(_LOAD_S)
        running.send_signal(number)
        status = running.wait(100)
        receipts = load.end()
    assert status == (0 if number is signal.SIGTERM else -signal.SIGKILL)
    assert len(receipts) > 10
    with station(site, engine) as made:
        made.settle(name)
        check_everything(made, name, receipts)
