"""Backups of the journal."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from chainsvc.backup.checking import Checked, Place, check_backup
from chainsvc.backup.contents import PARTS
from chainsvc.backup.making import make_backup
from chainsvc.backup.manifest import NAME, Manifest
from chainsvc.backup.sealed_keys import read_passphrase, seal_keys
from chainsvc.cli.output import facts, moment, output_of
from chainsvc.crypto.key_names import KeyName
from chainsvc.crypto.suites import sha256
from chainsvc.ground import open_database
from chainsvc.settings import Settings, load_settings

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the backup.")]
Seeds = Annotated[
    Path | None, typer.Option("--seeds", metavar="DIR", help="Folder of the short-lived part; default DIR/seeds.")
]
Passphrase = Annotated[
    Path | None,
    typer.Option("--with-keys", metavar="FILE", help="The service's keys too, under the passphrase in this file."),
]


def make(context: typer.Context, folder: Folder, seeds: Seeds = None, with_keys: Passphrase = None) -> None:
    """Write a backup to a new folder.

    It is the journal at one moment, whole or not at all, while the service goes on. Keep the folder 'seeds' for days
    only, at a place of its own: without it no record can be read, which is what makes an erasure hold in backups too.
    The key-encryption key is not in it unless asked for: without that key a backup is worth nothing, so keep it apart.
    """
    settings, output = load_settings(), output_of(context)
    keys = None if with_keys is None else seal_keys(_key_files(settings), read_passphrase(with_keys))
    with open_database(settings) as engine, output.progress("Backing up") as told:
        manifest = make_backup(engine, folder, seeds=seeds, keys=keys, now=int(time.time()), progress=told)
    place = Place.of(folder, seeds)
    value = {**_value(manifest, sha256((folder / NAME).read_bytes())), **_places(place)}
    output.answer(value, facts([("Backup", folder), ("Seeds", place.seeds), *_rows(manifest, value["backup"])]))


def verify(context: typer.Context, folder: Folder, seeds: Seeds = None) -> None:
    """Check a backup's files without restoring them.

    Every file is read and compared with the manifest's SHA-256. That the whole is right only a restore can prove, so
    restore now and then into an empty database.
    """
    output, place = output_of(context), Place.of(folder, seeds)
    with output.progress("Checking") as told:
        checked = check_backup(place, told)
    kept = str(place.seeds) if checked.has_seeds else "deleted: entries and receipts are there, records can't be read"
    value = {**_value(checked.manifest, checked.manifest_sha256), **_places(place), "has_seeds": checked.has_seeds}
    output.answer(value, facts([("Backup", folder), ("Seeds", kept), *_rows(checked.manifest, value["backup"])]))


def key_places(settings: Settings) -> dict[str, Path]:
    """Return where the keys that a backup may carry belong, by the names that they have in it."""
    named = {name: settings.key_name(name) for name in ("receipt", "checkpoint", "admin")}
    named |= {f"account-{number}": name for number, name in enumerate(settings.accounts)}
    parsed = {name: KeyName.parse(text) for name, text in named.items()}
    files = {name: Path(key.place) for name, key in parsed.items() if key.scheme in {"file", "keystore"}}
    return {"kek": settings.key("kek"), **files}


def _key_files(settings: Settings) -> dict[str, bytes]:
    """Return the contents of the keys that are files; one in the environment is kept by who set it."""
    return {name: path.read_bytes() for name, path in key_places(settings).items() if path.exists()}


def _places(place: Place) -> dict[str, Any]:
    return {"folder": str(place.folder), "seeds": str(place.seeds)}


def _value(manifest: Manifest, digest: bytes) -> dict[str, Any]:
    sizes = {part: sum(file.size for file in manifest.of_part(part)) for part in PARTS}
    return {
        "backup": digest.hex(),
        "made_at": manifest.made_at,
        "schema": manifest.schema,
        "network": manifest.network.hex(),
        "ledgers": [ledger.to_json() for ledger in manifest.ledgers],
        "rows": {file.table: file.rows for file in manifest.files},
        "bytes": sizes,
        "keys": manifest.keys is not None,
    }


def _rows(manifest: Manifest, digest: str) -> list[tuple[str, object]]:
    rows = {file.table: file.rows for file in manifest.files}
    size = sum(file.size for file in manifest.files)
    return [
        ("Id", digest),
        ("Made", moment(manifest.made_at)),
        ("Network", manifest.network.hex()),
        ("Holds", f"{rows['entries']:,} entries in {len(manifest.ledgers)} ledgers, {size:,} bytes"),
        ("Keys", "sealed under a passphrase" if manifest.keys else "not included: keep the key-encryption key apart"),
    ]


def checked_backup(context: typer.Context, place: Place) -> Checked:
    """Check a backup before it is restored, with a bar."""
    with output_of(context).progress("Checking") as told:
        return check_backup(place, told)
