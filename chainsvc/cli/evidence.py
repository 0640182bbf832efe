"""Evidence files and checkpoints, from the service."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from chainsvc.checkpoint import Checkpoint
from chainsvc.cli.arguments import InLedger, Revision, Store
from chainsvc.cli.connection import connected, pinned_network
from chainsvc.cli.ledger_evidence import whole_ledger
from chainsvc.cli.output import facts, output_of
from chainsvc.cli.references import Named
from chainsvc.evidence import Evidence
from chainsvc.settings import load_settings

OutFile = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to; default standard output.")
]


def evidence(
    context: typer.Context,
    reference: Annotated[
        str | None,
        typer.Argument(
            metavar="[REF]",
            help="A record: its id (64 hex digits), LEDGER#REFERENCE, or REFERENCE with --ledger; "
            "without it the whole ledger.",
        ),
    ] = None,
    ledger: InLedger = None,
    revision: Revision = None,
    output_file: OutFile = None,
    disclose: Annotated[
        list[str] | None,
        typer.Option(
            "--disclose", metavar="PATHS|all", help="Paths to show, e.g. /body/amount,/body/date; may repeat."
        ),
    ] = None,
    proof: Annotated[bool, typer.Option("--proof", help="With state proofs, for the newest checkpoint.")] = False,
    wait: Annotated[
        float, typer.Option("--wait", min=0, metavar="SECONDS", help="Wait until the record is final.")
    ] = 0,
    store: Store = None,
) -> None:
    """Get a record's evidence file, or those of a whole ledger.

    Evidence always shows ledger, schema, revision and amounts; everything else is hidden unless it is disclosed.
    Of a whole ledger (--ledger NAME -o FILE.ndjson or -o FOLDER) the same command, given again, adds what is not
    there yet: after a stop it goes on, and later it takes the new entries.
    """
    output, paths = output_of(context), disclosed(disclose or [])
    if reference is None:
        answer = whole_ledger(output, ledger, output_file, paths, proof=proof, store=store)
        told = f"{answer['added']:,} files added to {output_file}"
        output.answer(answer, facts([("Ledger", answer["ledger"]), ("Evidence", told)]))
        return
    named = Named.parse(reference, ledger, revision)
    with connected(output, load_settings(), store=store) as client, output.working("Waiting for the chain …"):
        record_id = named.id(client)
        if wait:
            found = client.wait(record_id, wait, disclose=paths, proof=proof)
        else:
            found = client.evidence(record_id, disclose=paths, proof=proof)
    data = found.to_bytes()
    if output_file is None:
        sys.stdout.write(data.decode() + "\n")
        return
    output_file.write_bytes(data)
    output.answer(_summary(output_file, data, found), facts(_rows(output_file, data, found)))


def disclosed(options: list[str]) -> list[str] | Literal["all"]:
    """Return the paths of all options, or ``all``."""
    paths = [path.strip() for option in options for path in option.split(",") if path.strip()]
    return "all" if "all" in paths else paths


def _summary(path: Path, data: bytes, found: Evidence) -> dict[str, object]:
    return {
        "file": str(path),
        "bytes": len(data),
        "id": found.commitment().hex(),
        "ledger": str(found.ledger_name),
        "seq": found.seq,
        "disclosed": [pair.path for pair in found.pairs if pair.salt is not None],
        "hidden": sum(pair.salt is None for pair in found.pairs),
        "proof": found.proof is not None,
    }


def _rows(path: Path, data: bytes, found: Evidence) -> list[tuple[str, object]]:
    shown = [pair.path for pair in found.pairs if pair.salt is not None]
    return [
        ("Evidence", f"{path}, {len(data):,} bytes"),
        ("Record", found.commitment().hex()),
        ("Entry", f"seq {found.seq} of {found.ledger_name}"),
        ("Discloses", ", ".join(shown)),
        ("Hides", f"{len(found.pairs) - len(shown)} values"),
        ("Proof", "for a checkpoint" if found.proof is not None else "none: verify with a node"),
    ]


def checkpoint(
    context: typer.Context,
    output_file: OutFile = None,
    latest: Annotated[bool, typer.Option("--latest", help="The last one made, instead of a new one.")] = False,
) -> None:
    """Get a signed checkpoint for offline verification.

    Evidence with --proof is proven for the newest checkpoint: make the checkpoint first.
    """
    output, settings = output_of(context), load_settings()
    with connected(output, settings, anonymous=latest) as client, output.working("Signing the newest final block …"):
        note = client.checkpoint(new=not latest)
    found = Checkpoint.parse(note.encode())
    network = pinned_network(settings, None)
    signers = [] if network is None else [key.name for key in found.verify(network.signers)]
    value = {
        "file": None if output_file is None else str(output_file),
        "network": found.network_id.hex(),
        "block": found.block,
        "block_hash": found.block_hash.hex(),
        "signers": signers,
        "note": note,
    }
    if output_file is None and not output.json:
        sys.stdout.write(note)
        return
    if output_file is not None:
        output_file.write_text(note, encoding="utf-8")
    rows = [
        ("Checkpoint", output_file),
        ("Network", found.network_id.hex()),
        ("Block", f"{found.block}, {found.block_hash.hex()}"),
        ("Signed by", ", ".join(signers) or "not checked: no descriptor is pinned here"),
    ]
    output.answer(value, facts(rows))
