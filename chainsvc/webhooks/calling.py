"""One attempt: sign a message, find an address that may be called, and post it there."""

import asyncio
import datetime as dt
import ssl
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from importlib.metadata import version
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import httpx
import orjson

from chainsvc.crypto.webhooks import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER
from chainsvc.errors import AddressRefused, ConfigurationRefused
from chainsvc.journal.claims import Claim
from chainsvc.journal.deliveries import message_id
from chainsvc.logs import redacted_text
from chainsvc.webhooks.addresses import Address, AddressRules, addresses_of, port_of
from chainsvc.webhooks.schedule import retry_after

LARGEST_ANSWER_BYTES = 4_096
"""Of an answer's body that is read; its beginning is shown where it failed."""

_SHOWN = 300
_MOST_ADDRESSES = 3
_TAKEN = range(200, 300)

Resolve = Callable[[str, int], list[Address]]
"""Returns a name's addresses; may block."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt.

    Attributes:
        status: HTTP status; None where there was no answer.
        words: The answer's beginning, or why there was none.
        retry_after_s: Seconds that the receiver asks to wait.
    """

    status: int | None
    words: str
    retry_after_s: float | None = None

    @property
    def taken(self) -> bool:
        """Whether the receiver has the message now."""
        return self.status in _TAKEN


class Courier:
    """Posts messages; redirects are not followed, and no connection is used twice: each is to a checked address."""

    def __init__(
        self,
        rules: AddressRules,
        timeout_s: float,
        names: Executor,
        *,
        tls: ssl.SSLContext | bool = True,
        resolve: Resolve = addresses_of,
    ) -> None:
        """Post by these rules.

        Args:
            rules: Where messages may go.
            timeout_s: Of one attempt, name and answer included.
            names: Threads that ask for names.
            tls: How receivers prove who they are; True takes the usual authorities.
            resolve: Asks for a name's addresses.
        """
        self._rules = rules
        self._timeout_s = timeout_s
        self._names = names
        self._resolve = resolve
        self._http = httpx.AsyncClient(
            verify=tls,
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,  # a proxy of the environment would resolve the name again
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def post(self, claim: Claim) -> Answer:
        """Make one attempt; whatever goes wrong is its answer."""
        try:
            async with asyncio.timeout(self._timeout_s):  # httpx counts the time between two bytes only
                return await self._post(claim)
        except AddressRefused as refused:
            return Answer(None, str(refused))
        except TimeoutError:
            return Answer(None, f"no answer within {self._timeout_s:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            return Answer(None, f"{type(error).__name__}: {redacted_text(str(error))}"[:_SHOWN])

    async def _post(self, claim: Claim) -> Answer:
        url = self._rules.check_url(claim.url)
        asked = asyncio.get_running_loop().run_in_executor(self._names, self._resolve, url.host, port_of(url))
        addresses = self._rules.check(await asked, url.host)[:_MOST_ADDRESSES]
        body = body_of(claim)
        for address in addresses[:-1]:
            try:
                return await self._send(_request(claim, url, address, body))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._send(_request(claim, url, addresses[-1], body))

    async def _send(self, request: httpx.Request) -> Answer:
        response = await self._http.send(request, stream=True)
        try:
            start = b"" if response.is_success else await _beginning(response)
        finally:
            await response.aclose()
        asked = retry_after(response.headers.get("retry-after"), time.time())
        return Answer(response.status_code, _shown(start), asked)


def tls_of(path: Path | None) -> ssl.SSLContext | bool:
    """Return how receivers prove who they are: by the certificates of a PEM file; None takes the usual authorities.

    Raises:
        ConfigurationRefused: The file can't be read.
    """
    if path is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(path))
    except (OSError, ssl.SSLError) as error:
        where = f"CHAINSVC_WEBHOOK_CA_FILE: {path}"
        raise ConfigurationRefused("the webhook receivers' certificates can't be read", where=where) from error


def body_of(claim: Claim) -> bytes:
    """Return a message's body; the same bytes at every attempt."""
    happened = dt.datetime.fromtimestamp(claim.happened_at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return orjson.dumps({"type": claim.type, "timestamp": happened, "data": claim.data}, option=orjson.OPT_SORT_KEYS)


def signed_headers(claim: Claim, sent_at: int, body: bytes) -> dict[str, str]:
    """Return the headers of Standard Webhooks, with a signature by each key that counts now."""
    name = message_id(claim.key.event_id)
    return {
        ID_HEADER: name,
        TIMESTAMP_HEADER: str(sent_at),
        SIGNATURE_HEADER: " ".join(key.sign(name, sent_at, body) for key in claim.keys),
    }


def _request(claim: Claim, url: httpx.URL, address: Address, body: bytes) -> httpx.Request:
    """Return the request to that very address; name and certificate are still those of the host."""
    literal = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
    headers = {
        **signed_headers(claim, int(time.time()), body),
        "Host": url.netloc.decode("ascii"),
        "Content-Type": "application/json",
        "User-Agent": f"chainsvc/{version('chainsvc')}",
        "Accept-Encoding": "identity",  # what is read is limited, so nothing may unfold
    }
    extensions: dict[str, Any] = {"sni_hostname": url.raw_host.decode("ascii")}
    return httpx.Request("POST", url.copy_with(host=literal), headers=headers, content=body, extensions=extensions)


async def _beginning(response: httpx.Response) -> bytes:
    start = bytearray()
    async for part in response.aiter_raw():
        start += part
        if len(start) >= LARGEST_ANSWER_BYTES:
            break
    return bytes(start[:LARGEST_ANSWER_BYTES])


def _shown(start: bytes) -> str:
    """Return an answer's beginning as one line, without what may be personal or breaks a table."""
    words = " ".join(redacted_text(start.decode("utf-8", "replace")).split())
    return "".join(char for char in words if char.isprintable())[:_SHOWN]
