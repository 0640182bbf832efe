"""Ledgers: open, list, show, close."""

from typing import Annotated

import typer
from rich.console import RenderableType

from chainsvc.cli.arguments import LedgerName
from chainsvc.cli.connection import connected
from chainsvc.cli.output import facts, listing, moment, output_of, yuan
from chainsvc.cli.records import standing_words
from chainsvc.client import LedgerBatch, LedgerEntry, LedgerFacts
from chainsvc.crypto.suites import suite_named
from chainsvc.settings import load_settings


def open_one(
    context: typer.Context,
    name: LedgerName,
    suite: Annotated[str, typer.Option("--suite", help="Hash suite: sha256 or sm3.")] = "sha256",
    signed: Annotated[
        bool, typer.Option("--signed", help="Every submission is signed by the organization's own key.")
    ] = False,
) -> None:
    """Open a ledger on chain, or find it open."""
    output, chosen = output_of(context), suite_named(suite)
    with connected(output, load_settings()) as client, output.working("Opening the ledger on chain …"):
        opened = client.open_ledger(name, suite=chosen, signed=signed)
    output.answer(opened.to_json(), facts(_rows(opened)))


def close(context: typer.Context, name: LedgerName) -> None:
    """Close a ledger: it takes no more entries.

    What was accepted before is still anchored.
    """
    output = output_of(context)
    with (
        connected(output, load_settings()) as client,
        output.working("Waiting for its last entries, then closing …"),
    ):
        closed = client.close_ledger(name)
    output.answer(closed.to_json(), facts(_rows(closed)))


def list_all(context: typer.Context) -> None:
    """List all ledgers with their totals."""
    output = output_of(context)
    with connected(output, load_settings()) as client, output.working("Reading the ledgers …"):
        found = list(client.ledgers())
    rows = [
        (one.name, one.entries, one.anchored_entries, yuan(one.credit), yuan(one.debit), _openness(one))
        for one in found
    ]
    columns = ("Ledger", "Entries", "On chain", "Credit, yuan", "Debit, yuan", "Kind")
    output.answer({"ledgers": [one.to_json() for one in found]}, listing(columns, rows, right=columns[1:5]))


def show(
    context: typer.Context,
    name: LedgerName,
    batches: Annotated[bool, typer.Option("--batches", help="With every batch.")] = False,
    entries: Annotated[bool, typer.Option("--entries", help="With every entry (scope read or audit).")] = False,
) -> None:
    """Show a ledger, and its batches or entries."""
    output = output_of(context)
    with connected(output, load_settings()) as client, output.working("Reading the ledger …"):
        found = client.ledger(name)
        all_batches = list(client.batches(name)) if batches else []
        all_entries = list(client.entries(name)) if entries else []
    value = found.to_json()
    shown: list[RenderableType] = [facts(_rows(found))]
    if batches:
        value["batches_listed"] = [batch.to_json() for batch in all_batches]
        shown.append(_batch_table(all_batches))
    if entries:
        value["entries_listed"] = [entry.to_json() for entry in all_entries]
        shown.append(_entry_table(all_entries))
    output.answer(value, *shown)


def _openness(ledger: LedgerFacts) -> str:
    return ", ".join(
        [ledger.suite.name, "signed" if ledger.signed else "unsigned", *(["closed"] if ledger.closed else [])]
    )


def _rows(ledger: LedgerFacts) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [
        ("Ledger", ledger.name),
        ("Id", ledger.ledger_id.hex()),
        ("Contract", f"0x{ledger.contract.hex()}"),
        ("Kind", _openness(ledger)),
        ("Entries", f"{ledger.entries} accepted, {ledger.anchored_entries} on chain in {ledger.batches} batches"),
        ("Credit", f"{yuan(ledger.credit)} yuan accepted, {yuan(ledger.anchored_credit)} on chain"),
        ("Debit", f"{yuan(ledger.debit)} yuan accepted, {yuan(ledger.anchored_debit)} on chain"),
    ]
    return rows if ledger.budget is None else [*rows, ("Budget", f"{yuan(ledger.budget)} yuan")]


def _batch_table(batches: list[LedgerBatch]) -> RenderableType:
    rows = [
        (
            b.index,
            b.first,
            b.count,
            yuan(b.credit),
            yuan(b.debit),
            b.state,
            b.block,
            moment(b.time),
            (b.head or b"").hex(),
        )
        for b in batches
    ]
    columns = ("Batch", "First", "Entries", "Credit, yuan", "Debit, yuan", "State", "Block", "Time", "Head")
    return listing(columns, rows, right=("Batch", "First", "Entries", "Credit, yuan", "Debit, yuan", "Block"))


def _entry_table(entries: list[LedgerEntry]) -> RenderableType:
    rows = [
        (e.seq, e.batch, yuan(e.credit), yuan(e.debit), e.state, standing_words(e.standing), e.commitment.hex())
        for e in entries
    ]
    columns = ("Seq", "Batch", "Credit, yuan", "Debit, yuan", "State", "Standing", "Record")
    return listing(columns, rows, right=columns[:4])
