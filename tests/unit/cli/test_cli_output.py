import io
import sys
from pathlib import Path

import pytest
from rich.text import Text
from support.command_line import Run

from chainsvc.cli.output import Output, facts, listing, moment, yuan


@pytest.mark.parametrize(
    ("fen", "shown"), [(0, "0.00"), (5, "0.05"), (123450, "1,234.50"), (2**53 - 1, "90,071,992,547,409.91")]
)
def test_amounts_are_shown_in_yuan(fen: int, shown: str) -> None:
    assert yuan(fen) == shown


def test_times_are_shown_in_utc() -> None:
    assert (moment(0), moment(None)) == ("1970-01-01 00:00:00 UTC", "-")


def test_piped_output_is_the_same_whatever_the_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    for columns, colour in (("20", "1"), ("200", "")):
        monkeypatch.setenv("COLUMNS", columns)
        monkeypatch.setenv("FORCE_COLOR", colour)
        monkeypatch.setenv("TERM", "xterm-256color")
        shown.append(run("config", "show").stdout)
    assert shown[0] == shown[1]
    assert "\x1b" not in shown[0]
    assert "Folder for keys, devnet, embedded database and descriptor" in shown[0]


def test_amounts_are_aligned_to_the_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", stream := io.StringIO())
    Output.of([]).answer({}, listing(("Ledger", "Yuan"), [("a", "1.00"), ("b", "1,000.00")], right=("Yuan",)))
    assert [line.rstrip()[-5:] for line in stream.getvalue().splitlines()[2:]] == [" 1.00", "00.00"]


def test_missing_values_and_markup_in_values_are_shown_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", stream := io.StringIO())
    Output.of([]).answer({}, facts([("None", None), ("Text", Text("[red]x[/red]")), ("Word", "[bold]:smile:")]))
    assert [line.split()[1] for line in stream.getvalue().splitlines()] == ["-", "[red]x[/red]", "[bold]:smile:"]


def test_character_outside_the_code_page_does_not_end_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (tmp_path / "out").open("w", encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        Output.of([]).answer({}, Text("有效"))
    assert (tmp_path / "out").read_text() == "\\u6709\\u6548\n"


def test_progress_is_silent_when_piped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream := io.StringIO())
    output = Output.of([])
    with output.progress("Going") as told, output.working("Waiting"):
        told(1, 2)
    assert stream.getvalue() == ""
