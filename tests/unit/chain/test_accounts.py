"""Accounts whose keys are elsewhere: a real remote signer over HTTP, and a real security module."""

import datetime as dt
import ipaddress
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from coincurve import PrivateKey
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from eth_account import Account
from support.softhsm import SoftToken
from support.web3signer import RemoteSigner, remote_signer

from chainsvc.chain.accounts import create_account, open_account
from chainsvc.chain.external import recoverable
from chainsvc.chain.signer import KeyFileSigner
from chainsvc.crypto.opening import create_signing_key
from chainsvc.errors import ConfigurationRefused, SignerUnavailable
from chainsvc.proof.keccak import keccak256

TRANSACTION = {
    "type": 2,
    "chainId": 20260,
    "nonce": 0,
    "to": b"\x35" * 20,
    "value": 0,
    "data": "0x0102",
    "gas": 30_000,
    "maxFeePerGas": 10**9,
    "maxPriorityFeePerGas": 0,
}
ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141


@pytest.fixture
def remote() -> Iterator[RemoteSigner]:
    with remote_signer() as signer:
        yield signer


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of this machine, signed by its own key."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "signer")])
    now = dt.datetime.now(dt.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(here, critical=False)
        .sign(key, SHA256())
    )
    (folder / "ca.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "tls.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "ca.pem", folder / "tls.key"


def test_external_signature_equals_the_local_one_byte_for_byte(remote: RemoteSigner, tmp_path: Path) -> None:
    file = tmp_path / "same.account"
    file.write_text(remote.key.to_hex())
    file.chmod(0o600)
    local, there = KeyFileSigner.from_file(file), open_account(remote.name())
    for change in ({}, {"nonce": 127}, {"nonce": 128}, {"data": "0x"}, {"gas": 2**31}):
        assert there.sign_transaction(TRANSACTION | change) == local.sign_transaction(TRANSACTION | change)
    creation = {name: value for name, value in TRANSACTION.items() if name != "to"}
    assert there.sign_transaction(creation) == local.sign_transaction(creation)


def test_remote_signer_is_found_by_account_and_by_key(remote: RemoteSigner) -> None:
    for identifier in (f"0x{remote.account.hex()}", f"0x{remote.public.hex()}", remote.public.hex()):
        assert open_account(remote.name(identifier)).address == remote.account


def test_key_in_the_name_needs_no_signer_to_start(remote: RemoteSigner) -> None:
    open_account(remote.name())
    assert remote.asked == 0


def test_remote_signer_that_fails_for_a_moment_is_asked_again(remote: RemoteSigner) -> None:
    remote.failures = [503, 500]
    open_account(remote.name()).sign_transaction(TRANSACTION)
    assert remote.asked == 3


def test_remote_signer_that_goes_on_failing_is_told(remote: RemoteSigner) -> None:
    remote.failures = [503] * 9
    with pytest.raises(SignerUnavailable, match="HTTP 503"):
        open_account(remote.name()).sign_transaction(TRANSACTION)


@pytest.mark.parametrize("status", [400, 404, 302])
def test_refusal_is_told_and_not_repeated(remote: RemoteSigner, status: int) -> None:
    remote.failures = [status]
    with pytest.raises(SignerUnavailable, match=f"HTTP {status}"):
        open_account(remote.name()).sign_transaction(TRANSACTION)
    assert remote.asked == 1


def test_signature_by_another_key_is_refused(remote: RemoteSigner) -> None:
    remote.other_key = PrivateKey()
    with pytest.raises(SignerUnavailable, match="by another key"):
        open_account(remote.name()).sign_transaction(TRANSACTION)


@pytest.mark.parametrize("text", ["", "OK", "0x" + "00" * 65, "0x" + "ff" * 65, "0x" + "11" * 64, '{"error": 1}'])
def test_what_is_no_signature_is_refused(remote: RemoteSigner, text: str) -> None:
    remote.text = text
    with pytest.raises(SignerUnavailable):
        open_account(remote.name()).sign_transaction(TRANSACTION)


def test_endless_answer_is_cut_short(remote: RemoteSigner) -> None:
    remote.text = "0" * (1 << 21)
    with pytest.raises(SignerUnavailable, match="too large"):
        open_account(remote.name()).sign_transaction(TRANSACTION)


def test_silent_signer_is_given_up(remote: RemoteSigner) -> None:
    remote.stall = threading.Event()
    try:
        with pytest.raises(SignerUnavailable, match="does not answer"):
            open_account(remote.name(timeout_s="0.2")).sign_transaction(TRANSACTION)
    finally:
        remote.stall.set()


def test_nobody_there_is_told() -> None:
    with remote_signer() as gone:
        signer = open_account(gone.name())
    with pytest.raises(SignerUnavailable, match="does not answer"):
        signer.sign_transaction(TRANSACTION)


def test_account_that_the_signer_lacks_is_refused(remote: RemoteSigner) -> None:
    with pytest.raises(ConfigurationRefused, match="no key of this account"):
        open_account(remote.name("0x" + "35" * 20))


def test_tls_is_checked_by_the_named_authority(tmp_path: Path) -> None:
    pair = certificate(tmp_path)
    with remote_signer(pair) as signer:
        open_account(signer.name(ca_file=str(pair[0]))).sign_transaction(TRANSACTION)
        with pytest.raises(SignerUnavailable, match="does not answer"):
            open_account(signer.name()).sign_transaction(TRANSACTION)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("web3signer:http://signer.example/0x" + "11" * 64, "HTTPS"),
        ("web3signer:ftp://signer.example/0x" + "11" * 64, "address"),
        ("web3signer:https://u:p@signer.example/0x" + "11" * 64, "address"),
        ("web3signer:0x" + "11" * 64, "address"),
        ("web3signer:https://signer.example/main", "public key or its account"),
        ("web3signer:https://signer.example/0x" + "11" * 64 + "?timeout-s=soon", "time limit"),
        ("web3signer:https://signer.example/0x" + "11" * 64 + "?ca-file=/nonexistent", "certificate"),
    ],
)
def test_malformed_names_of_remote_signers_are_refused(name: str, told: str) -> None:
    with pytest.raises(ConfigurationRefused, match=told):
        open_account(name)


