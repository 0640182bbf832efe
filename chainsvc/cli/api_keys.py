"""API keys: made, listed and revoked in the journal itself, by whoever runs the service."""

import time
from pathlib import Path
from typing import Annotated

import typer

from chainsvc.api.ports import Scope
from chainsvc.cli.key_files import fresh
from chainsvc.cli.organizations import checked
from chainsvc.cli.output import Output, facts, listing, moment, output_of
from chainsvc.cli.refusals import UsageRefused
from chainsvc.files import write_secret
from chainsvc.ground import open_journal
from chainsvc.journal import keys
from chainsvc.journal.keys import ApiKey
from chainsvc.settings import load_settings

_SCOPES = ", ".join(Scope)
_DAY_S = 86_400

KeyFile = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="A new file for the key, mode 0600.")
]


def create(
    context: typer.Context,
    uscc: Annotated[str, typer.Option("--org", metavar="USCC", help="The organization that the key speaks for.")],
    scopes: Annotated[list[str], typer.Option("--scope", help=f"May repeat: {_SCOPES}.")],
    label: Annotated[str, typer.Option("--label", help="What people call it.")] = "",
    days: Annotated[
        int | None, typer.Option("--days", min=1, help="Valid for so many days; default until revoked.")
    ] = None,
    output_file: KeyFile = None,
) -> None:
    """Make an API key; its secret is shown this once.

    With -o it goes to a file and is not shown at all; CHAINSVC_API_KEY_FILE names that file to the other commands.
    """
    output, now = output_of(context), int(time.time())
    if output_file is not None:
        fresh(output_file)
    wanted = _checked_scopes(scopes)
    with output.working("Opening the journal …"), open_journal(load_settings()) as engine, engine.begin() as conn:
        expires_at = None if days is None else now + days * _DAY_S
        made, token = keys.create(conn, checked(uscc), wanted, label, now=now, expires_at=expires_at)
    _give(output, made, token, output_file)


def rotate(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The id of the key that is replaced.")],
    overlap: Annotated[
        int, typer.Option("--overlap", min=0, metavar="SECONDS", help="How long the old one holds beside it.")
    ] = _DAY_S,
    output_file: KeyFile = None,
) -> None:
    """Make an API key in place of another, which holds for a while.

    It speaks for the same organization, with the same scopes and label.
    """
    output, now = output_of(context), int(time.time())
    if output_file is not None:
        fresh(output_file)
    with output.working("Opening the journal …"), open_journal(load_settings()) as engine, engine.begin() as conn:
        made, token = keys.rotate(conn, key_id, now=now, overlap_s=overlap)
    _give(output, made, token, output_file)


def _give(output: Output, made: ApiKey, token: str, file: Path | None) -> None:
    if file is not None:
        write_secret(file, f"{token}\n")
    value = {**_value(made), "key": token if file is None else None, "file": file and str(file)}
    output.answer(value, facts([("API key", token if file is None else f"in {file}"), *_rows(made)]))


def list_all(
    context: typer.Context,
    uscc: Annotated[str | None, typer.Option("--org", metavar="USCC", help="Of one organization only.")] = None,
) -> None:
    """List API keys, without their secrets."""
    output = output_of(context)
    with output.working("Opening the journal …"), open_journal(load_settings()) as engine, engine.connect() as conn:
        found = keys.listing(conn, uscc)
    rows = [
        (key.key_id, key.uscc, " ".join(sorted(key.scopes)), key.label, moment(key.created_at), _state(key))
        for key in found
    ]
    columns = ("Id", "Organization", "Scopes", "Label", "Created", "State")
    output.answer({"keys": [_value(key) for key in found]}, listing(columns, rows))


def revoke(context: typer.Context, key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id.")]) -> None:
    """Revoke an API key at once.

    Only single records may still be taken for one second from a sender who was busy sending them.
    """
    output, now = output_of(context), int(time.time())
    with output.working("Opening the journal …"), open_journal(load_settings()) as engine, engine.begin() as conn:
        keys.revoke(conn, key_id, now=now)
    output.answer({"id": key_id, "revoked": True}, facts([("Revoked", key_id)]))


def _checked_scopes(words: list[str]) -> list[Scope]:
    known = {scope.value: scope for scope in Scope}
    for word in words:
        if word not in known:
            raise UsageRefused("no such scope", expected=_SCOPES, got=word)
    return [known[word] for word in words]


def _value(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.key_id,
        "org": key.uscc,
        "scopes": sorted(key.scopes),
        "label": key.label,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }


def _rows(key: ApiKey) -> list[tuple[str, object]]:
    expiry = "until it is revoked" if key.expires_at is None else f"until {moment(key.expires_at)}"
    return [("Id", key.key_id), ("Speaks for", key.uscc), ("Scopes", " ".join(sorted(key.scopes))), ("Valid", expiry)]


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return f"revoked {moment(key.revoked_at)}"
    return "open" if key.expires_at is None else f"until {moment(key.expires_at)}"
