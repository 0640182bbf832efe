import json
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from chainsvc.chain.node import Fees
from chainsvc.chain.signer import KeyFileSigner, KeystoreSigner
from chainsvc.chain.transactions import fees_of
from chainsvc.errors import ConfigurationRefused, MalformedInput
from chainsvc.proof.keccak import keccak256

# the key and account of EIP-155's example
KEY = "46" * 32
ADDRESS = bytes.fromhex("9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f")
TRANSACTION = {
    "type": 2,
    "chainId": 20260,
    "nonce": 9,
    "to": b"\x35" * 20,
    "value": 0,
    "data": "0x01",
    "gas": 30_000,
    "maxFeePerGas": 10**9,
    "maxPriorityFeePerGas": 300,
}


def secret(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def keystore(path: Path, password: str) -> Path:
    kept: Any = Account.encrypt(bytes.fromhex(KEY), password, kdf="pbkdf2", iterations=1000)
    return secret(path, json.dumps(kept))


def test_key_file_signs_as_its_account(tmp_path: Path) -> None:
    signer = KeyFileSigner.from_file(secret(tmp_path / "key", f"0x{KEY}\n"))
    assert signer.address == ADDRESS
    signed = signer.sign_transaction(TRANSACTION)
    assert signed.hash == keccak256(signed.raw)
    assert bytes.fromhex(Account.recover_transaction(signed.raw)[2:]) == ADDRESS
    assert fees_of(signed.raw) == Fees(10**9, 300)


def test_keystore_opens_with_its_password(tmp_path: Path) -> None:
    password = secret(tmp_path / "password", "correct horse\n")
    assert KeystoreSigner.from_files(keystore(tmp_path / "keystore", "correct horse"), password).address == ADDRESS


def test_wrong_password_and_no_keystore_are_refused(tmp_path: Path) -> None:
    password = secret(tmp_path / "password", "wrong")
    for file in (keystore(tmp_path / "keystore", "correct horse"), secret(tmp_path / "other", "{}")):
        with pytest.raises(ConfigurationRefused, match="can't be opened"):
            KeystoreSigner.from_files(file, password)


def test_created_key_is_new_private_and_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "keys/one.account"
    made = KeyFileSigner.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert KeyFileSigner.from_file(path).address == made.address
    assert KeyFileSigner.create(tmp_path / "two.account").address != made.address
    with pytest.raises(FileExistsError):
        KeyFileSigner.create(path)


def test_key_readable_by_others_is_refused_with_the_cure(tmp_path: Path) -> None:
    path = secret(tmp_path / "key", KEY, mode=0o644)
    with pytest.raises(ConfigurationRefused, match="chmod 600") as caught:
        KeyFileSigner.from_file(path)
    assert caught.value.got == "0644"


@pytest.mark.parametrize("text", ["", "46" * 31, "4g" * 32, "46" * 33, "0x"])
def test_file_without_key_is_refused_and_never_shown(tmp_path: Path, text: str) -> None:
    path = secret(tmp_path / "key", text)
    with pytest.raises(ConfigurationRefused, match="64 hex digits") as caught:
        KeyFileSigner.from_file(path)
    assert caught.value.got is None
    assert caught.value.__cause__ is None


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="can't be read"):
        KeyFileSigner.from_file(tmp_path / "nothing")


def test_signer_never_shows_its_key(tmp_path: Path) -> None:
    signer = KeyFileSigner.from_file(secret(tmp_path / "key", KEY))
    assert repr(signer) == f"KeyFileSigner({ADDRESS.hex()})"
    assert KEY not in str(vars(signer))


@pytest.mark.parametrize("raw", [b"", b"\x01\xc0", bytes.fromhex("f86c0985")])
def test_fees_of_another_type_of_transaction_are_refused(raw: bytes) -> None:
    with pytest.raises(MalformedInput, match="EIP-1559"):
        fees_of(raw)
