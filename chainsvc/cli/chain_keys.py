"""Signing keys as the chain knows them, and accounts."""

import re
import time
from typing import Annotated

import typer

from chainsvc.chain.accounts import create_account
from chainsvc.chain.institutions import Key, Purpose
from chainsvc.cli.arguments import Account, Uscc
from chainsvc.cli.chain_desk import desk, institutions
from chainsvc.cli.key_files import NewKey, fresh_name
from chainsvc.cli.organizations import checked
from chainsvc.cli.output import facts, moment, output_of
from chainsvc.cli.refusals import UsageRefused
from chainsvc.crypto.keys import ED25519, key_id
from chainsvc.crypto.opening import open_signing_key
from chainsvc.errors import NotFound
from chainsvc.settings import load_settings

_HEX = re.compile(r"[0-9a-f]{64}")
_PURPOSES = ", ".join(purpose.name.lower() for purpose in Purpose)

KeyWord = Annotated[str, typer.Argument(metavar="KEY", help="Key id (64 hex digits), or the key's file or name.")]


def account(context: typer.Context, name: NewKey) -> None:
    """Make a chain account in a new file."""
    fresh_name(name)
    address = f"0x{create_account(name).address.hex()}"
    output_of(context).answer({"file": name, "account": address}, facts([("Account", address), ("Key", name)]))


def add(
    context: typer.Context,
    uscc: Uscc,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its file or name, or its public half (64 hex digits).")],
    purpose: Annotated[str, typer.Option("--purpose", help=f"What it signs: {_PURPOSES}.")] = "submission",
    acting: Account = None,
) -> None:
    """Register an organization's signing key on chain.

    The registrar registers the first one, later ones an account of the organization itself.
    """
    public, chosen, output = _public(key), _purpose(purpose), output_of(context)
    identity = key_id(ED25519, public)
    with output.working("Registering on chain …"):
        new = desk(load_settings(), acting).add_key(checked(uscc), ED25519, public, identity, chosen)
    value = {"uscc": uscc, "public": public.hex(), "key_id": identity.hex(), "purpose": purpose, "new": new}
    rows = [("Key id", identity.hex()), ("Of", uscc), ("Signs", purpose), ("Registered", "now" if new else "already")]
    output.answer(value, facts(rows))


def show(context: typer.Context, key: KeyWord) -> None:
    """Show a signing key as it is registered."""
    identity = _identity(key)
    found = institutions(load_settings()).key_of(identity)
    if found is None:
        raise NotFound("the key is not registered", got=identity.hex(), hint="chainsvc key add")
    value = {**found._asdict(), "key_id": identity.hex(), "purpose": found.purpose.name.lower()}
    output_of(context).answer(value, facts(_rows(identity, found)))


def _rows(identity: bytes, found: Key) -> list[tuple[str, object]]:
    until = f" until {moment(found.until)}" if found.until else ""
    compromised = f"from {moment(found.compromised_from)}" if found.compromised_from else "never"
    return [
        ("Key id", identity.hex()),
        ("Of", found.uscc),
        ("Signs", found.purpose.name.lower()),
        ("Valid", f"from {moment(found.since)}{until}"),
        ("Compromised", compromised),
    ]


def end(
    context: typer.Context,
    key: KeyWord,
    after: Annotated[int, typer.Option("--in", min=1, metavar="SECONDS", help="From now; the chain's clock counts.")],
    acting: Account = None,
) -> None:
    """End a signing key at a time to come."""
    identity, until, output = _identity(key), int(time.time()) + after, output_of(context)
    with output.working("Ending the key on chain …"):
        desk(load_settings(), acting).end_key(identity, until)
    rows = [("Key id", identity.hex()), ("Ends", moment(until))]
    output.answer({"key_id": identity.hex(), "until": until}, facts(rows))


def compromise(
    context: typer.Context,
    key: KeyWord,
    since: Annotated[int, typer.Option("--since", min=1, metavar="TIME", help="Unix time from which nothing counts.")],
    acting: Account = None,
) -> None:
    """Say from when on a signing key's signatures don't count."""
    identity, output = _identity(key), output_of(context)
    with output.working("Marking the key on chain …"):
        desk(load_settings(), acting).compromise_key(identity, since)
    rows = [("Key id", identity.hex()), ("Nothing counts from", moment(since))]
    output.answer({"key_id": identity.hex(), "compromised_from": since}, facts(rows))


def _public(key: str) -> bytes:
    return bytes.fromhex(key) if _HEX.fullmatch(key) else open_signing_key(key).public


def _identity(key: str) -> bytes:
    return bytes.fromhex(key) if _HEX.fullmatch(key) else open_signing_key(key).key_id


def _purpose(word: str) -> Purpose:
    known = {purpose.name.lower(): purpose for purpose in Purpose}
    if word not in known:
        raise UsageRefused("no such purpose", expected=_PURPOSES, got=word)
    return known[word]
