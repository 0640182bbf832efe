"""Single records: how far they have come, their standing, their erasure."""

from typing import Annotated

import typer
from rich.console import RenderableType

from chainsvc.cli.arguments import InLedger, Reference, Revision, Store
from chainsvc.cli.causes import notarize_cause
from chainsvc.cli.connection import connected
from chainsvc.cli.output import facts, listing, moment, output_of
from chainsvc.cli.references import Named
from chainsvc.cli.refusals import UsageRefused
from chainsvc.client import Erasure, RecordStatus, Standing, StandingChange
from chainsvc.client.answers import standing_named
from chainsvc.heads import Status
from chainsvc.settings import load_settings
from chainsvc.verify.wording import VERDICTS

_STANDINGS = ", ".join(status.label for status in Status)


def status(
    context: typer.Context,
    reference: Reference,
    ledger: InLedger = None,
    revision: Revision = None,
    with_record: Annotated[bool, typer.Option("--record", help="With the record itself (scope disclose).")] = False,
    store: Store = None,
) -> None:
    """Show how far a record has come."""
    named, output = Named.parse(reference, ledger, revision), output_of(context)
    with connected(output, load_settings(), store=store) as client:
        found = named.status(client, with_record=with_record)
    output.answer(found.to_json(), facts(_status_rows(found)))


def _status_rows(found: RecordStatus) -> list[tuple[str, object]]:
    content = "erased" if found.erased else "only its holder has it" if found.private else "kept"
    rows: list[tuple[str, object]] = [
        ("Record", found.id),
        ("Ledger", found.ledger),
        ("Reference", None if found.reference is None else f"{found.reference}, revision {found.revision}"),
        ("State", found.state),
        ("Entry", None if found.seq is None else f"seq {found.seq} in batch {found.batch}"),
        ("Standing", standing_words(found.standing)),
        ("Accepted", moment(found.accepted_at)),
        ("Promised by", moment(found.anchor_by)),
        ("Content", content),
    ]
    return rows if found.record is None else [*rows, *_members(found.record)]


def _members(record: object, path: str = "") -> list[tuple[str, object]]:
    if not isinstance(record, dict):
        return [(path, record)]
    return [row for name, member in record.items() for row in _members(member, f"{path}/{name}")]


def standing_words(standing: Status) -> str:
    """Return a standing in English and Chinese."""
    return f"{standing.label} {VERDICTS[standing.label]}"


def standing(
    context: typer.Context,
    reference: Reference,
    ledger: InLedger = None,
    revision: Revision = None,
    new: Annotated[str | None, typer.Option("--set", metavar="STATUS", help=f"One of {_STANDINGS}.")] = None,
    cause: Annotated[
        str | None, typer.Option("--cause", metavar="REF", help="The entry that is the cause, of your organization.")
    ] = None,
    because: Annotated[
        str | None, typer.Option("--because", metavar="TEXT", help="Notarize the cause now, with this reason.")
    ] = None,
    decided_in: Annotated[
        str | None, typer.Option("--in", metavar="LEDGER", help="Ledger of that cause; default the record's own.")
    ] = None,
) -> None:
    """Show a record's standing, or ask for a change of it.

    A change has a cause, an entry of the acting organization: a divorce, a decision. Either it is there already and
    --cause names it, or --because notarizes one.
    """
    if (new is None) != (cause is None and because is None) or (cause is not None and because is not None):
        raise UsageRefused(
            "a change of standing has both a new standing and a cause", expected="--set with --cause or with --because"
        )
    named, output = Named.parse(reference, ledger, revision), output_of(context)
    with connected(output, load_settings()) as client:
        if new is None:
            found = client.standing(named.id(client))
            output.answer(found.to_json(), *_standing_shown(found))
            return
        target, status_ = named.status(client), standing_named(new)
        if because is not None:
            cause_id = notarize_cause(client, target, status_, because, decided_in)
        else:
            cause_id = Named.beside(cause or "", named.ledger).id(client)
        change = client.change_standing(target.id, status_, cause_id)
    output.answer(change.to_json(), facts(_change_rows(change)))


def _standing_shown(found: Standing) -> list[RenderableType]:
    shown: list[RenderableType] = [facts([("Standing", standing_words(found.standing))])]
    if found.changes:
        rows = [
            (
                standing_words(change.status),
                change.state,
                _cause(change),
                change.block,
                moment(change.time),
                change.reason,
            )
            for change in found.changes
        ]
        shown.append(listing(("Change", "State", "Cause", "Block", "Time", "Refused because"), rows, right=("Block",)))
    return shown


def _cause(change: StandingChange) -> str:
    if change.cause is not None:
        return change.cause.hex()
    return f"seq {change.cause_seq} of {change.cause_ledger.hex()}"


def _change_rows(change: StandingChange) -> list[tuple[str, object]]:
    return [
        ("Change", standing_words(change.status)),
        ("State", f"{change.state}: the worker carries it to the chain"),
        ("Cause", _cause(change)),
    ]


def erase(
    context: typer.Context,
    reference: Reference,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the journal; 1 to 500 characters.")],
    ledger: InLedger = None,
    revision: Revision = None,
    store: Store = None,
) -> None:
    """Erase a record's content for good.

    Body, seed, salts and reference are deleted; commitment and amounts stay, so that the ledger still verifies.
    There is no way back.
    """
    named, output = Named.parse(reference, ledger, revision), output_of(context)
    with connected(output, load_settings(), store=store) as client:
        erasure = client.erase(named.id(client), reason)
    output.answer(erasure.to_json(), facts(_erasure_rows(erasure)))


def _erasure_rows(erasure: Erasure) -> list[tuple[str, object]]:
    return [
        ("Erased", erasure.commitment.hex()),
        ("At", moment(erasure.erased_at)),
        ("By key", erasure.erased_by),
        ("Reason", erasure.reason),
    ]
