"""Signing keys in files; making one needs the base install only."""

import os
from pathlib import Path
from typing import Annotated

import typer

from chainsvc.cli.output import facts, output_of
from chainsvc.cli.refusals import UsageRefused
from chainsvc.crypto.keys import SigningKey

NewFile = Annotated[Path, typer.Argument(metavar="FILE", help="A new file; its mode will be 0600.")]


def new(context: typer.Context, file: NewFile) -> None:
    """Make a signing key in a new file.

    An Ed25519 key, with which an organization signs its submissions. The public half is shown, to be registered.
    """
    fresh(file)
    key = SigningKey.generate()
    key.to_file(file)
    value = {"file": str(file), "alg": "ed25519", "public": key.public.hex(), "key_id": key.key_id.hex()}
    rows = [("Key", file), ("Public", key.public.hex()), ("Key id", key.key_id.hex())]
    output_of(context).answer(value, facts(rows))


def fresh(file: Path) -> None:
    """Let a path pass where nothing is yet.

    Raises:
        UsageRefused: A key is never written over.
    """
    if file.exists():
        raise UsageRefused("the file is there already, and a key is never written over", where=str(file))


def write_secret(file: Path, text: str) -> None:
    """Write a secret to a new file that only its owner may read (mode 0600)."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(text + "\n")
