"""Which adapter reads a file: found by entry points, recognised by the file's headers."""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from chainsvc.errors import ConfigurationRefused, FileRefused
from chainsvc_adapters.adapter import Adapter
from chainsvc_adapters.columns import Table, find_table, missing_columns
from chainsvc_adapters.drafts import Ledgers
from chainsvc_adapters.export import Export
from chainsvc_adapters.feeds.files import read_file
from chainsvc_adapters.feeds.sheet import Sheet

GROUP = "chainsvc.adapters"
"""Entry point group; another package adds its own adapters to it."""


@cache
def adapters() -> tuple[Adapter, ...]:
    """Return every installed adapter, by name ascending.

    Raises:
        ConfigurationRefused: An entry point that is no adapter, or two of one name.
    """
    found: dict[str, Adapter] = {}
    for point in entry_points(group=GROUP):
        adapter = point.load()
        if not isinstance(adapter, Adapter):
            raise ConfigurationRefused("the entry point is no adapter", got=point.value, where=GROUP)
        if adapter.name in found:
            raise ConfigurationRefused("two adapters of one name", got=adapter.name, where=GROUP)
        found[adapter.name] = adapter
    return tuple(found[name] for name in sorted(found))


def open_export(path: Path, ledgers: Ledgers) -> Export:
    """Open a file with the adapter that knows its headers.

    Args:
        path: CSV, XLSX or XLS.
        ledgers: Which ledger takes which rows.

    Raises:
        FileRefused: Not readable, no adapter knows its headers, or more than one sheet is of a known form.
    """
    adapter, table = recognise(read_file(path), adapters())
    return Export(adapter, table, ledgers)


def recognise(sheets: Sequence[Sheet], known: Sequence[Adapter]) -> tuple[Adapter, Table]:
    """Return the one sheet of a known form, and its adapter.

    Raises:
        FileRefused: None, or more than one.
    """
    found = list(_matches(sheets, known))
    if not found:
        raise _unknown(sheets, known)
    if len(found) > 1:
        readings = ", ".join(f"{table.sheet.layout.title or table.sheet.source} as {one.title}" for one, table in found)
        hint = "Save each sheet as a file of its own."
        raise FileRefused("the file can be read in more than one way", got=readings, where=sheets[0].source, hint=hint)
    return found[0]


def _matches(sheets: Sequence[Sheet], known: Sequence[Adapter]) -> Iterator[tuple[Adapter, Table]]:
    for sheet in sheets:
        for adapter in known:
            if (table := find_table(sheet, adapter.columns)) is not None:
                yield adapter, table


def _unknown(sheets: Sequence[Sheet], known: Sequence[Adapter]) -> FileRefused:
    """Name what the nearest form lacks: a renamed column is the usual cause."""
    if not sheets or not known:
        return FileRefused("nothing to read it with", got=f"{len(sheets)} visible sheets, {len(known)} adapters")
    sheet = sheets[0]
    gaps = {adapter.title: missing_columns(sheet, adapter.columns) for adapter in known}
    nearest = min(gaps, key=lambda title: len(gaps[title]))
    return FileRefused(
        "no adapter knows the headers of this file (无法识别表头)",
        expected="one of " + "、".join(gaps),
        got=f"nearest is {nearest}, but these columns are missing: " + "、".join(gaps[nearest]),
        where=sheet.source,
    )
