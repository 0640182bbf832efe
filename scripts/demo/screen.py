"""What the demo shows: sections, steps with their time, tables."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.cells import set_cell_size
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from chainsvc.errors import ChainsvcError

if TYPE_CHECKING:
    from demo.stage import Stage

_WIDTH = 120
_NAME_CELLS = 35  # a Chinese character takes two


class Screen:
    """One console, the same width in a terminal and in a file."""

    def __init__(self) -> None:
        """Measure nothing: a log and a terminal read alike."""
        self.console = Console(width=_WIDTH, highlight=False)
        self._began = time.monotonic()

    def title(self, words: str) -> None:
        """Open the demo."""
        self.console.print(f"\n[bold]{words}[/bold]\n")

    def section(self, words: str) -> None:
        """Open a section."""
        self.console.print(f"\n[bold cyan]{words}[/bold cyan]")

    @contextmanager
    def step(self, words: str) -> Iterator[list[str]]:
        """Show a step while it runs and its time when it is done; what is appended is shown beside."""
        notes: list[str] = []
        began = time.monotonic()
        with self.console.status(words):
            yield notes
        took = f"{time.monotonic() - began:5.1f} s"
        self.console.print(f"  [green]✓[/green] {set_cell_size(words, 46)} [dim]{took}[/dim]  {' · '.join(notes)}")

    def line(self, words: str, *, good: bool = True) -> None:
        """Show one result."""
        mark = "[green]✓[/green]" if good else "[red]✗[/red]"
        self.console.print(f"  {mark} {words}")

    def progress(self) -> Progress:
        """Return a progress display; each task has a name and a total."""
        return Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(16),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
        )

    @staticmethod
    def name(words: str) -> str:
        """Return a name at the width of the first column."""
        return set_cell_size(words, _NAME_CELLS)

    def table(self, *columns: str, right: tuple[str, ...] = ()) -> Table:
        """Return a table; the caller adds rows and prints it."""
        table = Table(box=None, header_style="bold", pad_edge=True, padding=(0, 0, 0, 2))
        for column in columns:
            table.add_column(column, justify="right" if column in right else "left", no_wrap=True)
        return table

    def print(self, renderable: object) -> None:
        """Show anything; a long line is left to the terminal."""
        self.console.print(renderable, soft_wrap=isinstance(renderable, str))

    def fail(self, error: ChainsvcError) -> None:
        """Show why the demo ended early."""
        self.console.print(f"\n[red]✗ {error}[/red]")

    def footer(self, stage: "Stage", once: bool) -> None:  # noqa: FBT001 - the option of the command line
        """Say where everything is and how to stop."""
        took = time.monotonic() - self._began
        lines = [
            f"API          {stage.url}   docs {stage.url}/docs",
            f"node         {stage.node_url}",
            f"files        {stage.home}   (evidence, checkpoint, corrections, API keys, log)",
            f"took         {took:.0f} s" + ("" if once else "   ·   Ctrl-C stops; the next run resumes"),
        ]
        self.console.print(Panel("\n".join(lines), title="ready", width=_WIDTH, border_style="green"))
