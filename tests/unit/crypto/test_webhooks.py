"""Signatures of Standard Webhooks: published vectors, the specification's own library, and what is refused."""

import base64
import datetime as dt
import json
import time

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from chainsvc.client import verify_webhook
from chainsvc.crypto.webhooks import WebhookKey
from chainsvc.errors import MalformedInput, SignatureRefused

# The vector that the specification's reference libraries are tested with.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - published
ID, SENT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

MESSAGE = b'{"data":{"batch":1},"timestamp":"2026-01-05T02:00:02Z","type":"batch.final"}'
KEY, PAIR = WebhookKey("v1", bytes(range(32))), WebhookKey("v1a", bytes(range(32)))


def headers(signature: str, sent: object = SENT, message_id: str = "evt_1") -> dict[str, str]:
    return {"Webhook-Id": message_id, "WEBHOOK-TIMESTAMP": str(sent), "webhook-signature": signature}


def signed(key: WebhookKey, body: bytes = MESSAGE, sent: int = SENT) -> dict[str, str]:
    return headers(key.sign("evt_1", sent, body), sent)


def test_published_vector_is_signed_alike() -> None:
    key = WebhookKey("v1", base64.b64decode(SECRET.removeprefix("whsec_")))
    assert key.sign(ID, SENT, BODY) == SIGNATURE


def test_published_vector_verifies_up_to_its_body() -> None:
    with pytest.raises(MalformedInput, match="not a webhook's body"):
        verify_webhook(SECRET, headers(SIGNATURE, message_id=ID), BODY, now=SENT)


def test_the_specifications_own_library_takes_our_signature() -> None:
    sent = int(time.time())
    taken = Webhook(KEY.shown).verify(
        MESSAGE,
        {"webhook-id": "evt_1", "webhook-timestamp": str(sent), "webhook-signature": KEY.sign("evt_1", sent, MESSAGE)},
    )
    assert taken == json.loads(MESSAGE)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(MESSAGE, signed(KEY, sent=sent))


def test_we_take_the_signature_of_the_specifications_own_library() -> None:
    moment = dt.datetime.fromtimestamp(SENT, dt.UTC)
    message = verify_webhook(
        KEY.shown, headers(Webhook(KEY.shown).sign("evt_1", moment, MESSAGE.decode())), MESSAGE, now=SENT
    )
    assert (message.message_id, message.sent_at) == ("evt_1", SENT)
    assert (message.type, message.timestamp, message.data) == ("batch.final", "2026-01-05T02:00:02Z", {"batch": 1})


@pytest.mark.parametrize("key", [KEY, PAIR], ids=["v1", "v1a"])
def test_what_is_signed_verifies_and_nothing_else_does(key: WebhookKey) -> None:
    good = signed(key)
    assert verify_webhook(key.shown, good, MESSAGE, now=SENT).type == "batch.final"
    changed = [
        (good, MESSAGE.replace(b"1", b"2")),
        ({**good, "Webhook-Id": "evt_2"}, MESSAGE),
        ({**good, "WEBHOOK-TIMESTAMP": str(SENT + 1)}, MESSAGE),
        ({**good, "webhook-signature": good["webhook-signature"][:-4] + "AAA="}, MESSAGE),
        ({**good, "webhook-signature": good["webhook-signature"].replace("v1", "v2")}, MESSAGE),
        ({**good, "webhook-signature": f"{key.scheme},"}, MESSAGE),
        ({**good, "webhook-signature": f"{key.scheme},***"}, MESSAGE),
    ]
    for sent, body in changed:
        with pytest.raises(SignatureRefused, match="not signed with this secret"):
            verify_webhook(key.shown, sent, body, now=SENT)


def test_one_scheme_does_not_pass_for_the_other() -> None:
    """A shared secret that happens to be the public key would let a receiver's friend sign."""
    public = base64.b64decode(PAIR.shown.removeprefix("whpk_"))
    forged = WebhookKey("v1", public).sign("evt_1", SENT, MESSAGE)
    with pytest.raises(SignatureRefused):
        verify_webhook(PAIR.shown, headers(forged), MESSAGE, now=SENT)


def test_any_of_several_signatures_is_enough() -> None:
    both = " ".join(["v1,AAAA", "nonsense", PAIR.sign("evt_1", SENT, MESSAGE), KEY.sign("evt_1", SENT, MESSAGE)])
    for key in (KEY, PAIR):
        assert verify_webhook(key.shown, headers(both), MESSAGE, now=SENT).message_id == "evt_1"


@pytest.mark.parametrize("off", [-301, 301])
def test_an_old_message_is_refused_and_so_is_one_of_the_future(off: int) -> None:
    with pytest.raises(SignatureRefused, match="not sent just now"):
        verify_webhook(KEY.shown, signed(KEY), MESSAGE, now=SENT + off)
    assert verify_webhook(KEY.shown, signed(KEY), MESSAGE, now=SENT + off, tolerance_s=301).sent_at == SENT


@pytest.mark.parametrize("missing", ["Webhook-Id", "WEBHOOK-TIMESTAMP", "webhook-signature"])
def test_a_missing_header_is_named(missing: str) -> None:
    sent = signed(KEY)
    del sent[missing]
    with pytest.raises(MalformedInput) as refusal:
        verify_webhook(KEY.shown, sent, MESSAGE, now=SENT)
    assert refusal.value.where == missing.lower()


@pytest.mark.parametrize("sent", ["", "1e9", "-1", "١", "9" * 400, " 1614265330"])
def test_a_timestamp_of_another_form_is_malformed(sent: str) -> None:
    with pytest.raises(MalformedInput):
        verify_webhook(KEY.shown, headers(SIGNATURE, sent), MESSAGE, now=SENT)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_AAAA", "whpk_AAAA", KEY.shown[6:], "whsec_" + "!" * 44, "whsec_" + "A" * 400]
)
def test_a_secret_of_another_form_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(MalformedInput, match="not a webhook's secret") as refusal:
        verify_webhook(secret, signed(KEY), MESSAGE, now=SENT)
    assert refusal.value.got is None


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b'{"type":"a"}', b"\xff", b"[" * 100_000])
def test_signed_nonsense_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedInput):
        verify_webhook(KEY.shown, signed(KEY, body), body, now=SENT)


def test_a_key_is_not_shown_by_accident() -> None:
    assert bytes(range(32)).hex() not in repr(KEY)
    assert KEY.shown not in repr(KEY)
    assert len(WebhookKey.generate("v1").key) == 32
    assert WebhookKey.generate("v1") != WebhookKey.generate("v1")
