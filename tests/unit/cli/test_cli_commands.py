import importlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

import pytest
from support.command_line import Run

from chainsvc import errors
from chainsvc.cli.commands import PANELS
from chainsvc.cli.lazy import Command, Group, load
from chainsvc.cli.refusals import EXIT_CODES

ROOT = Path(__file__).parents[3]


def walk(
    members: Mapping[str, Command | Group], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Command]]:
    for name, member in members.items():
        if isinstance(member, Command):
            yield (*path, name), member
        else:
            yield from walk(member.commands, (*path, name))


COMMANDS = [found for panel in PANELS for found in walk(panel.members)]
BASE = [
    ("verify",),
    ("audit",),
    ("notarize",),
    ("queue", "drain"),
    ("queue", "status"),
    ("status",),
    ("standing",),
    ("erase",),
    ("evidence",),
    ("checkpoint",),
    ("export",),
    ("ledger", "list"),
    ("network", "show"),
    ("network", "follow"),
    ("network", "cosign"),
    ("key", "new"),
    ("config", "show"),
    ("devnet", "status"),
]


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(path) for path, _ in COMMANDS])
def test_every_command_loads_and_says_what_its_list_says(path: tuple[str, ...], command: Command) -> None:
    module, _, name = command.target.partition(":")
    function = getattr(importlib.import_module(f"chainsvc.cli.{module}"), name)
    assert (function.__doc__ or "").splitlines()[0] == command.help
    options = {option for param in load(path[-1], command).params for option in param.opts}
    assert {"--json", "--debug"} <= options


def test_help_lists_commands_and_exit_codes(run: Run) -> None:
    shown = run("--help")
    assert shown.exit_code == 0
    for panel in PANELS:
        assert panel.title in shown.stdout
        assert all(f" {name} " in shown.stdout for name in panel.members)
    for code, meaning in EXIT_CODES.items():
        assert f"{code:>2}  {meaning}" in shown.stdout


def test_version_is_that_of_the_package(run: Run) -> None:
    shown = run("--version")
    assert (shown.exit_code, shown.stdout) == (0, f"chainsvc {version('chainsvc')}\n")


def test_nothing_asked_shows_help(run: Run) -> None:
    assert "Institutions" in run().stdout
    assert "api " in run("key").stdout


def test_every_error_has_a_documented_exit_code() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ChainsvcError)
    ]
    assert len(kinds) > 20
    assert {kind.exit_code for kind in kinds} <= set(EXIT_CODES)


def without_service(*words: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line where no service library can be imported."""
    code = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"alembic", "eth_account", "fastapi", "prometheus_client", "psycopg", "sqlalchemy",
                                      "structlog", "uvicorn", "web3"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from chainsvc.cli import main
main()
"""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'adapters'}"}
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, env=environment, check=False
    )


@pytest.mark.parametrize("path", BASE, ids=" ".join)
def test_base_install_has_the_command(path: tuple[str, ...]) -> None:
    done = without_service(*path, "--help")
    assert (done.returncode, done.stderr) == (0, "")


def test_base_install_makes_a_key_and_shows_its_settings(home: Path) -> None:
    made = without_service("key", "new", str(home / "org.key"))
    assert (made.returncode, made.stderr) == (0, "")
    assert (home / "org.key").stat().st_mode & 0o777 == 0o600
    assert without_service("config", "show").returncode == 0


@pytest.mark.parametrize("path", ["up", "org show", "key api list", "db upgrade", "budget show", "network export"])
def test_base_install_says_in_one_line_what_a_service_command_needs(path: str) -> None:
    done = without_service(*path.split(), "--help")
    assert done.returncode == errors.ConfigurationRefused.exit_code
    assert done.stderr.startswith("✗ this command needs the service parts\n")
    assert "pip install 'chainsvc[service]'" in done.stderr
    assert "Traceback" not in done.stderr
