"""Receipt keys in a security module: the real PKCS#11 library of SoftHSM2."""

import threading
from pathlib import Path

import pytest
from support.softhsm import MODULE, SoftToken

from chainsvc.crypto.keys import ED25519, SigningKey, verify_signature
from chainsvc.crypto.opening import create_signing_key, open_signing_key
from chainsvc.errors import ConfigurationRefused, SignerUnavailable


@pytest.fixture(scope="module")
def made(token: SoftToken) -> SigningKey:
    return create_signing_key(token.name("receipts"))


def test_key_in_a_token_signs_like_any_other(token: SoftToken, made: SigningKey) -> None:
    opened = open_signing_key(token.name("receipts"))
    assert (opened.public, opened.key_id) == (made.public, made.key_id)
    for message in (b"", b"chainsvc-receipt/1\n", bytes(100_000)):
        assert verify_signature(ED25519, made.public, message, opened.sign(message))


def test_key_never_leaves_its_token(made: SigningKey, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="never leaves"):
        made.to_file(tmp_path / "copy.key")
    assert not (tmp_path / "copy.key").exists()


def test_key_is_never_written_over(token: SoftToken, made: SigningKey) -> None:
    with pytest.raises(ConfigurationRefused, match="there already"):
        create_signing_key(token.name("receipts"))
    assert open_signing_key(token.name("receipts")).public == made.public


def test_threads_share_one_session(made: SigningKey) -> None:
    signatures: list[bytes] = []

    def sign(number: int) -> None:
        signatures.extend(made.sign(b"%d %d" % (number, turn)) for turn in range(25))

    threads = [threading.Thread(target=sign, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(set(signatures)) == 200


def test_lost_session_is_opened_anew(made: SigningKey) -> None:
    made._private._key._token._session.close()  # type: ignore[attr-defined] # the session ends as if the module had lost it
    assert verify_signature(ED25519, made.public, b"again", made.sign(b"again"))


@pytest.mark.parametrize(
    ("label", "options", "told"),
    [
        ("nobody", {}, "does not find one private key"),
        ("receipts", {"token": "elsewhere"}, "does not answer"),
        ("receipts", {"pin": "/nonexistent"}, "can't be read"),
    ],
)
def test_what_is_not_there_is_told(token: SoftToken, label: str, options: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigurationRefused, match=told):
        open_signing_key(token.name(label, **options))


def test_wrong_pin_is_tried_once_only(tokens: tuple[SoftToken, SoftToken], tmp_path: Path) -> None:
    pin = tmp_path / "pin"
    pin.write_text("9999\n")
    pin.chmod(0o600)
    name = tokens[1].name("receipts", pin=str(pin))
    for told in ("PinIncorrect", "PinIncorrect", "PinIncorrect", "PinIncorrect"):
        with pytest.raises(ConfigurationRefused, match=told):
            open_signing_key(name)
    with pytest.raises(ConfigurationRefused, match="not tried again"):
        open_signing_key(name)
    create_signing_key(tokens[1].name("unlocked"))  # the right PIN still opens it


def test_pin_file_that_others_may_read_is_refused(token: SoftToken, tmp_path: Path) -> None:
    pin = tmp_path / "pin"
    pin.write_text("2718")
    pin.chmod(0o640)
    with pytest.raises(ConfigurationRefused, match="others may read"):
        open_signing_key(token.name("receipts", pin=str(pin)))


def test_module_that_is_none_is_refused(token: SoftToken) -> None:
    name = token.name("receipts").replace(str(MODULE), "/bin/true")
    with pytest.raises(ConfigurationRefused, match="does not answer"):
        open_signing_key(name)


@pytest.mark.parametrize("place", ["token=a;objekt=b", "token=a", "object=a;type=public", "object"])
def test_names_that_find_no_private_key_are_refused(token: SoftToken, place: str) -> None:
    with pytest.raises(ConfigurationRefused):
        open_signing_key(f"pkcs11:{place}?module-path={MODULE}&pin-source={token.pin_file}")


def test_signature_by_another_key_is_refused(made: SigningKey, monkeypatch: pytest.MonkeyPatch) -> None:
    other = SigningKey.generate()
    monkeypatch.setattr(made._private._key, "sign", other.sign)  # type: ignore[attr-defined] # a token that signs by another key
    with pytest.raises(SignerUnavailable, match="not by its key"):
        made.sign(b"receipt")
