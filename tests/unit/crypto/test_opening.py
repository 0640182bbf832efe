from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from chainsvc.crypto.keys import ED25519, SigningKey, verify_signature
from chainsvc.crypto.opening import create_signing_key, open_signing_key
from chainsvc.errors import ConfigurationRefused


def secret(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.fixture
def name(tmp_path: Path) -> str:
    password = secret(tmp_path / "password", "correct horse\n")
    return f"keystore:{tmp_path / 'receipt.pem'}?password-file={password}"


def test_file_is_opened_with_and_without_scheme(tmp_path: Path) -> None:
    made = create_signing_key(f"file:{tmp_path / 'a.key'}")
    assert open_signing_key(str(tmp_path / "a.key")).public == made.public


def test_keystore_is_encrypted_private_and_opens_with_its_password(name: str, tmp_path: Path) -> None:
    made = create_signing_key(name)
    file = tmp_path / "receipt.pem"
    assert file.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert file.stat().st_mode & 0o777 == 0o600
    opened = open_signing_key(name)
    assert verify_signature(ED25519, made.public, b"message", opened.sign(b"message"))


def test_keystore_is_never_written_over(name: str) -> None:
    made = create_signing_key(name)
    with pytest.raises(FileExistsError):
        create_signing_key(name)
    assert open_signing_key(name).public == made.public


def test_wrong_password_is_refused_and_not_shown(name: str, tmp_path: Path) -> None:
    create_signing_key(name)
    secret(tmp_path / "password", "battery staple")
    with pytest.raises(ConfigurationRefused, match="can't be opened") as caught:
        open_signing_key(name)
    assert "battery" not in str(caught.value)


def test_key_that_is_not_encrypted_is_no_keystore(name: str, tmp_path: Path) -> None:
    SigningKey.generate().to_file(tmp_path / "receipt.pem")
    with pytest.raises(ConfigurationRefused, match="PKCS#8"):
        open_signing_key(name)


def test_key_of_another_curve_is_refused(name: str, tmp_path: Path) -> None:
    protection = BestAvailableEncryption(b"correct horse")
    pem = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)
    secret(tmp_path / "receipt.pem", pem.decode())
    with pytest.raises(ConfigurationRefused, match="not an Ed25519 key"):
        open_signing_key(name)


@pytest.mark.parametrize("work", [open_signing_key, create_signing_key])
def test_remote_signer_has_no_receipt_keys_and_says_what_has(work: object) -> None:
    assert callable(work)
    with pytest.raises(ConfigurationRefused, match="no Ed25519") as caught:
        work("web3signer:https://signer.example/0x00")
    assert "pkcs11:" in str(caught.value)
