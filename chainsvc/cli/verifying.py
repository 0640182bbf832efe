"""Verifying evidence files, on this machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.console import RenderableType
from rich.text import Text

from chainsvc.checkpoint import MAX_BYTES as MAX_CHECKPOINT
from chainsvc.cli.arguments import Block, Descriptor, Node
from chainsvc.cli.connection import connected, node_url, pinned_network, read
from chainsvc.cli.output import Output, output_of
from chainsvc.cli.refusals import UsageRefused
from chainsvc.client.verifying import FIRST_USE, verify_locally
from chainsvc.errors import ChainsvcError, ConfigurationRefused
from chainsvc.evidence import MAX_BYTES_WITH_PROOF
from chainsvc.network import Network
from chainsvc.settings import Settings, load_settings
from chainsvc.verify import Verdict
from chainsvc.verify.render import verdict_line, verdict_table

MANY = 5
"""More files than this are shown one a line."""


class Trust(NamedTuple):
    """What verdicts rest on.

    Attributes:
        network: The descriptor.
        first_use: It came from the service itself.
        node: JSON-RPC address, or None.
        checkpoint: The checkpoint's file, or None.
        at: Block asked for, or None.
    """

    network: Network
    first_use: bool
    node: str | None
    checkpoint: bytes | None
    at: int | None


def verify(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Evidence files.", exists=True, dir_okay=False)],
    node: Node = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint", metavar="FILE", help="A checkpoint that you trust, instead of a node.", exists=True
        ),
    ] = None,
    network: Descriptor = None,
    at: Block = None,
) -> None:
    """Verify evidence files on this machine.

    The service is not asked, but for its network descriptor where none is pinned; the verdict then says so.
    Exit status: 0 all valid, 10 another standing, 11 undetermined, 12 invalid; the gravest counts.
    """
    if node is not None and checkpoint is not None:
        raise UsageRefused("verification rests on one source", expected="--node or --checkpoint", got="both")
    settings, output = load_settings(), output_of(context)
    trust = _trust(output, settings, network, node, checkpoint, at)
    verdicts = []
    with output.progress("Verifying 核验中") as told:
        for done, judged in enumerate(_verdicts(files, trust), 1):
            verdicts.append(judged)
            told(done, len(files))
    worst = max(verdict.exit_code for _, verdict in verdicts)
    value = {
        "exit_code": worst,
        "network": {"sha256": trust.network.sha256.hex(), "first_use": trust.first_use},
        "files": [{"file": str(path), **verdict.to_json()} for path, verdict in verdicts],
    }
    output.answer(value, *_shown(verdicts, trust))
    raise typer.Exit(worst)


def _trust(
    output: Output, settings: Settings, named: Path | None, node: str | None, checkpoint: Path | None, at: int | None
) -> Trust:
    pinned = pinned_network(settings, named)
    return Trust(
        network=pinned or network_on_first_use(output, settings),
        first_use=pinned is None,
        node=None if checkpoint else node_url(settings, node),
        checkpoint=None if checkpoint is None else read(checkpoint, MAX_CHECKPOINT),
        at=at,
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


def _verdicts(files: list[Path], trust: Trust) -> Iterator[tuple[Path, Verdict]]:
    for path in files:
        data = read(path, MAX_BYTES_WITH_PROOF)
        verdict = verify_locally(
            data,
            trust.network,
            node=trust.node,
            checkpoint=trust.checkpoint,
            at=trust.at,
            first_use=trust.first_use,
        )
        yield path, verdict


def _shown(verdicts: list[tuple[Path, Verdict]], trust: Trust) -> list[RenderableType]:
    render = verdict_line if len(verdicts) > MANY else verdict_table
    shown: list[RenderableType] = [render(str(path), verdict) for path, verdict in verdicts]
    if trust.first_use:
        shown.append(Text(f"Not proven 未予证明: {FIRST_USE.en}\n    {FIRST_USE.zh}", "yellow"))
    return shown
