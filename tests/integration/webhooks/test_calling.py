"""Where a message really goes: to the very address that was checked, under the host's name and certificate."""

import asyncio
import datetime as dt
import ipaddress
import ssl
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.receiver import Receiver, Reply, receiving

from chainsvc.crypto.webhooks import WebhookKey
from chainsvc.errors import ConfigurationRefused
from chainsvc.journal.claims import Claim, DeliveryKey
from chainsvc.settings import load_settings
from chainsvc.webhooks import Deliverer
from chainsvc.webhooks.addresses import Address, AddressRules
from chainsvc.webhooks.calling import Answer, Courier, Resolve

HERE = ipaddress.ip_address("127.0.0.1")
NOBODY = ipaddress.ip_address("::1")  # receivers listen on the other one
LOCAL = AddressRules([ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1")], allow_http=True)
KEY = WebhookKey("v1", bytes(32))


def claim(url: str) -> Claim:
    key = DeliveryKey(bytes(32), uuid.UUID(int=1), "e", 1)
    return Claim(key, "batch.final", {"batch": 1}, 1_767_578_402, url, 0, (KEY,))


def post(url: str, rules: AddressRules = LOCAL, *, resolve: Resolve, tls: ssl.SSLContext | bool = True) -> Answer:
    async def once() -> Answer:
        with ThreadPoolExecutor(1) as names:
            courier = Courier(rules, 10, names, tls=tls, resolve=resolve)
            try:
                return await courier.post(claim(url))
            finally:
                await courier.close()

    return asyncio.run(once())


def at(*addresses: Address) -> Resolve:
    return lambda _host, _port: list(addresses)


@pytest.fixture
def certificates(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for hook.example.org, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hook.example.org")])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hook.example.org")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    return paths


@pytest.fixture
def secure(certificates: tuple[Path, Path]) -> Iterator[Receiver]:
    """A receiver over TLS that notes the name it is asked for."""

    def wrap(server: ThreadingHTTPServer) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificates)
        server.socket = context.wrap_socket(server.socket, server_side=True)

    with receiving(wrap) as running:
        yield running


@pytest.fixture
def trusted(certificates: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificates[0]))


def test_the_checked_address_is_called_under_the_hosts_name(secure: Receiver, trusted: ssl.SSLContext) -> None:
    url = f"https://hook.example.org:{secure.port}/a?b=c"
    assert post(url, resolve=at(HERE), tls=trusted).status == 204
    (came,) = secure.came
    assert came.headers["host"] == f"hook.example.org:{secure.port}"
    assert came.path == "/a?b=c"
    assert came.body == b'{"data":{"batch":1},"timestamp":"2026-01-05T02:00:02Z","type":"batch.final"}'
    assert came.message(KEY.shown).message_id == f"evt_{1:032x}"


def test_a_certificate_of_another_name_is_refused(secure: Receiver, trusted: ssl.SSLContext) -> None:
    answer = post(f"https://other.example.org:{secure.port}/", resolve=at(HERE), tls=trusted)
    assert answer.status is None
    assert "ConnectError" in answer.words
    assert secure.came == []


def test_a_certificate_that_nobody_vouches_for_is_refused(secure: Receiver) -> None:
    answer = post(f"https://hook.example.org:{secure.port}/", resolve=at(HERE))
    assert (answer.status, secure.came) == (None, [])


def test_a_name_that_changes_its_address_gains_nothing() -> None:
    """A second look-up would find the inner address: there is none, since the checked address is connected to."""
    with receiving() as inner:
        answers = iter([[NOBODY], [HERE]])
        rules = AddressRules([ipaddress.ip_network("::1")], allow_http=True)
        answer = post(f"http://rebound.example.org:{inner.port}/", rules, resolve=lambda _h, _p: next(answers))
        assert answer.status is None
        assert inner.came == []
        assert next(answers) == [HERE], "the name was asked for once"


def test_an_inner_address_among_open_ones_is_not_called() -> None:
    with receiving() as inner:
        rules = AddressRules([ipaddress.ip_network("::1")], allow_http=True)
        assert post(f"http://mixed.example.org:{inner.port}/", rules, resolve=at(HERE, NOBODY)).status is None
        assert inner.came == []


def test_the_next_address_is_tried_where_one_does_not_connect() -> None:
    with receiving() as receiver:
        assert post(f"http://two.example.org:{receiver.port}/", resolve=at(NOBODY, HERE)).status == 204


def test_a_redirect_is_a_failure_and_is_not_followed() -> None:
    with receiving() as receiver, receiving() as inner:
        receiver.always = Reply(307, headers={"location": inner.url})
        assert post(receiver.url, resolve=at(HERE)).status == 307
        assert inner.came == []


def test_a_name_that_nobody_knows_is_an_answer() -> None:
    def unknown(_host: str, _port: int) -> list[Address]:
        raise OSError(-2, "Name or service not known")

    assert "Name or service not known" in post("http://nowhere.example.org/", resolve=unknown).words


def test_a_resolver_that_hangs_does_not_hang_the_attempt() -> None:
    never = threading.Event()

    async def once() -> Answer:
        names = ThreadPoolExecutor(1)
        courier = Courier(LOCAL, 0.2, names, resolve=lambda _h, _p: [HERE] if never.wait(60) else [])
        try:
            return await courier.post(claim("http://slow.example.org/"))
        finally:
            never.set()
            await courier.close()
            names.shutdown()

    assert asyncio.run(once()).words == "no answer within 0.2 s"


def test_a_file_of_certificates_that_is_none_refuses_the_start(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pem", Path(__file__)):
        with pytest.raises(ConfigurationRefused, match="certificates"):
            Deliverer(None, None, load_settings(webhook_ca_file=path))  # type: ignore[arg-type] # never used
