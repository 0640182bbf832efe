"""Signing keys, made in files or security modules; making one in a file needs the base install only."""

from pathlib import Path
from typing import Annotated

import typer

from chainsvc.cli.output import facts, output_of
from chainsvc.cli.refusals import UsageRefused
from chainsvc.crypto.key_names import KeyName
from chainsvc.crypto.opening import create_signing_key

NewKey = Annotated[
    str, typer.Argument(metavar="KEY", help="A new file (its mode will be 0600), or keystore:… or pkcs11:…")
]


def new(context: typer.Context, name: NewKey) -> None:
    """Make a signing key in a new file.

    An Ed25519 key, with which an organization signs its submissions. The public half is shown, to be registered.
    """
    fresh_name(name)
    key = create_signing_key(name)
    value = {"file": name, "alg": "ed25519", "public": key.public.hex(), "key_id": key.key_id.hex()}
    rows = [("Key", name), ("Public", key.public.hex()), ("Key id", key.key_id.hex())]
    output_of(context).answer(value, facts(rows))


def fresh(file: Path) -> None:
    """Let a path pass where nothing is yet.

    Raises:
        UsageRefused: A key is never written over.
    """
    if file.exists():
        raise UsageRefused("the file is there already, and a key is never written over", where=str(file))


def fresh_name(name: str) -> None:
    """Let a key's name pass where nothing is yet; whether a security module has it, making it tells.

    Raises:
        UsageRefused: A key is never written over.
        ConfigurationRefused: The name is malformed.
    """
    parsed = KeyName.parse(name)
    if parsed.scheme in {"file", "keystore"}:
        fresh(Path(parsed.place))
