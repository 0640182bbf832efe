"""Who signs transactions: one account, its key read from a file at the start and never shown.

Keys that never enter this process (a remote signer, a security module) are in :mod:`chainsvc.chain.external`;
:mod:`chainsvc.chain.accounts` opens whichever a name names.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import orjson
from eth_account import Account
from eth_account.signers.local import LocalAccount

from chainsvc.errors import ConfigurationRefused
from chainsvc.files import read_secret, write_secret

_PRIVATE = re.compile(r"[0-9a-fA-F]{64}")


class SignedTransaction(NamedTuple):
    """A signed transaction.

    Attributes:
        raw: The bytes to send; keep them before sending.
        hash: What the chain will call it, 32 bytes.
    """

    raw: bytes
    hash: bytes


class Signer(Protocol):
    """Signs transactions of one account."""

    @property
    def address(self) -> bytes:
        """The account, 20 bytes."""

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedTransaction:
        """Sign a transaction with all its members, as ``transactions.prepare`` makes it."""


class _LocalSigner:
    """Signs with a key in this process's memory."""

    def __init__(self, account: LocalAccount) -> None:
        """Keep the account; its key is never part of a message or a log."""
        self._account = account
        self._address = bytes.fromhex(account.address[2:])

    @property
    def address(self) -> bytes:
        """The account, 20 bytes."""
        return self._address

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedTransaction:
        """Sign a transaction with all its members."""
        signed = self._account.sign_transaction(dict(transaction))
        return SignedTransaction(bytes(signed.raw_transaction), bytes(signed.hash))

    def __repr__(self) -> str:
        """Show the address only."""
        return f"{type(self).__name__}({self._address.hex()})"


class KeystoreSigner(_LocalSigner):
    """An account in an encrypted keystore file (Web3 Secret Storage, version 3)."""

    @classmethod
    def from_files(cls, keystore: Path, password: Path) -> Self:
        """Decrypt a keystore once; with the usual scrypt cost this takes a second and 256 MB for that moment.

        Args:
            keystore: The JSON file.
            password: A file that holds the password and nothing else but a final newline.

        Raises:
            ConfigurationRefused: A file is missing or no keystore, or the password is wrong.
        """
        try:
            kept = orjson.loads(read_secret(keystore))
            return cls(Account.from_key(Account.decrypt(kept, read_secret(password).removesuffix("\n"))))
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigurationRefused(
                "the keystore can't be opened",
                where=str(keystore),
                hint="Is it a version 3 keystore, and is its password in the password file?",
            ) from error


class KeyFileSigner(_LocalSigner):
    """An account whose key is 64 hex digits in a file that only its owner may read; for a devnet."""

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read the key.

        Raises:
            ConfigurationRefused: No such file, not 64 hex digits, or readable by others.
        """
        text = read_secret(path).strip().removeprefix("0x")
        if not _PRIVATE.fullmatch(text):
            raise ConfigurationRefused("the file holds no account key", expected="64 hex digits", where=str(path))
        return cls(Account.from_key(text))

    @classmethod
    def create(cls, path: Path) -> Self:
        """Draw a new key and write it to a new file of mode 0600.

        Raises:
            FileExistsError: The file is there already; a key is never written over.
        """
        account = Account.create()
        write_secret(path, bytes(account.key).hex() + "\n")
        return cls(account)
