"""Signatures of the Standard Webhooks specification, version 1.0.0 (standardwebhooks.com), for both sides.

Signed is ``id.timestamp.body``. A signature is ``v1,<base64 of HMAC-SHA256>`` under a secret that both sides know, or
``v1a,<base64 of Ed25519>`` by a key of the sender's; the header takes several with a space between, so that a key can
be changed without losing a message.
"""

import base64
import binascii
import hmac
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from chainsvc.crypto.keys import ED25519, SigningKey, verify_signature
from chainsvc.errors import MalformedInput, SignatureRefused

Scheme = Literal["v1", "v1a"]
"""``v1``: HMAC-SHA256 under a shared secret; ``v1a``: Ed25519, of which the receiver has the public key only."""

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"

TOLERANCE_S: Final = 300
"""Seconds that a message's timestamp may lie before or after the receiver's clock."""

KEY_BYTES: Final = 32
"""Of the keys made here; the specification takes secrets of 24 to 64 bytes."""

_SECRET, _PUBLIC = "whsec_", "whpk_"
_SHORTEST, _LONGEST = 24, 64
_ED25519_BYTES = 32


@dataclass(frozen=True, slots=True)
class WebhookMessage:
    """A message that came from the service, unchanged.

    Attributes:
        message_id: The same however often the message is sent: keep it, and do nothing the second time.
        sent_at: When this attempt was made, Unix seconds.
        type: Event type, e.g. ``batch.final``.
        timestamp: When it happened, RFC 3339.
        data: What happened; its members follow from ``type``.
    """

    message_id: str
    sent_at: int
    type: str
    timestamp: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, repr=False)
class WebhookKey:
    """What one endpoint's messages are signed with.

    Attributes:
        scheme: How.
        key: The shared secret, or the Ed25519 seed; 32 bytes.
    """

    scheme: Scheme
    key: bytes

    @classmethod
    def generate(cls, scheme: Scheme) -> "WebhookKey":
        """Make a key from the operating system's randomness."""
        return cls(scheme, os.urandom(KEY_BYTES))

    @property
    def shown(self) -> str:
        """What the receiver verifies with: ``whsec_…``, to be kept secret, or ``whpk_…``, which is public."""
        if self.scheme == "v1":
            return _SECRET + base64.b64encode(self.key).decode()
        return _PUBLIC + base64.b64encode(SigningKey.from_seed(self.key).public).decode()

    def sign(self, message_id: str, sent_at: int, body: bytes) -> str:
        """Return the signature as it stands in the header."""
        content = _signed(message_id, str(sent_at), body)
        if self.scheme == "v1":
            signature = hmac.digest(self.key, content, "sha256")
        else:
            signature = SigningKey.from_seed(self.key).sign(content)
        return f"{self.scheme},{base64.b64encode(signature).decode()}"


def verify_webhook(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    tolerance_s: int = TOLERANCE_S,
    now: float | None = None,
) -> WebhookMessage:
    """Return a message when the service sent it, just now and just so; a receiver calls this before anything else.

    It does not remember: the same message may come again, and is told by its ``message_id``.

    Args:
        secret: ``whsec_…`` or ``whpk_…``, as the service showed it.
        headers: Of the request, in any case.
        body: The request's bytes as they came, not parsed and written anew.
        tolerance_s: Seconds that its timestamp may be off.
        now: Unix seconds; None asks this machine's clock.

    Raises:
        MalformedInput: A header is missing or wrong, the secret is none, or the body is no such message.
        SignatureRefused: Not signed with this secret, changed, or too old or too new.
    """
    named = {name.lower(): value for name, value in headers.items()}
    message_id, sent, signatures = (_header(named, name) for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER))
    if not (sent.isascii() and sent.isdigit() and len(sent) < 16):  # noqa: PLR2004 - beyond it no calendar goes
        raise MalformedInput("not a timestamp", expected="Unix seconds", got=sent[:40], where=TIMESTAMP_HEADER)
    scheme, key = _read_secret(secret)
    content = _signed(message_id, sent, body)
    if not any(_matches(scheme, key, content, signature) for signature in signatures.split(" ")):
        hint = "Pass the body's bytes as they came, and the secret of this very endpoint."
        raise SignatureRefused("the webhook is not signed with this secret", where=SIGNATURE_HEADER, hint=hint)
    _check_age(int(sent), time.time() if now is None else now, tolerance_s)
    return _message(message_id, int(sent), body)


def _signed(message_id: str, sent: str, body: bytes) -> bytes:
    return f"{message_id}.{sent}.".encode() + body


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise MalformedInput("a header of Standard Webhooks is missing", expected=name, where=name)
    return value


def _read_secret(text: str) -> tuple[Scheme, bytes]:
    for scheme, prefix, sizes in _FORMS:
        if text.startswith(prefix):
            key = _unbase64(text.removeprefix(prefix))
            if key is not None and len(key) in sizes:
                return scheme, key
    raise MalformedInput("not a webhook's secret", expected="whsec_<base64> or whpk_<base64>", where="secret")


_FORMS: tuple[tuple[Scheme, str, range], ...] = (
    ("v1", _SECRET, range(_SHORTEST, _LONGEST + 1)),
    ("v1a", _PUBLIC, range(_ED25519_BYTES, _ED25519_BYTES + 1)),
)


def _matches(scheme: Scheme, key: bytes, content: bytes, signature: str) -> bool:
    version, _, text = signature.partition(",")
    given = _unbase64(text)
    if version != scheme or given is None:
        return False
    if scheme == "v1":
        return hmac.compare_digest(hmac.digest(key, content, "sha256"), given)
    return verify_signature(ED25519, key, content, given)


def _unbase64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _check_age(sent_at: int, now: float, tolerance_s: int) -> None:
    if abs(now - sent_at) > tolerance_s:
        raise SignatureRefused(
            "the webhook was not sent just now",
            expected=f"within {tolerance_s} s of {now:.0f}",
            got=sent_at,
            where=TIMESTAMP_HEADER,
            hint="Someone may be sending an old message again; if not, set this machine's clock.",
        )


def _message(message_id: str, sent_at: int, body: bytes) -> WebhookMessage:
    try:
        value = orjson.loads(body)
        return WebhookMessage(message_id, sent_at, value["type"], value["timestamp"], value["data"])
    except (ValueError, KeyError, TypeError) as error:
        raise MalformedInput("not a webhook's body", expected="{type, timestamp, data}", where="body") from error