def test_account_in_a_token_signs_what_chains_take(token: SoftToken) -> None:
    made = create_account(token.name("anchoring"))
    signer = open_account(token.name("anchoring"))
    assert signer.address == made.address
    for nonce in range(24):  # half of what a module signs has the upper s
        signed = signer.sign_transaction(TRANSACTION | {"nonce": nonce})
        assert signed.hash == keccak256(signed.raw)
        assert bytes.fromhex(Account.recover_transaction(signed.raw)[2:]) == made.address


def test_receipt_key_is_no_account(token: SoftToken) -> None:
    create_signing_key(token.name("of receipts"))
    with pytest.raises(ConfigurationRefused, match="secp256k1"):
        open_account(token.name("of receipts"))


def test_upper_s_is_lowered_and_still_recovers() -> None:
    key, digest = PrivateKey(), keccak256(b"payload")
    public = key.public_key.format(compressed=False)[1:]
    low = key.sign_recoverable(digest, hasher=None)
    r, s = int.from_bytes(low[:32]), int.from_bytes(low[32:64])
    upper = low[:32] + (ORDER - s).to_bytes(32)
    assert recoverable(public, digest, upper) == recoverable(public, digest, low[:64]) == (r, s, low[64])


def test_keystore_account_is_made_and_opened(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    password.chmod(0o600)
    name = f"keystore:{tmp_path / 'one.json'}?password-file={password}"
    assert create_account(name).address == open_account(name).address
    with pytest.raises(FileExistsError):
        create_account(name)


def test_remote_signer_makes_its_keys_itself() -> None:
    with pytest.raises(ConfigurationRefused, match="makes its keys itself"):
        create_account("web3signer:https://signer.example/0x" + "11" * 64)
