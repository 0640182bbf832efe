"""Exports of whole ledgers, and their audit."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from chainsvc.cli.arguments import Block, Descriptor, LedgerName, Nodes
from chainsvc.cli.connection import connected, node_urls, pinned_network
from chainsvc.cli.output import Output, facts, output_of
from chainsvc.cli.verifying import Jobs, network_on_first_use
from chainsvc.settings import Settings, load_settings
from chainsvc.verify.audit_file import audit_file
from chainsvc.verify.nodes import live
from chainsvc.verify.processes import cores
from chainsvc.verify.render import audit_table

_SMALL = 2_000_000  # bytes; about a thousand entries with their records

Disclose = Annotated[bool, typer.Option("--disclose", help="With the records (scope disclose).")]


def export(
    context: typer.Context,
    name: LedgerName,
    output_file: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where to.")],
    disclose: Disclose = False,
) -> None:
    """Export a whole ledger for an audit.

    Without --disclose the records stay hidden: an audit then checks commitments and amounts alone.
    """
    output = output_of(context)
    with connected(output, load_settings()) as client, output.working(f"Exporting {name} …"):
        client.export(name, output_file, disclose=disclose)
    size = output_file.stat().st_size
    value = {"ledger": name, "file": str(output_file), "bytes": size, "disclosed": disclose}
    output.answer(value, facts([("Ledger", name), ("Export", f"{output_file}, {size:,} bytes")]))


def audit(
    context: typer.Context,
    sources: Annotated[list[str], typer.Argument(metavar="LEDGER|EXPORT…", help="Ledger names or export files.")],
    node: Nodes = None,
    network: Descriptor = None,
    at: Block = None,
    disclose: Disclose = False,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="FOLDER", help="Remember there how far it came; the same command goes on."),
    ] = None,
    jobs: Jobs = None,
) -> None:
    """Audit whole ledgers: is everything there, and unchanged?

    Every commitment, root, head, status word and total is recomputed and compared with the chain.
    Exit status: 0 complete, 11 not compared with a chain, 13 findings; the gravest counts.
    """
    settings, output = load_settings(), output_of(context)
    pinned = pinned_network(settings, network) or network_on_first_use(output, settings)
    urls = node_urls(settings, node)
    reports = []
    with live(urls) if urls else nullcontext() as nodes:
        for source in sources:
            with _file(output, settings, source, resume, disclose=disclose) as path:
                with output.progress(f"Auditing 审计中 {path.name}") as told:
                    processes = _processes(path, jobs)
                    report = audit_file(path, pinned, nodes, at=at, progress=told, processes=processes, resume=resume)
                reports.append((source, report))
    worst = max(report.exit_code for _, report in reports)
    audits = [{"source": source, **report.to_json()} for source, report in reports]
    output.answer({"exit_code": worst, "audits": audits}, *(audit_table(name, report) for name, report in reports))
    raise typer.Exit(worst)


def _processes(path: Path, jobs: int | None) -> int:
    """Use every core, but for an export that is read before other processes would have started."""
    return (jobs or cores()) if path.stat().st_size > _SMALL else 1


@contextmanager
def _file(output: Output, settings: Settings, source: str, resume: Path | None, *, disclose: bool) -> Iterator[Path]:
    """Give the export file, fetched from the service where a ledger is named; a resume folder keeps it."""
    if Path(source).is_file():
        yield Path(source)
        return
    with tempfile.TemporaryDirectory(prefix="chainsvc-audit-") as temporary:
        kind = "disclosed" if disclose else "hidden"
        path = (resume or Path(temporary)) / f"{source.replace('/', '_')}-{kind}.ndjson"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with connected(output, settings) as client, output.working(f"Exporting {source} …"):
                client.export(source, path, disclose=disclose)
        yield path
