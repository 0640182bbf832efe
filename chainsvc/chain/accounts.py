"""Opening an account by its name, wherever its key is kept."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import orjson
from eth_account import Account

from chainsvc.chain.external import ExternalSigner
from chainsvc.chain.signer import KeyFileSigner, KeystoreSigner, Signer
from chainsvc.chain.web3signer import Web3SignerKey
from chainsvc.crypto.key_names import KeyName
from chainsvc.crypto.opening import opened
from chainsvc.crypto.tokens import SECP256K1, TokenKey
from chainsvc.errors import ConfigurationRefused
from chainsvc.files import read_secret, write_secret
from chainsvc.proof.keccak import keccak256


class TokenAccountKey:
    """An account's key in a security module.

    Attributes:
        public: ``x ‖ y``, 64 bytes.
    """

    def __init__(self, key: TokenKey) -> None:
        """Sign with this key."""
        self._key = key
        self.public: bytes = key.public[1:]  # 04 says that the point is not compressed

    def sign(self, payload: bytes) -> bytes:
        """Return ``r ‖ s`` for the Keccak-256 hash of the payload.

        Raises:
            SignerUnavailable: The module does not sign.
        """
        return self._key.sign(keccak256(payload))


def open_account(text: str) -> Signer:
    """Return the signer of an account's name, see :mod:`chainsvc.crypto.key_names`.

    Raises:
        ConfigurationRefused: No such key, or it can't be opened.
        SignerUnavailable: A remote signer had to be asked for its keys, and does not answer.
    """
    return opened(text, _OPENING)


def create_account(text: str) -> Signer:
    """Make a new account at a name where nothing is yet.

    Raises:
        ConfigurationRefused: Keys can't be made there.
        FileExistsError: There is a file already; a key is never written over.
    """
    name = KeyName.parse(text)
    if name.scheme == "pkcs11":
        return ExternalSigner(TokenAccountKey(TokenKey.create(name, SECP256K1)))
    if name.scheme == "web3signer":
        raise ConfigurationRefused("a remote signer makes its keys itself", where=name.text)
    if name.scheme == "keystore":
        return _create_keystore(Path(name.place), Path(name.options["password-file"]))
    return KeyFileSigner.create(Path(name.place))


def _create_keystore(path: Path, password: Path) -> Signer:
    kept = Account.encrypt(Account.create().key, read_secret(password).removesuffix("\n"))
    write_secret(path, orjson.dumps(kept).decode())
    return KeystoreSigner.from_files(path, password)


_OPENING: Mapping[str, Callable[[KeyName], Signer]] = MappingProxyType(
    {
        "file": lambda name: KeyFileSigner.from_file(Path(name.place)),
        "keystore": lambda name: KeystoreSigner.from_files(Path(name.place), Path(name.options["password-file"])),
        "pkcs11": lambda name: ExternalSigner(TokenAccountKey(TokenKey(name, SECP256K1))),
        "web3signer": lambda name: ExternalSigner(Web3SignerKey(name)),
    }
)
