"""The command line in this process."""

import json
from collections.abc import Callable
from typing import Any

from typer.testing import CliRunner, Result

from chainsvc.cli import app

Run = Callable[..., Result]
"""Calls the command line with these words."""


def call(*words: object) -> Result:
    """Call the command line; any exception that is no exit is a failure, and so is an unasked traceback."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output or "--debug" in words
    return result


def document(result: Result) -> dict[str, Any]:
    """Return the one JSON document of standard output."""
    (line,) = result.stdout.splitlines()
    value: dict[str, Any] = json.loads(line)
    return value


def problem(result: Result) -> dict[str, Any]:
    """Return the one JSON document of standard error."""
    (line,) = result.stderr.splitlines()
    value: dict[str, Any] = json.loads(line)
    return value


def documents(result: Result) -> list[dict[str, Any]]:
    """Return the lines of a command whose answer is a stream of JSON; the last one sums up."""
    return [json.loads(line) for line in result.stdout.splitlines()]
