"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Reference = Annotated[
    str,
    typer.Argument(
        metavar="REF", help="A record: its id (64 hex digits), LEDGER#REFERENCE, or REFERENCE with --ledger."
    ),
]
InLedger = Annotated[str | None, typer.Option("--ledger", metavar="NAME", help="Ledger of the reference.")]
Revision = Annotated[
    int | None, typer.Option("--revision", min=0, help="Revision of the reference; default the latest.")
]
LedgerName = Annotated[str, typer.Argument(metavar="LEDGER", help="kind/uscc/book, e.g. charity/…/LUNCH-2026.")]
Store = Annotated[
    Path | None,
    typer.Option("--store", metavar="FILE", help="Private mode: records and seeds stay in this file."),
]
QueueFile = Annotated[
    Path | None,
    typer.Option("--queue", metavar="FILE", help="Local queue: records wait in it while the service is away."),
]
QueueKey = Annotated[
    Path | None,
    typer.Option("--queue-key", metavar="KEYFILE", help="Key that seals the queue; make one by: chainsvc key new."),
]
SigningKeyFile = Annotated[
    Path | None, typer.Option("--signing-key", metavar="KEYFILE", help="The organization's, for signed ledgers.")
]
Account = Annotated[
    str | None,
    typer.Option("--account", metavar="KEY", help="Account that acts, by its file or name; default the registrar's."),
]
Nodes = Annotated[
    list[str] | None,
    typer.Option(
        "--node",
        metavar="URL",
        help="JSON-RPC of a node of your own; several times: all must agree; default CHAINSVC_NODE_URL or the devnet.",
    ),
]
Descriptor = Annotated[
    Path | None,
    typer.Option("--network", metavar="DESCRIPTOR", help="Network descriptor that you pinned; default the home's."),
]
Successors = Annotated[
    list[Path] | None,
    typer.Option(
        "--successor", metavar="FILE", help="Signed successors of your descriptor, in order; may repeat.", exists=True
    ),
]
Block = Annotated[
    int | None, typer.Option("--at", min=0, metavar="BLOCK", help="Block to ask; default the newest final.")
]
Uscc = Annotated[str, typer.Argument(metavar="USCC", help="Unified social credit code, 18 characters.")]
