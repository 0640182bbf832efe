"""How refusals look and what exit status they have."""

import sys
import traceback
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import orjson
from rich.text import Text

from chainsvc.cli.output import Output
from chainsvc.client.problems import problem_of
from chainsvc.errors import ChainsvcError, RecordRefused

EXIT_CODES: Mapping[int, str] = MappingProxyType(
    {
        0: "ok; evidence is valid; an audit found nothing",
        1: "internal error: a bug of chainsvc",
        2: "wrong usage, or a file that can't be opened",
        3: "input refused; of many records, some",
        4: "conflict: right in form, but not possible now",
        5: "not found, or not final yet",
        6: "access: no key, a wrong one, or a refused signature",
        7: "a part is unavailable; try again",
        8: "refused to start, since that would do harm",
        10: "evidence holds, but its standing is another than current",
        11: "undetermined: nothing wrong was found, but not all could be checked",
        12: "evidence is invalid",
        13: "an audit has findings",
    }
)
"""Every exit status of the command line, but 130 for an interrupt."""

INTERRUPTED = 130

EPILOG = "\b\nExit status\n" + "\n".join(f"{code:>2}  {meaning}" for code, meaning in EXIT_CODES.items())
"""Shown below the help text."""

_PARTS = ("expected", "got", "where", "hint")


class UsageRefused(ChainsvcError):
    """The command was called in a way that it does not have."""

    code: ClassVar[str] = "usage"
    status: ClassVar[int] = 400
    exit_code: ClassVar[int] = 2


def refuse(output: Output, error: ChainsvcError) -> int:
    """Show an error on the error stream, and return its exit status."""
    if output.debug:
        traceback.print_exception(error, file=sys.stderr)
    if output.json:
        output.notes.file.write(_document(error))
        output.notes.file.flush()
    else:
        output.notes.print(refusal(error))
    return error.exit_code


def refusal(error: ChainsvcError) -> Text:
    """Return an error as one line, with what belongs to it indented below."""
    text = Text("✗ ", "bold red").append(error.message, "bold")
    for part in _PARTS:
        if (value := getattr(error, part)) is not None:
            text.append(f"\n    {part:<9} ", "dim").append(value, "default")
    if isinstance(error, RecordRefused) and len(error.problems) > 1:
        for problem in error.problems:
            expected = f"; expected {problem.expected}" if problem.expected else ""
            text.append(f"\n    {problem.pointer or '/'}: {problem.message}{expected}", "default")
    return text


def _document(error: ChainsvcError) -> str:
    return orjson.dumps({**problem_of(error), "exit_code": error.exit_code}).decode() + "\n"


def usage(message: str, hint: str | None) -> UsageRefused:
    """Return the error for a wrong call."""
    return UsageRefused(message.rstrip("."), hint=hint)


def unusable_file(error: OSError) -> UsageRefused:
    """Return the error for a file that the system does not let us use."""
    where = None if error.filename is None else str(error.filename)
    return UsageRefused(f"a file can't be used: {error.strerror or type(error).__name__}", where=where)


def bug(error: Exception) -> ChainsvcError:
    """Return the error for what nobody foresaw; its text may hold values of records, so it is not repeated."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    found = ChainsvcError(
        f"internal error: {type(error).__name__}",
        where=f"{last.filename.rpartition('/')[2]}:{last.lineno} {last.name}",
        hint="Run with --debug for the traceback, and report it.",
    )
    found.__cause__ = error
    return found
