"""Commands that are imported when they are called.

So ``chainsvc verify`` does not wait for web3 to load, and the base install has every command's name in its help:
one that needs the service parts says how to get them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from chainsvc.errors import ConfigurationRefused

_EXTRAS = frozenset(
    {"alembic", "eth_account", "fastapi", "fastapi_offline", "prometheus_client", "psycopg"}
    | {"sqlalchemy", "structlog", "uvicorn", "web3"}
)
"""Packages of the extra ``service``."""


class Command(NamedTuple):
    """One command.

    Attributes:
        target: ``module:function`` below ``chainsvc.cli``.
        help: Its line in lists, the first line of the function's docstring.
    """

    target: str
    help: str


@dataclass(frozen=True, slots=True)
class Group:
    """Commands of one noun.

    Attributes:
        help: Its line in lists.
        commands: By name.
        default: The command that is meant where none of them is named; None shows the help.
    """

    help: str
    commands: Mapping[str, "Command | Group"]
    default: str | None = None


class Panel(NamedTuple):
    """Commands and groups that stand together in the help.

    Attributes:
        title: Of the panel.
        members: By name.
    """

    title: str
    members: Mapping[str, "Command | Group"]


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are called; lists show their names and help lines only."""

    def __init__(
        self,
        *,
        members: Mapping[str, tuple[Command | Group, str | None]],
        default: str | None = None,
        **settings: Any,
    ) -> None:
        """Take the members with the panel that each stands in, and which one is meant where none is named."""
        shown: dict[str, Any] = {name: _shown(name, member, panel) for name, (member, panel) in members.items()}
        super().__init__(commands=shown, **settings)
        self._members = members
        self._default = default

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Show the help where nothing is asked; put the default in where no command is named."""
        if self._default is not None and args and args[0] not in (*self._members, "--help"):
            args = [self._default, *args]
        return super().parse_args(ctx, args or ["--help"])

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Import the command that is called.

        Raises:
            ConfigurationRefused: It needs parts that are not installed.
        """
        name, command, rest = super().resolve_command(ctx, args)
        member = None if name is None else self._members[name][0]
        return name, load(name or "", member) if isinstance(member, Command) else command, rest


def _shown(name: str, member: Command | Group, panel: str | None) -> TyperCommand | LazyGroup:
    if isinstance(member, Command):
        return TyperCommand(name, help=member.help, rich_help_panel=panel)
    commands: dict[str, tuple[Command | Group, str | None]] = {
        inner: (command, None) for inner, command in member.commands.items()
    }
    return LazyGroup(name=name, help=member.help, rich_help_panel=panel, members=commands, default=member.default)


def load(name: str, command: Command) -> TyperCommand:
    """Import a command and return it with the options that every command has.

    Raises:
        ConfigurationRefused: It needs parts that are not installed.
    """
    module, _, function = command.target.partition(":")
    try:
        found = getattr(import_module(f"chainsvc.cli.{module}"), function)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRAS:
            raise
        hint = "pip install 'chainsvc[service]'"
        raise ConfigurationRefused("this command needs the service parts", got=f"no {error.name}", hint=hint) from error
    loaded = _made(name, found)
    flags = _made("flags", _flags).params
    for flag in flags:
        flag.expose_value = False  # the root command reads them itself, also where the others can't be parsed
    loaded.params.extend(flags)
    return loaded


def _made(name: str, function: Any) -> TyperCommand:
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command(name)(function)
    made = typer.main.get_command(app)
    assert isinstance(made, TyperCommand)
    return made


def _flags(
    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Stand for the options of every command."""
