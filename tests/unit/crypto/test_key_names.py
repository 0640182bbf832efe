import pytest

from chainsvc.crypto.key_names import KeyName
from chainsvc.errors import ConfigurationRefused


@pytest.mark.parametrize("text", ["/etc/keys/a.key", "keys/a.key", "a b.key", "C:\\keys\\a.key", "odd:name"])
def test_what_has_no_scheme_is_a_path(text: str) -> None:
    assert KeyName.parse(text) == ("file", text, {}, text)


def test_each_scheme_is_taken_apart() -> None:
    assert KeyName.parse("file:/a.key").place == "/a.key"
    assert KeyName.parse("keystore:/a.pem?password-file=/run/p%20w").options == {"password-file": "/run/p w"}
    remote = KeyName.parse("web3signer:https://h:9000/0xab?ca-file=/ca.pem&timeout-s=3")
    assert (remote.place, dict(remote.options)) == ("https://h:9000/0xab", {"ca-file": "/ca.pem", "timeout-s": "3"})
    token = KeyName.parse("pkcs11:token=a;object=b?module-path=/m.so&pin-source=/pin")
    assert (token.place, token.options["pin-source"]) == ("token=a;object=b", "/pin")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("keystore:/a.pem", "password-file"),
        ("keystore:/a.pem?password-file=", "password-file"),
        ("keystore:/a.pem?password=secret", "unknown option"),
        ("pkcs11:object=a?module-path=/m.so", "pin-source"),
        ("pkcs11:object=a?module-path=/m.so&pin-value=1234", "unknown option"),
        ("web3signer:https://h/0x00?ca-file=a&ca-file=b", "malformed"),
        ("web3signer:https://h/0x00?ca-file", "malformed"),
    ],
)
def test_missing_unknown_and_doubled_options_are_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigurationRefused, match=told):
        KeyName.parse(text)


def test_a_secret_in_a_name_is_not_repeated() -> None:
    with pytest.raises(ConfigurationRefused) as caught:
        KeyName.parse("pkcs11:object=a?module-path=/m.so&pin-value=4711")
    assert "4711" not in str(caught.value)
