"""Putting a new key in the place of the present one's file, so that a stop in the middle leaves either, and goes on."""

import os
from dataclasses import dataclass
from pathlib import Path

from chainsvc.crypto.key_names import KeyName
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.opening import create_signing_key, open_signing_key
from chainsvc.errors import ConfigurationRefused
from chainsvc.files import write_secret


@dataclass(frozen=True, slots=True)
class Swap:
    """A signing key and the one that follows it.

    Attributes:
        present: The key as it is named in the settings.
        following: Name of the new key, until it takes the present one's name; the same name where it does not.
        old: The present key.
        new: The new key.
    """

    present: str
    following: str
    old: SigningKey
    new: SigningKey

    @property
    def by_file(self) -> bool:
        """Whether the present key is replaced by replacing its file; else its name in the settings is."""
        return KeyName.parse(self.present).scheme in {"file", "keystore"}

    @property
    def former(self) -> str:
        """Name of the old key when it is kept."""
        name = KeyName.parse(self.present)
        path = Path(name.place)
        kept = path.with_name(f"{path.stem}.{self.old.key_id.hex()[:8]}{path.suffix}")
        return name.text.replace(name.place, str(kept), 1) if self.by_file else self.present

    def keep(self) -> Path | None:
        """Let the old key's file have a second name, and return it; None where the settings name the key."""
        if not self.by_file:
            return None
        path, kept = (Path(KeyName.parse(name).place) for name in (self.present, self.former))
        kept.unlink(missing_ok=True)
        os.link(path, kept)
        return kept

    def finish(self) -> Path | None:
        """Put the new key in place at once; return where the old one is kept, None where the settings name it."""
        kept = self.keep()
        if kept is not None:
            Path(KeyName.parse(self.following).place).replace(KeyName.parse(self.present).place)
        return kept


def prepare(present: str, new: str | None) -> Swap:
    """Return the swap, whose new key is made where there is none yet; one that was prepared before is gone on with.

    Args:
        present: The present key's name.
        new: Name of the new key, which is made there if it is a file that is missing; None makes one like the present.

    Raises:
        ConfigurationRefused: The present key is in a security module, and no new one was named; or one can't be opened.
    """
    parsed, old = KeyName.parse(present), open_signing_key(present)
    if parsed.scheme not in {"file", "keystore"}:
        if new is None:
            raise ConfigurationRefused("the new key has to be named", expected="pkcs11:… or keystore:…", where=present)
        return Swap(present, new, old, _opened_or_made(new))
    beside = f"{parsed.place}.next"
    following = parsed.text.replace(parsed.place, beside, 1)
    if new is None:
        return Swap(present, following, old, _opened_or_made(following))
    made = _opened_or_made(new)
    Path(beside).unlink(missing_ok=True)
    _point(beside, new, made)
    return Swap(present, beside, old, made)


def _point(file: str, name: str, key: SigningKey) -> None:
    """Write what the present key's file will hold: the key where it is one of a file, else its name."""
    if KeyName.parse(name).scheme == "file":
        key.to_file(Path(file))
    else:
        write_secret(Path(file), f"{name}\n")


def _opened_or_made(name: str) -> SigningKey:
    parsed = KeyName.parse(name)
    if parsed.scheme in {"file", "keystore"} and not Path(parsed.place).exists():
        return create_signing_key(name)
    return open_signing_key(name)
