"""Deliveries as a bad network makes them: some requests arrive twice at once, some again, late and out of order."""

import queue
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import httpx

from chainsvc.client import Accepted
from chainsvc.client.problems import result_of
from chainsvc.errors import ChainsvcError

Keep = Callable[[str, Accepted], None]
"""Takes the ledger and the receipt of an answer that no client waits for."""

_HANDING_OVER = ("/records", "/commitments", "/records:bulk", "/commitments:bulk")
_TWICE, _LATE = 0.12, 0.12
_LONGEST_S = 3.0
_TIMEOUT_S = 4.0


class Repeater(httpx.BaseTransport):
    """Sends what a client sends, and copies of some of it to any of the service's addresses."""

    def __init__(self, ports: list[int], draw: random.Random, keep: Keep) -> None:
        self._inner = httpx.HTTPTransport(retries=0)
        self._ports, self._draw, self._keep = ports, draw, keep
        self._late: queue.PriorityQueue[tuple[float, int, httpx.Request]] = queue.PriorityQueue()
        self._count = 0
        self._threads: list[threading.Thread] = []
        self._ending = threading.Event()
        self._postman = threading.Thread(target=self._deliver, daemon=True)
        self._postman.start()
        self.copies = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, and perhaps more of it."""
        if request.method == "POST" and request.url.path.endswith(_HANDING_OVER):
            fate = self._draw.random()
            if fate < _TWICE:
                self._threads.append(threading.Thread(target=self._send, args=(self._copy(request),), daemon=True))
                self._threads[-1].start()
            elif fate < _TWICE + _LATE:
                self._count += 1
                due = time.monotonic() + self._draw.uniform(0.05, _LONGEST_S)
                self._late.put((due, self._count, self._copy(request)))
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Deliver what is late, then end."""
        self._ending.set()
        self._postman.join()
        for thread in self._threads:
            thread.join()
        self._inner.close()

    def _copy(self, request: httpx.Request) -> httpx.Request:
        url = request.url.copy_with(port=self._draw.choice(self._ports))
        return httpx.Request(request.method, url, headers=request.headers.raw, content=request.read())

    def _deliver(self) -> None:
        while not (self._ending.is_set() and self._late.empty()):
            try:
                due, count, request = self._late.get(timeout=0.1)
            except queue.Empty:
                continue
            if not self._ending.is_set() and due > time.monotonic():
                self._late.put((due, count, request))
                time.sleep(0.02)
            else:
                self._send(request)

    def _send(self, request: httpx.Request) -> None:
        self.copies += 1
        with suppress(httpx.HTTPError), httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
            answer = client.send(request)
            if answer.status_code == httpx.codes.OK and not request.url.path.endswith(":bulk"):
                ledger = request.url.path.removeprefix("/v1/ledgers/").rpartition("/")[0]
                for result in map(result_of, answer.json()["results"]):
                    if not isinstance(result, ChainsvcError | None):
                        self._keep(ledger, result)
