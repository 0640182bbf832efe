"""What commands show: tables for people, one JSON document for programs, and progress on the error stream.

Piped output has no colour, no bars and a width of its own, so that it does not change with the terminal.
"""

import datetime as dt
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

import orjson
import typer
from rich import box
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

PIPED_WIDTH = 1000
"""Columns of piped output: no line is broken for a screen that nobody looks at."""

Told = Callable[[int, int], None]
"""Called with (done, in all)."""


@dataclass(frozen=True, slots=True)
class Output:
    """Where one command's results and progress go.

    Attributes:
        screen: Standard output: results.
        notes: Standard error: progress, remarks, refusals.
        json: One JSON document instead of tables.
        debug: Show tracebacks.
    """

    screen: Console
    notes: Console
    json: bool
    debug: bool

    @classmethod
    def of(cls, arguments: Sequence[str]) -> "Output":
        """Return the output for these command line arguments, on the present standard streams."""
        return cls(_console(sys.stdout), _console(sys.stderr), "--json" in arguments, "--debug" in arguments)

    @property
    def quiet(self) -> bool:
        """Whether nobody watches progress."""
        return self.json or not self.notes.is_terminal

    def answer(self, value: Mapping[str, Any], *shown: RenderableType) -> None:
        """Give the result: the value to programs, what is shown to people."""
        if self.json:
            self.document(value)
            return
        for number, one in enumerate(shown):
            if number:
                self.screen.print()
            self.screen.print(one)

    def document(self, value: Mapping[str, Any]) -> None:
        """Write one JSON document on a line of its own."""
        self.screen.file.write(orjson.dumps(value, default=str).decode() + "\n")
        self.screen.file.flush()

    def line(self, data: bytes) -> None:
        """Write a line of JSON, newline included, of an answer that is a stream of them."""
        self.screen.file.write(data.decode())

    def remark(self, text: str) -> None:
        """Say something to people beside the result."""
        if not self.json:
            self.notes.print(Text(text))

    @contextmanager
    def working(self, label: str) -> Iterator[None]:
        """Show that something of unknown length is under way."""
        if self.quiet:
            yield
        else:
            with self.notes.status(Text(label)):
                yield

    @contextmanager
    def progress(self, label: str) -> Iterator[Told]:
        """Show a bar, and give what moves it."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self.notes, transient=True, disable=self.quiet) as bars:
            task = bars.add_task(label, total=None)
            yield lambda done, of: bars.update(task, completed=done, total=of)


def _console(stream: TextIO) -> Console:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")  # an old code page must not end a command halfway
    if stream.isatty():
        return Console(file=stream, highlight=False, markup=False, emoji=False)
    return Console(
        file=stream,
        highlight=False,
        markup=False,
        emoji=False,
        force_terminal=False,
        color_system=None,
        width=PIPED_WIDTH,
    )


def output_of(context: typer.Context) -> Output:
    """Return the output of the running command."""
    found = context.find_object(Output)
    assert found is not None  # the root command gives every context one
    return found


def yuan(fen: int) -> str:
    """Return an amount in yuan, like ``1,234.50``."""
    return f"{fen // 100:,}.{fen % 100:02d}"


def moment(seconds: int | None) -> str:
    """Return a Unix time in words, ``-`` for none."""
    return "-" if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def facts(rows: Iterable[tuple[str, object]]) -> Table:
    """Return labels with their values; None is shown as ``-``."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column()
    grid.add_column(overflow="fold")
    for label, value in rows:
        grid.add_row(
            Text(label, "bold"), value if isinstance(value, Text) else Text("-" if value is None else str(value))
        )
    return grid


def listing(columns: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[str] = ()) -> Table:
    """Return a table; the columns named in ``right`` are aligned to the right, as amounts are."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text("-" if cell is None else str(cell)) for cell in row))
    return table
