"""Opening a signing key by its name, wherever it is kept."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn, TypeVar

from chainsvc.crypto.key_names import KeyName
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.tokens import ED25519, TokenEd25519, TokenKey
from chainsvc.errors import ConfigurationRefused

K = TypeVar("K")


def open_signing_key(text: str) -> SigningKey:
    """Return the Ed25519 key of a name, see :mod:`chainsvc.crypto.key_names`.

    Raises:
        ConfigurationRefused: No such key, it can't be opened, or its holder has no keys of this kind.
    """
    return opened(text, _OPENING)


def opened(text: str, ways: Mapping[str, Callable[[KeyName], K]]) -> K:
    """Return the key of a name, opened in the way of its scheme; a file may hold the name of another place.

    Raises:
        ConfigurationRefused: No such key, or it can't be opened.
    """
    name = KeyName.parse(text)
    kept_elsewhere = named_in(Path(name.place)) if name.scheme == "file" else None
    return ways[name.scheme](name) if kept_elsewhere is None else opened(kept_elsewhere, ways)


def named_in(path: Path) -> str | None:
    """Return the name that stands in a file in place of a key; None where no name of another kind does.

    So a key that is kept elsewhere can be replaced while a service runs: by replacing the file.
    """
    try:
        text = path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None  # who reads the key tells
    return text if KeyName.parse(text).scheme != "file" else None


def create_signing_key(text: str) -> SigningKey:
    """Make a new Ed25519 key at a name where nothing is yet.

    Raises:
        ConfigurationRefused: Keys can't be made there.
        FileExistsError: There is a file already; a key is never written over.
    """
    name = KeyName.parse(text)
    if name.scheme == "pkcs11":
        return SigningKey(TokenEd25519(TokenKey.create(name, ED25519)))
    if name.scheme == "web3signer":
        _no_ed25519(name)
    key = SigningKey.generate()
    if name.scheme == "keystore":
        key.to_keystore(Path(name.place), Path(name.options["password-file"]))
    else:
        key.to_file(Path(name.place))
    return key


def _no_ed25519(name: KeyName) -> NoReturn:
    raise ConfigurationRefused(
        "Web3Signer holds no Ed25519 keys",
        expected="file:, keystore: or pkcs11:",
        where=name.text,
        hint="It signs for accounts (secp256k1) only. Keep keys of receipts and checkpoints in a security module.",
    )


_OPENING: Mapping[str, Callable[[KeyName], SigningKey]] = MappingProxyType(
    {
        "file": lambda name: SigningKey.from_file(Path(name.place)),
        "keystore": lambda name: SigningKey.from_keystore(Path(name.place), Path(name.options["password-file"])),
        "pkcs11": lambda name: SigningKey(TokenEd25519(TokenKey(name, ED25519))),
        "web3signer": _no_ed25519,
    }
)
