"""What a client is told when it is made, checked once for both kinds."""

from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from chainsvc.client.exchange import Call
from chainsvc.client.handover import Handover
from chainsvc.client.store import PrivateStore
from chainsvc.client.verbs import Verbs
from chainsvc.crypto.keys import SigningKey
from chainsvc.network import Network


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
    """

    url: str
    key: str | None
    private: bool
    store: Path | str | None
    signing_key: SigningKey | None
    network: Network | None
    receipt_keys: Collection[bytes] | None

    def verbs(self) -> Verbs:
        """Return the client's verbs, with its store opened.

        Raises:
            ValueError: Private mode without a store.
            ConfigurationRefused: The store is none.
        """
        if self.private != (self.store is not None):
            raise ValueError("private mode needs a store, and only private mode has one: private=True, store=PATH")
        store = None if self.store is None else PrivateStore(Path(self.store))
        return Verbs(Handover(store, self.signing_key, self.receipt_keys), self.network)

    @property
    def may_use_proxy(self) -> bool:
        """Whether the environment's proxy may be used: never for this machine itself."""
        return httpx.URL(self.url).host not in ("127.0.0.1", "localhost", "::1")

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
        headers["Content-Type"] = "application/json"
    return headers
