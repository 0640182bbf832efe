"""``chainsvc notarize``: the records of a file, or the rows of an export that an adapter knows."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from chainsvc.cli.arguments import QueueFile, QueueKey, SigningKeyFile, Store
from chainsvc.cli.connection import connected
from chainsvc.cli.exports import notarize_export, queue_export
from chainsvc.cli.output import output_of
from chainsvc.cli.queued_sending import queue_records
from chainsvc.cli.receipts import ReceiptFile
from chainsvc.cli.record_files import is_record_file, open_records
from chainsvc.cli.refusals import UsageRefused
from chainsvc.cli.sending import Sending, notarize_records
from chainsvc.settings import load_settings
from chainsvc_adapters.drafts import Ledgers

SOME_REFUSED = 3
"""Exit status when records or rows were refused."""


def notarize(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON, NDJSON, CSV, XLSX or XLS.", exists=True)],
    ledger: Annotated[
        list[str] | None,
        typer.Option("--ledger", metavar="NAME|KEY=NAME", help="Ledger; for exports by key, may repeat."),
    ] = None,
    ledgers: Annotated[
        Path | None,
        typer.Option("--ledgers", metavar="FILE", help="TOML or JSON: ledgers by key, for exports.", exists=True),
    ] = None,
    corrections: Annotated[
        Path | None,
        typer.Option("--corrections", metavar="FILE", help="Where refused rows go; default beside the file."),
    ] = None,
    receipts: Annotated[
        Path | None, typer.Option("--receipts", metavar="FILE", help="Append receipts here, one JSON object a line.")
    ] = None,
    signing_key: SigningKeyFile = None,
    store: Store = None,
    queue: QueueFile = None,
    queue_key: QueueKey = None,
) -> None:
    """Notarize the records of a file.

    FILE is a record or an array of records as JSON, one record a line as NDJSON, or an export whose headers an adapter
    knows; keys of exports are campaigns, programmes with their month, or years. Good rows go in; refused ones are
    written to a file of the same form, to be mended and sent again. Sending a file again notarizes nothing twice.
    With a queue everything is safe there first; what the service does not take now waits, for this command again or
    for ``chainsvc queue drain``. Exit status 3 when some were refused.
    """
    output = output_of(context)
    with ExitStack() as stack:
        client = stack.enter_context(
            connected(output, load_settings(), store=store, signing_key=signing_key, queue=queue, queue_key=queue_key)
        )
        kept = stack.enter_context(ReceiptFile.open(receipts))
        sending = Sending(client, kept, output)
        if is_record_file(file):
            name = _one(ledger or [], ledgers)
            opened = open_records(file, name)
            if queue is None:
                refused = notarize_records(sending, opened, corrections)
            else:
                refused = queue_records(sending, opened, name, corrections)
        else:
            export = queue_export if queue is not None else notarize_export
            refused = export(sending, file, _many(ledger or [], ledgers), corrections)
    raise typer.Exit(SOME_REFUSED if refused else 0)


def _one(named: list[str], file: Path | None) -> str | None:
    if len(named) > 1 or file is not None or any("=" in name for name in named):
        raise UsageRefused("records name their ledger themselves", expected="--ledger NAME at most once")
    return named[0] if named else None


def _many(named: list[str], file: Path | None) -> Ledgers:
    pairs = dict(_pair(name) for name in named)
    if file is not None:
        pairs = {**Ledgers.load(file).names, **pairs}
    if not pairs:
        raise UsageRefused(
            "which ledgers do the rows belong to?", expected="--ledger NAME, --ledger KEY=NAME or --ledgers FILE"
        )
    return Ledgers.of(pairs)


def _pair(name: str) -> tuple[str, str]:
    key, equals, ledger = name.rpartition("=")
    return (key, ledger) if equals else ("*", name)
