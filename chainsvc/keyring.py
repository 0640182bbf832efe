"""The keys that settings name: made where they are missing, opened where they are used."""

import os
from pathlib import Path

from chainsvc.chain.accounts import create_account, open_account
from chainsvc.chain.signer import Signer
from chainsvc.crypto.envelope import KeyEncryptionKey
from chainsvc.crypto.key_names import KeyName
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.opening import create_signing_key, open_signing_key
from chainsvc.errors import KeyMismatch
from chainsvc.note import Signer as NoteSigner
from chainsvc.settings import Settings

KEK_VARIABLE = "CHAINSVC_KEK"
"""Environment variable with the key-encryption key, in hex or base64; no setting, so that it is never shown."""

_OPERATOR = "chainsvc-operator"  # name of the operator's keys in signed notes


def make_keys(settings: Settings) -> None:
    """Make the keys that are missing: a key is never written over."""
    for name in (settings.key_name("receipt"), settings.key_name("checkpoint")):
        if is_missing_file(name):
            create_signing_key(name)
    if KEK_VARIABLE not in os.environ and not settings.key("kek").exists():
        _refuse_lost_kek(settings)
        SigningKey.generate().to_file(settings.key("kek"))  # 32 random bytes, mode 0600, like any other
    for account in (*settings.accounts, settings.key_name("admin")):
        if is_missing_file(account):
            create_account(account)


def is_missing_file(name: str) -> bool:
    """Tell whether a key is named as a file that is not there; what a signer or a module holds is there or refused."""
    parsed = KeyName.parse(name)
    return parsed.scheme in {"file", "keystore"} and not Path(parsed.place).exists()


def _refuse_lost_kek(settings: Settings) -> None:
    """A home with a deployed network has a journal, which no new key opens."""
    if settings.descriptor.exists():
        raise KeyMismatch(
            "the journal's key-encryption key is not there",
            expected="the key that it was written with",
            where=str(settings.key("kek")),
            hint=f"Put the file back, or set {KEK_VARIABLE}; without it the stored records can't be read.",
        )


def read_kek(settings: Settings) -> KeyEncryptionKey:
    """Return the key-encryption key: of the environment where it is set there, else of its file.

    Raises:
        ConfigurationRefused: Neither holds 32 bytes.
    """
    text = os.environ.get(KEK_VARIABLE)
    if text is not None:
        return KeyEncryptionKey.from_text(text)
    present, following = settings.key("kek"), settings.kek_next
    return KeyEncryptionKey.from_file(following if following.exists() and not present.exists() else present)


def read_other_keks(settings: Settings) -> tuple[KeyEncryptionKey, ...]:
    """Return the key-encryption keys that may count while one is replaced, beside that of :func:`read_kek`.

    Raises:
        ConfigurationRefused: A file is there and holds no key.
    """
    files = (settings.kek_next, settings.key("kek"))
    return tuple(KeyEncryptionKey.from_file(path) for path in files if path.exists())


def read_accounts(settings: Settings) -> tuple[Signer, ...]:
    """Return the accounts to anchor with; none where none was named and the home has no file of one.

    Raises:
        ConfigurationRefused: A named key is missing, or can't be opened.
        SignerUnavailable: A remote signer had to be asked for its keys, and does not answer.
    """
    named = settings.account_key_file is not None or settings.account_key_files or settings.account_keys
    return tuple(open_account(name) for name in settings.accounts if named or not is_missing_file(name))


def read_receipt_key(settings: Settings) -> SigningKey:
    """Return the key that signs receipts.

    Raises:
        ConfigurationRefused: It is missing, or can't be opened.
    """
    return open_signing_key(settings.key_name("receipt"))


def read_admin(settings: Settings) -> Signer:
    """Return the account that deploys and registers organizations.

    Raises:
        ConfigurationRefused: Its key is missing, or can't be opened.
    """
    return open_account(settings.key_name("admin"))


def checkpoint_signers(settings: Settings) -> tuple[NoteSigner, ...]:
    """Return who signs checkpoints: the present key, and the former one while it is kept for those who pinned it."""
    present, former = checkpoint_signer(settings), settings.former_checkpoint_key
    kept = (NoteSigner(_OPERATOR, open_signing_key(str(former))),) if former.exists() else ()
    return (present, *(one for one in kept if one.verifier_key != present.verifier_key))


def checkpoint_signer(settings: Settings) -> NoteSigner:
    """Return the operator's checkpoint signer."""
    return NoteSigner(_OPERATOR, open_signing_key(settings.key_name("checkpoint")))
