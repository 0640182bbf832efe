"""Changing the standing of an entry whose ledger another service on the same network keeps."""

import re
from typing import Annotated

import typer

from chainsvc.chain.ledgers import LedgerContract, Mark
from chainsvc.cli.arguments import LedgerName
from chainsvc.cli.chain_office import office_of
from chainsvc.cli.output import facts, output_of
from chainsvc.cli.refusals import UsageRefused
from chainsvc.client.answers.fields import standing_named
from chainsvc.errors import NotFound, NotReady, StandingRefused
from chainsvc.heads import Status
from chainsvc.journal import ledgers
from chainsvc.journal.entries import Entry
from chainsvc.journal.ledgers import Ledger
from chainsvc.record import LedgerName as Name
from chainsvc.service.records import entry_of
from chainsvc.settings import load_settings

_ID = re.compile(r"[0-9a-f]{64}")
_STANDINGS = ", ".join(status.label for status in Status)


def mark(
    context: typer.Context,
    ledger: LedgerName,
    seq: Annotated[int, typer.Argument(min=0, metavar="SEQ", help="The entry, by its place in that ledger.")],
    cause: Annotated[
        str, typer.Option("--cause", metavar="ID", help="The record of ours that is the reason, final on chain.")
    ],
    to: Annotated[str, typer.Option("--set", metavar="STANDING", help=f"One of: {_STANDINGS}.")] = "dissolved",
) -> None:
    """Change the standing of an entry in a ledger that another service keeps.

    The cause is a record in a ledger of ours, e.g. the divorce of a marriage that another office registered. The
    contract is the judge of whether its organization may; that service sees the change on chain. Repeating it is
    harmless.
    """
    settings, output, status = load_settings(), output_of(context), standing_named(to)
    if not _ID.fullmatch(cause):
        raise UsageRefused("the cause is named by its id", expected="64 hex digits", got=cause[:70])
    with output.working("Changing the standing on chain …"), office_of(settings) as office:
        target = office.institutions.ledger_named(ledger)
        if target is None:
            raise NotFound("the network has no such ledger", got=ledger)
        with office.ground.engine.connect() as conn:
            reason = entry_of(conn, bytes.fromhex(cause))
            ours = ledgers.by_id(conn, reason.ledger_id)
        contract = LedgerContract(office.ground.node, _contract_of(ledger, ours))
        new = contract.status_of(target, seq)[-1] != status
        if new:
            change = Mark(target, seq, status, reason.ledger_id, _seq_of(reason))
            office.call(ours.uscc, contract.set_status([change]), contract.address)
    value = {"ledger": ledger, "seq": seq, "standing": status.label, "cause": cause, "new": new}
    rows = [("Entry", f"{ledger}, seq {seq}"), ("Standing", status.label), ("Cause", f"{ours.name}, {cause}")]
    output.answer(value, facts([*rows, ("Changed", "now" if new else "already")]))


def _contract_of(ledger: str, ours: Ledger) -> bytes:
    if Name.parse(ledger).kind != ours.kind:
        raise StandingRefused("the cause lies under another contract", expected=f"a {Name.parse(ledger).kind} ledger")
    return ours.contract


def _seq_of(reason: Entry) -> int:
    if reason.seq is None:
        raise NotReady("the cause has no place in its ledger yet", hint="Try again in a moment.")
    return reason.seq
