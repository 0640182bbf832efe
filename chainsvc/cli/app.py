"""The root command: it runs a command and turns whatever it raises into one refusal and one exit status."""

import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, Any

import typer

from chainsvc.cli.commands import PANELS
from chainsvc.cli.lazy import LazyGroup
from chainsvc.cli.output import Output
from chainsvc.cli.refusals import EPILOG, INTERRUPTED, bug, refuse, unusable_file, usage
from chainsvc.errors import ChainsvcError


class Root(LazyGroup):
    """The command line."""

    def __init__(self, **settings: Any) -> None:
        """Offer every command in its panel."""
        members = {name: (member, panel.title) for panel in PANELS for name, member in panel.members.items()}
        settings.pop("commands", None)
        super().__init__(members=members, **settings)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,  # noqa: ARG002 - it is called chainsvc, however it was started
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002 - it always ends the process, as typer's own does
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and end the process with the exit status."""
        arguments = sys.argv[1:] if args is None else list(args)
        output = Output.of(arguments)

        def run() -> Any:
            return super(Root, self).main(
                arguments,
                "chainsvc",
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                obj=output,
                **extra,
            )

        sys.exit(status_of(run, output))


def status_of(run: Any, output: Output) -> int:
    """Run and return the exit status, after showing what was refused."""
    try:
        return int(run() or 0)
    except typer.TyperException as error:
        return refuse(output, usage(error.format_message(), _help_hint(error)))
    except typer.Abort:
        return INTERRUPTED
    except ChainsvcError as error:
        return refuse(output, error)
    except OSError as error:
        return refuse(output, unusable_file(error))
    except Exception as error:  # noqa: BLE001 - the last line: no traceback unless it is asked for
        return refuse(output, bug(error))


def _help_hint(error: Any) -> str | None:
    context = getattr(error, "ctx", None)
    return None if context is None else f"{context.command_path} --help"


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"chainsvc {version('chainsvc')}")
        raise typer.Exit


app = typer.Typer(cls=Root, add_completion=False, rich_markup_mode="rich", epilog=EPILOG)


@app.callback(help="Notarize civil-affairs records on a permissioned chain, and verify them without the operator.")
def chainsvc(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Do nothing before the command."""
