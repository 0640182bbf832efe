"""The service's keys in a backup, sealed under a passphrase.

Only for who asks for it: whoever has a backup, its keys and the passphrase can read every record and sign as the
service. Better is to keep the keys apart, where the key-encryption key is kept anyway.

The file is canonical JSON: ``{"cipher":HEX,"format":"chainsvc-keys/1","nonce":HEX12,"salt":HEX16}``; the key is
scrypt(passphrase, salt, n = 2^17, r = 8, p = 1), the cipher AES-256-GCM, the plain text an object of file names and
their content in base64.
"""

import base64
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from chainsvc import jcs
from chainsvc.errors import ConfigurationRefused, KeyMismatch, MalformedInput
from chainsvc.reading import members_of, text, unhex

FORMAT = "chainsvc-keys/1"
"""The only version."""

SHORTEST_PASSPHRASE = 16
"""In characters."""

_MEMBERS = frozenset({"cipher", "format", "nonce", "salt"})
_MAX_BYTES = 1_048_576
_SALT, _NONCE, _KEY = 16, 12, 32


def read_passphrase(path: Path) -> str:
    """Return the first line of a file.

    Raises:
        ConfigurationRefused: Not readable, or too short.
    """
    try:
        passphrase = path.read_text("utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationRefused("the passphrase file can't be read", where=str(path)) from error
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise ConfigurationRefused(
            "the passphrase is too short",
            expected=f"at least {SHORTEST_PASSPHRASE} characters",
            got=f"{len(passphrase)}",
            where=str(path),
            hint="Make one with `openssl rand -base64 24`, and keep it apart from the backups.",
        )
    return passphrase


def seal_keys(files: Mapping[str, bytes], passphrase: str) -> bytes:
    """Return the sealed file of these contents by name."""
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    plain = jcs.dumps({name: base64.b64encode(content).decode() for name, content in files.items()})
    cipher = AESGCM(_derived(passphrase, salt)).encrypt(nonce, plain, FORMAT.encode())
    return jcs.dumps({"format": FORMAT, "salt": salt.hex(), "nonce": nonce.hex(), "cipher": cipher.hex()})


def open_keys(data: bytes, passphrase: str) -> dict[str, bytes]:
    """Return the contents by name.

    Raises:
        MalformedInput: No such file.
        KeyMismatch: Another passphrase, or a damaged file.
    """
    value = members_of(jcs.loads(data, max_bytes=_MAX_BYTES, max_depth=2), _MEMBERS)
    if value["format"] != FORMAT:
        raise MalformedInput("unknown format", expected=FORMAT, got=str(value["format"])[:40], where="/format")
    key = _derived(passphrase, unhex(value["salt"], "/salt", _SALT))
    try:
        plain = AESGCM(key).decrypt(
            unhex(value["nonce"], "/nonce", _NONCE), unhex(value["cipher"], "/cipher"), FORMAT.encode()
        )
    except InvalidTag as error:
        raise KeyMismatch("the keys do not open with this passphrase", hint="Or the file was changed.") from error
    found = jcs.loads(plain, max_bytes=_MAX_BYTES, max_depth=2)
    return {name: base64.b64decode(text(content, name), validate=True) for name, content in found.items()}


def _derived(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=_KEY, n=2**17, r=8, p=1).derive(passphrase.encode())
