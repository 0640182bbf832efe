"""Business systems that are killed: with a queue and without, at the worst moments, nothing is lost or doubled."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from support.bulk_service import BulkService
from support.fake_service import FakeService
from support.logged import logging_to_memory
from support.paper_evidence import LEDGER, USCC, donation
from support.served import Server, serving

from chainsvc.api.app import create_app
from chainsvc.api.ports import Scope as KeyScope
from chainsvc.client import Accepted, Client, Queue, WindowSize
from chainsvc.crypto.suites import SHA256

ROOT = Path(__file__).parents[3]
KEY = "csk_full_secret"
RECORDS = 700
ADDING = """
import sys
from chainsvc.client import Queue
from support.paper_evidence import donation
queue = Queue(sys.argv[1])
for number in range(100000):
    print(queue.add([donation(number)])[0].id, flush=True)
"""
MOMENTS = ["before", "after", "during"]


@dataclass
class Killing:
    """Kills a process when its bulk request comes: before it is stored, after, or in the middle of the answer."""

    app: ASGIApp
    moment: str = ""
    victim: "subprocess.Popen[bytes] | None" = None
    killed: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not (self.moment and scope["path"].endswith(":bulk")):
            await self.app(scope, receive, send)
            return
        if self.moment == "before":
            self._kill()
            return
        lines = 0

        async def watched(message: Message) -> None:
            nonlocal lines
            lines += message["type"] == "http.response.body"
            if (self.moment, lines) in (("after", 0), ("during", 2)):
                self._kill()
            if self.moment:
                await send(message)

        await self.app(scope, receive, watched)

    def _kill(self) -> None:
        if self.moment and self.victim is not None:
            self.killed.append(self.moment)
            self.moment = ""
            self.victim.kill()
            self.victim.wait(60)


@pytest.fixture
def service() -> FakeService:
    service = FakeService()
    service.add_key(KEY, USCC, *KeyScope)
    service.open_ledger(LEDGER, SHA256, signed=False)
    return service


@pytest.fixture
def server(service: FakeService) -> Iterator[Server]:
    with logging_to_memory(), serving(Killing(BulkService(create_app(service), service))) as running:
        yield running


@pytest.fixture
def command(tmp_path: Path, server: Server) -> Iterator["Command"]:
    (tmp_path / "api.key").write_text(KEY)
    lines = (json.dumps(donation(number).to_json()) + "\n" for number in range(RECORDS))
    (tmp_path / "many.ndjson").write_text("".join(lines))
    command = Command(tmp_path, server)
    yield command
    command.end()


@dataclass
class Command:
    """Processes of a business system, in a folder of their own."""

    folder: Path
    server: Server
    started: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in (".", "adapters", "tests")),
            "CHAINSVC_HOME": str(self.folder / "home"),
            "CHAINSVC_URL": self.server.url,
            "CHAINSVC_API_KEY_FILE": str(self.folder / "api.key"),
        }
        process = subprocess.Popen(
            [sys.executable, "-c", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            env=environment,
        )
        self.started.append(process)
        return process

    def chainsvc(self, *words: str) -> "subprocess.Popen[bytes]":
        return self.start("from chainsvc.cli import main; main()", *words, "--json")

    def end(self) -> None:
        for process in self.started:
            process.kill()
            process.communicate()


def told(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """Return what a command answers at its end."""
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    value: dict[str, Any] = json.loads(out)
    return value


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("queue", [[], ["--queue", "out.queue"]], ids=["direct", "queued"])
def test_same_command_after_a_kill_loses_and_doubles_nothing(
    command: Command, server: Server, service: FakeService, moment: str, queue: list[str]
) -> None:
    assert isinstance(server.app, Killing)
    words = ["notarize", "many.ndjson", *queue]
    server.app.victim = command.chainsvc(*words)
    server.app.moment = moment
    server.app.victim.wait(120)
    assert server.app.killed == [moment]
    found = told(command.chainsvc(*words))
    assert found["sent"] + found["again"] == RECORDS
    assert (found["refused"], found["queued"]) == (0, 0)
    assert (found["again"] > 0) == (moment != "before")
    assert [kept.record for kept in service.books[LEDGER].entries] == [donation(n) for n in range(RECORDS)]


@pytest.mark.parametrize("moment", MOMENTS)
def test_drain_that_was_killed_is_finished_by_another(
    command: Command, server: Server, service: FakeService, moment: str
) -> None:
    assert isinstance(server.app, Killing)
    queue = Queue(command.folder / "out.queue")
    queue.add([donation(number) for number in range(RECORDS)])
    server.app.victim = command.chainsvc("queue", "drain", "out.queue")
    server.app.moment = moment
    server.app.victim.wait(120)
    assert server.app.killed == [moment]
    drained = told(command.chainsvc("queue", "drain", "out.queue"))
    assert drained["accepted"] + drained["known"] == RECORDS
    kept = {entry.record.reference: entry for entry in service.books[LEDGER].entries if entry.record}
    assert len(kept) == len(service.books[LEDGER].entries) == RECORDS
    for _, _, outcome in queue.outcomes():
        assert isinstance(outcome, Accepted)
        assert outcome.reference is not None
        entry = kept[outcome.reference]
        assert (outcome.commitment, outcome.receipt) == (entry.commitment, entry.receipt)
    queue.close()


def test_what_was_queued_before_a_kill_is_there(command: Command) -> None:
    adding = command.start(ADDING, "out.queue")
    assert adding.stdout is not None
    told = [int(adding.stdout.readline()) for _ in range(30)]
    adding.send_signal(signal.SIGKILL)
    told += [int(line) for line in adding.stdout.read().splitlines() if line]
    queue = Queue(command.folder / "out.queue")
    found = queue.next(0, queue.newest(), WindowSize(), ())
    assert found is not None
    assert set(told) <= set(found.ids)
    assert [draft.record for draft in found.window.drafts] == [donation(n) for n in range(len(found.ids))]
    queue.close()


def test_reset_connections_in_the_middle_of_either_body(server: Server, service: FakeService, tmp_path: Path) -> None:
    with Resetting(server.url, [(3000, 10**9), (10**9, 900), (40_000, 10**9), (10**9, 2000), (10**9, 0)]) as way:
        client = Client(way.url, KEY, queue=tmp_path / "q", window=WindowSize(60), retry_s=20)
        outcomes = list(client.notarize_many(donation(number) for number in range(200)))
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert not way.left
        client.close()
    assert [kept.record for kept in service.books[LEDGER].entries] == [donation(number) for number in range(200)]


class Resetting:
    """A way to the service whose first connections are reset after so many bytes to it, or from it."""

    def __init__(self, url: str, left: list[tuple[int, int]]) -> None:
        self.left = left
        self._target = ("127.0.0.1", int(url.rpartition(":")[2]))
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._door.accept()
            except OSError:
                return
            service = socket.create_connection(self._target)
            there, back = self.left.pop(0) if self.left else (1 << 60, 1 << 60)
            for source, sink, most in ((caller, service, there), (service, caller, back)):
                threading.Thread(target=_pump, args=(source, sink, most, caller), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, most: int, caller: socket.socket) -> None:
    try:
        while most > 0 and (part := source.recv(min(most, 65_536))):
            sink.sendall(part)
            most -= len(part)
        if most <= 0:
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    except OSError:
        pass
    for end in (source, sink):
        with suppress(OSError):  # it wakes the other direction, whose wait would hold the socket open
            end.shutdown(socket.SHUT_RD if end is caller else socket.SHUT_RDWR)
        end.close()
