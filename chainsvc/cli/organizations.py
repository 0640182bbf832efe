"""Organizations: registered on chain, with the accounts that act for them."""

import re
import time
from typing import Annotated

import typer

from chainsvc.chain.accounts import open_account
from chainsvc.chain.institutions import Institutions, Organization, Role
from chainsvc.cli.arguments import Account, Uscc
from chainsvc.cli.chain_desk import desk, institutions
from chainsvc.cli.output import facts, moment, output_of
from chainsvc.cli.refusals import UsageRefused
from chainsvc.errors import InputRefused, NotFound
from chainsvc.keyring import read_accounts
from chainsvc.schemas.formats import uscc_fault
from chainsvc.settings import Settings, load_settings

_ADDRESS = re.compile(r"(?:0x)?([0-9a-fA-F]{40})")
_ROLES = ", ".join((role.name or "").lower() for role in Role)

By = Annotated[str, typer.Option("--by", metavar="USCC", help="The regulator that acts; a registrar when not given.")]


def register(
    context: typer.Context,
    uscc: Uscc,
    roles: Annotated[list[str], typer.Option("--role", help=f"May repeat: {_ROLES}.")],
    account: Account = None,
) -> None:
    """Register an organization and its roles.

    Repeating it is harmless.
    """
    checked(uscc)
    wanted, settings, output = _roles(roles), load_settings(), output_of(context)
    with output.working("Registering on chain …"):
        new = desk(settings, account).register(uscc, wanted)
    value = {"uscc": uscc, "roles": names(wanted), "new": new}
    rows = [("Organization", uscc), ("Roles", ", ".join(names(wanted))), ("Registered", "now" if new else "already")]
    output.answer(value, facts(rows))


def delegate(
    context: typer.Context,
    uscc: Uscc,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="ACCOUNT",
            help="Address, or its key's file or name; default this service's accounts.",
        ),
    ] = None,
    account: Account = None,
) -> None:
    """Let an account act for an organization.

    The registrar names the first one, later ones an account of the organization itself.
    """
    settings, output = load_settings(), output_of(context)
    addresses = [one.address for one in read_accounts(settings)] if to is None else [address_of(settings, to)]
    with output.working("Delegating on chain …"):
        acting = desk(settings, account)
        new = [acting.delegate(checked(uscc), address) for address in addresses]
    names = [f"0x{address.hex()}" for address in addresses]
    value = {"uscc": uscc, "account": names[0] if names else None, "accounts": names, "new": any(new)}
    rows = [("Account", f"{name}, {'now' if one else 'already'}") for name, one in zip(names, new, strict=True)]
    output.answer(value, facts([("Organization", uscc), *rows]))


def show(context: typer.Context, uscc: Uscc) -> None:
    """Show an organization as it is registered."""
    settings = load_settings()
    register_ = institutions(settings)
    found = register_.organization_of(checked(uscc))
    if found is None:
        raise NotFound("the organization is not registered", got=uscc, hint="chainsvc org register")
    ledgers = [ledger_id.hex() for ledger_id in register_.ledgers_of(uscc)]
    serves = _serves(settings, register_, uscc)
    value = {
        "uscc": uscc,
        "roles": names(found.roles),
        "since": found.since,
        "until": found.until or None,
        "suspended": found.suspended,
        "active": register_.is_active(uscc),
        "served_here": serves,
        "ledgers": ledgers,
    }
    output_of(context).answer(value, facts(_rows(uscc, found, serves=serves, ledgers=ledgers)))


def _serves(settings: Settings, register_: Institutions, uscc: str) -> bool:
    return any(register_.may_anchor(uscc, signer.address) for signer in read_accounts(settings))


def _rows(uscc: str, found: Organization, *, serves: bool, ledgers: list[str]) -> list[tuple[str, object]]:
    until = f" until {moment(found.until)}" if found.until else ""
    return [
        ("Organization", uscc),
        ("Roles", ", ".join(names(found.roles))),
        ("Registered", f"from {moment(found.since)}{until}"),
        ("Suspended", "yes" if found.suspended else "no"),
        ("This service", "acts for it" if serves else "does not act for it: chainsvc org delegate"),
        ("Ledgers", "\n".join(ledgers) or "none"),
    ]


def suspend(
    context: typer.Context,
    uscc: Uscc,
    reason: Annotated[str, typer.Option("--reason", help="Up to 32 bytes, public on chain.")],
    by: By = "",
    account: Account = None,
) -> None:
    """Suspend an organization at once.

    Its anchoring stops, and its receipts are excused.
    """
    if len(reason.encode()) > _REASON_BYTES:
        raise UsageRefused(
            "the reason is too long for the chain",
            expected=f"at most {_REASON_BYTES} bytes of UTF-8",
            got=f"{len(reason.encode())} bytes",
        )
    output = output_of(context)
    with output.working("Suspending on chain …"):
        desk(load_settings(), account).suspend(checked(uscc), by, reason)
    output.answer({"uscc": uscc, "suspended": True, "reason": reason}, facts([("Suspended", uscc), ("Reason", reason)]))


def resume(context: typer.Context, uscc: Uscc, by: By = "", account: Account = None) -> None:
    """Lift a suspension."""
    output = output_of(context)
    with output.working("Resuming on chain …"):
        desk(load_settings(), account).resume(checked(uscc), by)
    output.answer({"uscc": uscc, "suspended": False}, facts([("Resumed", uscc)]))


def end(
    context: typer.Context,
    uscc: Uscc,
    after: Annotated[
        int | None,
        typer.Option("--in", min=1, metavar="SECONDS", help="From now; default the soonest that the register takes."),
    ] = None,
    account: Account = None,
) -> None:
    """Plan an organization's end.

    Only a registrar may, and no sooner than the network's longest deadline, so that what was accepted is still
    anchored. From then on nothing is anchored for it; what was, stays valid. Close its ledgers before that.
    """
    output, acting = output_of(context), desk(load_settings(), account)
    with output.working("Planning the end on chain …"):
        until = acting.end_organization(checked(uscc), None if after is None else int(time.time()) + after)
    ledgers = [ledger_id.hex() for ledger_id in acting.institutions.ledgers_of(uscc)]
    rows = [("Organization", uscc), ("Ends", moment(until)), ("Ledgers", "\n".join(ledgers) or "none")]
    output.answer({"uscc": uscc, "until": until, "ledgers": ledgers}, facts(rows))


_REASON_BYTES = 32


def checked(uscc: str) -> str:
    """Return the code when its check character is right.

    Raises:
        InputRefused: It is not.
    """
    if fault := uscc_fault(uscc):
        raise InputRefused("not a unified social credit code", expected=fault, got=uscc[:40])
    return uscc


def names(roles: Role) -> list[str]:
    """Return the roles' names."""
    return [(role.name or "").lower() for role in roles]


def _roles(words: list[str]) -> Role:
    known = {(role.name or "").lower(): role for role in Role}
    chosen = Role(0)
    for word in words:
        if word not in known:
            raise UsageRefused("no such role", expected=_ROLES, got=word)
        chosen |= known[word]
    return chosen


def address_of(settings: Settings, account: str | None) -> bytes:
    """Return the address of an account, named by itself, by its key file, or not at all: then the service's.

    Raises:
        ConfigurationRefused: Neither an address nor a key file.
    """
    if account is None:
        return open_account(settings.accounts[0]).address
    match = _ADDRESS.fullmatch(account)
    return bytes.fromhex(match[1]) if match else open_account(account).address
