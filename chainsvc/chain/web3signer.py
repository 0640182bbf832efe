"""Accounts whose keys a remote signer holds, spoken to in Web3Signer's HTTP form (its ``eth1`` API).

``POST /api/v1/eth1/sign/{public key}`` with ``{"data": "0x…"}`` answers ``0x r s v`` as text, over the Keccak-256 hash
of the data; ``GET /api/v1/eth1/publicKeys`` lists the keys as ``0x`` and 128 digits. Whoever reaches the signer may
sign, so it is spoken to over HTTPS, but on this machine, and best with a client certificate.
"""

import ipaddress
import re
import ssl
from typing import Any

import httpx
import stamina

from chainsvc.crypto.key_names import KeyName
from chainsvc.errors import ConfigurationRefused, SignerUnavailable
from chainsvc.proof.keccak import keccak256

_PUBLIC = re.compile(r"(?:0x)?([0-9a-fA-F]{128})")
_ACCOUNT = re.compile(r"0x([0-9a-fA-F]{40})")
_SIGNATURE = re.compile(r"0x([0-9a-fA-F]{130})")
_TIMEOUT_S = 5.0
_LONGEST_S = 60.0
_ATTEMPTS = 3
_LARGEST_ANSWER = 1 << 20  # bytes; ten thousand public keys need more
_SERVER_ERROR, _OK = 500, 200


class Web3SignerKey:
    """One key of a remote signer; thread-safe.

    Attributes:
        public: ``x ‖ y``, 64 bytes.
    """

    def __init__(self, name: KeyName) -> None:
        """Take the public key from the name; where that has an account only, ask the signer for its keys.

        Raises:
            ConfigurationRefused: The name is malformed, or the signer has no such key.
            SignerUnavailable: It had to be asked, and does not answer.
        """
        self._url, identifier = _address(name)
        self._timeout_s = _timeout(name)
        # No connection is kept: one signature a batch is asked for, and nothing has to be closed.
        self._http = httpx.Client(
            timeout=self._timeout_s,
            verify=_trust(name),
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        public = _PUBLIC.fullmatch(identifier)
        self.public: bytes = bytes.fromhex(public[1]) if public else self._look_up(name, identifier)

    def sign(self, payload: bytes) -> bytes:
        """Return ``r ‖ s ‖ v`` for the Keccak-256 hash of the payload.

        Raises:
            SignerUnavailable: It does not answer in time, or not with a signature.
        """
        answer = self._ask("POST", f"/api/v1/eth1/sign/0x{self.public.hex()}", {"data": f"0x{payload.hex()}"})
        signature = _SIGNATURE.fullmatch(answer.strip())
        if signature is None:
            raise self._fault("the remote signer's answer is no signature", answer)
        return bytes.fromhex(signature[1])

    def _look_up(self, name: KeyName, identifier: str) -> bytes:
        account = _ACCOUNT.fullmatch(identifier)
        if account is None:
            raise ConfigurationRefused(
                "a remote signer's key is named by its public key or its account",
                expected="web3signer:https://HOST/0x and 128 or 40 hex digits",
                got=identifier[:20],
                where=name.text,
            )
        listed = re.findall(r'"(?:0x)?([0-9a-fA-F]{128})"', self._ask("GET", "/api/v1/eth1/publicKeys"))
        for public in map(bytes.fromhex, listed):
            if keccak256(public)[-20:] == bytes.fromhex(account[1]):
                return public
        raise ConfigurationRefused(
            "the remote signer has no key of this account", got=f"{len(listed)} others", where=name.text
        )

    def _ask(self, method: str, path: str, body: dict[str, str] | None = None) -> str:
        """Ask until it answers; the same data may be signed twice without harm."""
        retried = stamina.retry_context(
            on=(httpx.TransportError, _Failing),
            attempts=_ATTEMPTS,
            timeout=_ATTEMPTS * self._timeout_s,
            wait_initial=0.1,
            wait_max=1.0,
        )
        try:
            for attempt in retried:
                with attempt:
                    return self._once(method, path, body)
        except httpx.TransportError as error:
            raise self._fault("the remote signer does not answer", type(error).__name__) from error
        except _Failing as error:
            raise self._fault("the remote signer fails", str(error)) from error
        raise AssertionError  # the context ends by a return or an exception

    def _once(self, method: str, path: str, body: dict[str, str] | None) -> str:
        with self._http.stream(method, self._url + path, json=body) as answer:
            text = b""
            for part in answer.iter_bytes():
                text += part
                if len(text) > _LARGEST_ANSWER:
                    raise self._fault("the remote signer's answer is too large", f"over {_LARGEST_ANSWER} bytes")
        if answer.status_code >= _SERVER_ERROR:
            raise _Failing(f"HTTP {answer.status_code}")
        if answer.status_code != _OK:
            raise self._fault("the remote signer refuses to sign", f"HTTP {answer.status_code}")
        return text.decode("utf-8", "replace")

    def _fault(self, message: str, got: str) -> SignerUnavailable:
        hint = (
            "Nothing was sent. Does its address answer, and does it have the key? GET /upcheck, /api/v1/eth1/publicKeys"
        )
        return SignerUnavailable(message, got=got[:80], where=self._url, hint=hint)


class _Failing(Exception):
    """The signer answered that it failed; a moment later it may not."""


def _address(name: KeyName) -> tuple[str, str]:
    base, _, identifier = name.place.rpartition("/")
    try:
        url = httpx.URL(base)
    except httpx.InvalidURL as error:
        raise ConfigurationRefused("not a remote signer's address", where=name.text) from error
    if not url.host or url.scheme not in {"http", "https"} or url.userinfo:
        raise ConfigurationRefused(
            "not a remote signer's address", expected="web3signer:https://HOST/0x…", where=name.text
        )
    if url.scheme == "http" and not _is_here(url.host):
        raise ConfigurationRefused(
            "a remote signer is spoken to over HTTPS",
            got=str(url),
            hint="Who reads the way there may sign as well; plain HTTP is for this machine only.",
        )
    return base, identifier


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _timeout(name: KeyName) -> float:
    text = name.options.get("timeout-s", str(_TIMEOUT_S))
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_S:
        raise ConfigurationRefused(
            "not a time limit", expected=f"timeout-s above 0, to {_LONGEST_S:.0f}", got=text[:20], where=name.text
        )
    return seconds


def _trust(name: KeyName) -> Any:
    options = name.options
    try:
        context = ssl.create_default_context(cafile=options.get("ca-file"))
        if "cert-file" in options:
            context.load_cert_chain(options["cert-file"], options.get("key-file"))
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationRefused(
            "a certificate of the remote signer can't be read", got=type(error).__name__, where=name.text
        ) from error
    return context
