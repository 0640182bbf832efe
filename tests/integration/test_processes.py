"""``chainsvc serve --processes``: processes that die come back, and all end in order."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import psutil
import pytest
from sqlalchemy import Engine
from support.everything import check_everything
from support.ports import lasting_port
from support.records import donation
from support.station import USCC, Site, Station, station
from support.workers import COMMAND, anchored, environment, until

from chainsvc.client import Client
from chainsvc.journal import keys

pytestmark = [pytest.mark.node, pytest.mark.database]


@contextmanager
def process(site: Site, engine: Engine, *words: str) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Run a command that serves, from when it takes records."""
    url = f"http://127.0.0.1:{lasting_port()}"
    chosen = environment(site, engine, CHAINSVC_DRAFT_PROCESSES="0")
    command = [COMMAND, *words, "--port", url.rpartition(":")[2]]
    running = subprocess.Popen(command, env=chosen, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: running.poll() is not None or answers(url))
        assert running.poll() is None, "the service ended"
        yield running, url
    finally:
        running.kill()
        running.wait()


def answers(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/readyz", trust_env=False).is_success
    return False


def parts(url: str) -> dict[str, str]:
    answer = httpx.get(f"{url}/readyz", trust_env=False).json()
    return dict(answer["parts"])


def ledger_and_key(made: Station) -> tuple[str, str]:
    name = made.open().name
    made.settle(name)
    with made.parts.engine.begin() as conn:
        _, token = keys.create(conn, USCC, ["notarize", "read"], label="load", now=int(time.time()))
    return name, token


def children(running: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """Return the spawned processes; multiprocessing has one more, which only counts resources."""
    return [one for one in psutil.Process(running.pid).children() if "spawn_main" in " ".join(one.cmdline())]


def test_every_process_may_die_and_comes_back(site: Site, engine: Engine) -> None:
    with station(site, engine) as made:
        name, token = ledger_and_key(made)
    with process(site, engine, "serve", "--processes", "2") as (running, url):
        until(lambda: parts(url)["worker"] == "ok")
        first = children(running)
        with Client(url, token) as client:
            receipts = [client.notarize(donation(name, number)) for number in range(5)]
            for child in first:
                child.kill()
            receipts += [client.notarize(donation(name, number)) for number in range(5, 10)]
        until(lambda: len(children(running)) == len(first) == 3)
        assert "chainsvc_records_accepted_total" in httpx.get(f"{url}/metrics", trust_env=False).text
        until(lambda: parts(url)["worker"] == "ok")
        until(lambda: everything_anchored(site, engine, name))
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0
    with station(site, engine) as made:
        check_everything(made, name, receipts)


def everything_anchored(site: Site, engine: Engine, name: str) -> bool:
    with station(site, engine) as made:
        return anchored(made, [name])


def test_children_end_when_their_parent_is_killed(site: Site, engine: Engine) -> None:
    with process(site, engine, "serve", "--processes", "1", "--no-worker"):
        pass
    with process(site, engine, "serve", "--processes", "2", "--no-worker") as (running, url):
        orphans = children(running)
        assert len(orphans) == 2
        assert "no worker is at work" in parts(url)["worker"]
        running.kill()
        running.wait()
        until(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in orphans))


def test_a_worker_alone_tells_how_it_is(site: Site, engine: Engine) -> None:
    with process(site, engine, "worker") as (running, url):
        until(lambda: parts(url)["worker"] == "ok")
        assert httpx.get(f"{url}/healthz", trust_env=False).json()["status"] == "ok"
        assert "chainsvc_backlog_entries" in httpx.get(f"{url}/metrics", trust_env=False).text
        assert httpx.get(f"{url}/v1/ledgers", trust_env=False).status_code == 404
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0
    with station(site, engine) as made:
        assert made.parts.worker.round().idle  # the lease was let go: no waiting for its end
        assert made.parts.worker._anchorer.hold.lease is not None
