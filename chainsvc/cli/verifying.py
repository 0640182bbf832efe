"""Verifying evidence files, on this machine."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from chainsvc.checkpoint import MAX_BYTES as MAX_CHECKPOINT
from chainsvc.cli.arguments import Block, Descriptor, Nodes, Successors
from chainsvc.cli.connection import connected, followed, node_urls, pinned_network, read
from chainsvc.cli.output import Output, output_of
from chainsvc.cli.refusals import UsageRefused
from chainsvc.client.verifying import FIRST_USE
from chainsvc.crypto.suites import sha256
from chainsvc.errors import ChainsvcError, ConfigurationRefused
from chainsvc.network import Network
from chainsvc.settings import Settings, load_settings
from chainsvc.verify import evidence_files
from chainsvc.verify.many import Against, Tally, Verifier, verify_all
from chainsvc.verify.processes import cores
from chainsvc.verify.render import tally_table, verdict_table

MANY = 5
"""More files than this are counted, and only those that are not valid are named."""

FEW = 200
"""Up to so many files are verified before other processes would have started."""

Jobs = Annotated[
    int | None, typer.Option("--jobs", min=1, metavar="N", help="Processes that share the work; default all cores.")
]


def verify(
    context: typer.Context,
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH…", help="Evidence files, folders, patterns, .ndjson or .zip bundles.")
    ],
    node: Nodes = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint", metavar="FILE", help="A checkpoint that you trust, instead of a node.", exists=True
        ),
    ] = None,
    seals: Annotated[
        bool,
        typer.Option("--seals", help="Rest on the seals of the descriptor's validators alone, and ask no node."),
    ] = False,
    network: Descriptor = None,
    successor: Successors = None,
    at: Block = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", help="Keep each verdict as a line of JSON; the same command then goes on there."
        ),
    ] = None,
    jobs: Jobs = None,
) -> None:
    """Verify evidence files on this machine.

    Without a node, one set before (CHAINSVC_NODE_URL) or a checkpoint, the seals of the descriptor's validators decide.
    The service is not asked, but for its network descriptor where none is pinned; the verdict then says so.
    With --json each verdict is a line of its own, and the last line is the summary.
    Exit status: 0 all valid, 10 another standing, 11 undetermined, 12 invalid; the gravest counts.
    """
    if sum([bool(node), checkpoint is not None, seals]) > 1:
        expected = "--node, --checkpoint or --seals"
        raise UsageRefused("verification rests on one source", expected=expected, got="more than one")
    settings, output = load_settings(), output_of(context)
    asked = () if seals else node_urls(settings, node)
    against = _against(output, settings, network, successor or [], asked, checkpoint, at)
    found = evidence_files.count(evidence_files.expanded(paths))
    if found <= MANY and report is None and not output.json:
        raise typer.Exit(_show_each(output, paths, against))
    tally = _verify_all(output, paths, found, against, report, jobs)
    shown = [tally_table(tally), *_first_use(against)]
    summary = {
        **tally.to_json(),
        "network": {"sha256": sha256(against.network).hex(), "first_use": bool(against.unproven)},
    }
    output.answer(summary, *shown)
    raise typer.Exit(tally.worst)


def _verify_all(
    output: Output, paths: list[str], found: int, against: Against, report: Path | None, jobs: int | None
) -> Tally:
    """Verify in as many processes as there are cores; a few files are not worth starting one."""
    processes = (jobs or cores()) if found > FEW else 1
    with output.progress("Verifying 核验中") as told:
        return verify_all(
            evidence_files.expanded(paths),
            against,
            processes=processes,
            report=report,
            told=output.line if output.json else None,
            progress=lambda done: told(done, found),
        )


def _show_each(output: Output, paths: list[str], against: Against) -> int:
    """Show the whole verdict of each of a few files."""
    worst, shown = 0, list[RenderableType]()
    with closing(Verifier(against)) as verifier:
        for name, data in evidence_files.evidence_files(evidence_files.expanded(paths)):
            verdict = verifier.verdict(data)
            worst = max(worst, verdict.exit_code)
            shown.append(verdict_table(name, verdict))
    output.answer({}, *shown, *_first_use(against))
    return worst


def _first_use(against: Against) -> list[RenderableType]:
    lines = (f"Not proven 未予证明: {wording.en}\n    {wording.zh}" for wording in against.unproven)
    return [Text(line, "yellow") for line in lines]


def _against(
    output: Output,
    settings: Settings,
    named: Path | None,
    successors: list[Path],
    nodes: tuple[str, ...],
    checkpoint: Path | None,
    at: int | None,
) -> Against:
    pinned = pinned_network(settings, named)
    network = followed(pinned or network_on_first_use(output, settings), successors)
    return Against(
        network=network.to_bytes(),
        nodes=() if checkpoint else nodes,
        checkpoint=None if checkpoint is None else read(checkpoint, MAX_CHECKPOINT),
        at=at,
        unproven=() if pinned else (FIRST_USE,),
    )


def network_on_first_use(output: Output, settings: Settings) -> Network:
    """Return the descriptor as the service gives it, for want of a pinned one.

    Raises:
        ConfigurationRefused: The service does not give one either.
    """
    try:
        with connected(output, settings, anonymous=True) as client:
            return client.network()
    except ChainsvcError as error:
        raise ConfigurationRefused(
            "no network descriptor is pinned, and the service does not give one",
            expected="--network FILE or CHAINSVC_NETWORK_FILE",
            got=error.message,
            where=settings.url,
        ) from error
