"""What a client is told when it is made, checked once for both kinds."""

from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from chainsvc.client.bulk.windows import WindowSize
from chainsvc.client.checking import Checking
from chainsvc.client.exchange import Call
from chainsvc.client.handover import Handover
from chainsvc.client.queue import Queue
from chainsvc.client.store import PrivateStore
from chainsvc.client.verbs import Verbs
from chainsvc.crypto.keys import SigningKey
from chainsvc.network import Network

RETRY_S = 45.0
"""Seconds in which a call is repeated while the service is away, where nothing else is said."""

RETRY_BEFORE_QUEUEING_S = 3.0
"""The same for a client with a queue."""


@dataclass(frozen=True, slots=True)
class Options:
    """One client's settings.

    Attributes:
        url: Root of the service.
        key: API key, None for calls that need none.
        private: Records and seeds stay here.
        store: File of the private store.
        signing_key: The organization's, for signed ledgers.
        network: The pinned network.
        receipt_keys: Public keys whose receipts count.
        retry_s: Seconds in which a call is repeated while the service is away; None for the usual.
        queue: Where records wait while the service is away, or its file.
        window: Bounds of one request with many records.
        drain: The queue is drained in the background.
    """

    url: str
    key: str | None
    private: bool
    store: Path | str | None
    signing_key: SigningKey | None
    network: Network | None
    receipt_keys: Collection[bytes] | None
    retry_s: float | None
    queue: Queue | Path | str | None
    window: WindowSize
    drain: bool

    @property
    def patience_s(self) -> float:
        """Seconds in which a call is repeated: not for long, where a record can be put down meanwhile."""
        usual = RETRY_S if self.queue is None else RETRY_BEFORE_QUEUEING_S
        return usual if self.retry_s is None else self.retry_s

    def verbs(self) -> Verbs:
        """Return the client's verbs, with its store and its queue opened.

        Raises:
            ValueError: Private mode without a store, or draining without a queue.
            ConfigurationRefused: The store or the queue is none, or the queue is of the other mode.
        """
        if self.drain and self.queue is None:
            raise ValueError("draining needs a queue: drain=True, queue=PATH")
        if self.private != (self.store is not None):
            raise ValueError("private mode needs a store, and only private mode has one: private=True, store=PATH")
        store = None if self.store is None else PrivateStore(Path(self.store))
        handover = Handover(store, self.signing_key, Checking(self.receipt_keys))
        queue = Queue(self.queue) if isinstance(self.queue, Path | str) else self.queue
        return Verbs(
            handover,
            self.network,
            compress=not self.is_here,
            retry_s=self.patience_s,
            queue=queue,
            size=self.window,
        )

    @property
    def is_here(self) -> bool:
        """Whether the service is on this machine: no proxy of the environment is used, and nothing compressed."""
        return httpx.URL(self.url).host in ("127.0.0.1", "localhost", "::1")

    @property
    def headers(self) -> dict[str, str]:
        """Headers of every call."""
        headers = {"User-Agent": f"chainsvc/{version('chainsvc')}"}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        return headers


def call_headers(call: Call[Any]) -> dict[str, str]:
    """Return a call's own headers; repeating it keeps its id, so that the service's log shows them as one."""
    headers = {"X-Request-Id": uuid4().hex}
    if call.body is not None:
        headers["Content-Type"] = call.media_type
    if call.encoding is not None:
        headers["Content-Encoding"] = call.encoding
    return headers
