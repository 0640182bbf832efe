"""The local chain."""

from typing import Annotated

import typer
from rich.table import Table

from chainsvc import devnet
from chainsvc.cli.consortiums import show_consortium
from chainsvc.cli.output import facts, listing, output_of
from chainsvc.devnet import Devnet
from chainsvc.errors import ConfigurationRefused
from chainsvc.settings import Settings, load_settings


def up(
    context: typer.Context,
    chain_id: Annotated[int | None, typer.Option("--chain-id", min=1, help="Of a new chain.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="Loopback port; default the kept one.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option("--engine", help="Of a new chain: anvil (default), or clique with several validators.")
    ] = None,
    validators: Annotated[
        int | None, typer.Option("--validators", min=1, max=16, help="How many seal in turn on clique; default 4.")
    ] = None,
) -> None:
    """Start the local chain, or find it running.

    Clique runs geth 1.13.15: CHAINSVC_GETH, the one on PATH, or one that Go builds once, in two minutes.
    """
    settings, output = load_settings(), output_of(context)
    with output.working("Starting the local chain …"):
        running = devnet.up(
            settings.home / "devnet", engine=engine, validators=validators, chain_id=chain_id, port=port
        )
    output.answer(_value(running), facts(_rows(running)), *_members(running))


def down(context: typer.Context) -> None:
    """Save the local chain and stop it."""
    settings, output = load_settings(), output_of(context)
    with output.working("Saving the local chain …"):
        devnet.down(settings.home / "devnet")
    output.answer(
        {"home": str(settings.home / "devnet"), "running": False}, facts([("Stopped", settings.home / "devnet")])
    )


def reset(context: typer.Context) -> None:
    """Stop the local chain and forget it.

    Its next start is another network: what was notarized on it is gone, and the home's journal refuses the new one.
    """
    settings, output = load_settings(), output_of(context)
    with output.working("Stopping the local chain …"):
        devnet.reset(settings.home / "devnet")
    left = settings.descriptor.exists()
    if left:
        output.remark(
            f"{settings.descriptor} and the journal are of the old chain: begin anew in another CHAINSVC_HOME."
        )
    output.answer(
        {"home": str(settings.home / "devnet"), "running": False, "descriptor_left": left},
        facts([("Forgotten", settings.home / "devnet")]),
    )


def status(context: typer.Context) -> None:
    """Show whether the local chain runs, and what each validator has and sealed."""
    known = started(load_settings())
    if known.validators:
        show_consortium(context, known)
    else:
        output_of(context).answer(_value(known), facts(_rows(known)))


def started(settings: Settings) -> Devnet:
    """Return the home's local chain, which need not run now.

    Raises:
        ConfigurationRefused: None was ever started.
    """
    found = devnet.status(settings.home / "devnet")
    if found is None:
        raise ConfigurationRefused(
            "no local chain was ever started here", where=str(settings.home / "devnet"), hint="chainsvc devnet up"
        )
    return found


def _value(found: Devnet) -> dict[str, object]:
    return {
        "home": str(found.home),
        "engine": found.engine,
        "url": found.url,
        "urls": list(found.urls),
        "chain_id": found.chain_id,
        "running": found.running,
        "pid": found.pid,
        "keeper_pid": found.keeper_pid,
        "validators": [{"number": one.number, "url": one.url, "pid": one.pid} for one in found.validators],
    }


def _rows(found: Devnet) -> list[tuple[str, object]]:
    return [
        ("Chain", f"{found.chain_id} ({found.engine}) in {found.home}"),
        ("Running", "yes" if found.running else "no"),
        ("JSON-RPC", found.url),
        ("Process", found.pid),
    ]


def _members(found: Devnet) -> list[Table]:
    rows = [(one.number, one.url, one.pid) for one in found.validators]
    return [listing(["validator", "JSON-RPC", "process"], rows, right=["validator", "process"])] if rows else []
