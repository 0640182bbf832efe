"""Entries that the chain has and a restored journal lost: brought back from files, or given up."""

import time
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from chainsvc.backup.proving import LedgerLosses, lost_json
from chainsvc.backup.recovering import Recoverer, Recovery, changes_again
from chainsvc.backup.sources import read_source
from chainsvc.bootstrap import Running, running
from chainsvc.chain.ledgers import LedgerContract
from chainsvc.cli.arguments import LedgerName
from chainsvc.cli.output import facts, output_of
from chainsvc.cli.restoring import catch_up, lost_table
from chainsvc.errors import Conflict, NodeUnavailable
from chainsvc.journal import ledgers, lost
from chainsvc.journal import network as journal_network
from chainsvc.journal.ledgers import Ledger
from chainsvc.keyring import read_kek, read_other_keks, read_receipt_key
from chainsvc.logs import setup_logs
from chainsvc.settings import load_settings

INCOMPLETE = 13

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE…", help="Exports, evidence files, private stores, receipts."),
]


def recover(context: typer.Context, name: LedgerName, files: Files) -> None:
    """Bring entries back that the chain has and the journal lost.

    Only what gives the root that the chain holds is taken. Exports made after the backup serve best, then the private
    stores of who notarized commitments; single evidence files bring back single entries. In private mode and in
    signed ledgers sending the same again brings entries back by itself.
    Exit status: 0 nothing is lost any more, 13 some entries are.
    """
    output = output_of(context)
    setup_logs(level="CRITICAL")  # what it finds is in its answer
    with running(load_settings()) as parts:
        if not catch_up(output, parts):
            raise NodeUnavailable("the chain is needed to recover", hint="Try again when the node answers.")
        ledger = _ledger(parts, name)
        told = [read_source(path, ledger) for path in files]
        with output.working("Looking for lost entries …"), parts.engine.begin() as conn:
            envelope = journal_network.bind(
                conn, parts.network, read_kek(parts.settings), partial(read_other_keks, parts.settings)
            )
            key = read_receipt_key(parts.settings)
            recovery = Recoverer(conn, envelope, key, ledger).recover(told)
            contract = LedgerContract(parts.node, ledger.contract)
            changes_again(conn, contract, ledger, parts.node.head().number, time.time())
            held = ledgers.sums_of(conn, ledger.ledger_id).behind
    value = {"ledger": name, "came_back": recovery.came_back, **_value(recovery, held=held)}
    rows: list[tuple[str, object]] = [("Ledger", name), ("Came back", f"{recovery.came_back} entries")]
    if recovery.doubled:
        rows.append(("Counted twice", f"sent again meanwhile: {', '.join(recovery.doubled[:20])}"))
    output.answer(value, facts(rows), *_left(name, recovery, held=held))
    raise typer.Exit(INCOMPLETE if recovery.left else 0)


def adopt(
    context: typer.Context,
    name: LedgerName,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it only what would be given up is shown.")] = False,
) -> None:
    """Let a ledger go on without its lost entries.

    Their batches stay in the ledger by what the chain holds of them: places, root and sums. Nobody can be shown their
    content from here any more. A lost record that is sent again from now on is a new entry, and counts twice in the
    ledger's sums, unless 'recover' was told its reference: recover first what can be. Recovering goes on working
    afterwards.
    """
    output = output_of(context)
    setup_logs(level="CRITICAL")  # what it finds is in its answer
    with running(load_settings()) as parts:
        ledger = _ledger(parts, name)
        with parts.engine.begin() as conn:
            held = ledgers.sums_of(conn, ledger.ledger_id).behind
            left = lost.adopt(conn, ledger.ledger_id) if yes else lost.of_ledger(conn, ledger.ledger_id)
    losses = LedgerLosses(name, held and not yes, left, 0, 0)
    entries = sum(batch.lost for batch in left)
    done = "adopted" if yes else "not adopted: say --yes"
    value = {"ledger": name, "adopted": yes, "entries": entries, "lost": [lost_json(batch) for batch in left]}
    output.answer(value, facts([("Ledger", name), ("Lost entries", f"{entries}, {done}")]), lost_table(losses))


def _ledger(parts: Running, name: str) -> Ledger:
    """Return a ledger that has lost entries.

    Raises:
        NotFound: The journal has no such ledger.
        Conflict: Nothing of it is lost.
    """
    with parts.engine.connect() as conn:
        ledger = ledgers.by_name(conn, name)
        if not lost.of_ledger(conn, ledger.ledger_id):
            hint = "'chainsvc restore prove' audits every ledger, and names what is missing."
            raise Conflict("nothing of this ledger is lost", where=name, hint=hint)
    return ledger


def _value(recovery: Recovery, *, held: bool) -> dict[str, Any]:
    return {"doubled": recovery.doubled, "held": held, "lost": [lost_json(batch) for batch in recovery.left]}


def _left(name: str, recovery: Recovery, *, held: bool) -> list[Any]:
    return [lost_table(LedgerLosses(name, held, recovery.left, 0, 0))] if recovery.left else []
