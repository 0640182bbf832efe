"""Files of records as JSON: one record, an array of them, or one a line."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from chainsvc import jcs
from chainsvc.errors import ChainsvcError, MalformedInput, RecordRefused
from chainsvc.errors import Problem as Place
from chainsvc.files import whole
from chainsvc.record import MAX_BYTES, MAX_DEPTH, Record
from chainsvc_adapters.corrections import corrections_path

LARGEST_FILE = 256 * 1024 * 1024
"""Largest array or single record in bytes; lines are read one by one, so files of lines have no limit."""

_LINES = (".ndjson", ".jsonl")
_JSON = (".json", *_LINES)
_WRAPPING = 2  # an array, and a record in it


class Item(NamedTuple):
    """One record of a file.

    Attributes:
        number: Its place in the file: line, or position from 1.
        source: As it stood there: a line's text, or a parsed value.
        record: The record, or why it is none.
    """

    number: int
    source: Any
    record: Record | ChainsvcError


class RecordFile(NamedTuple):
    """An opened file of records.

    Attributes:
        path: The file.
        form: ``record``, ``array`` or ``lines``.
        total: How many records.
        items: The records; read once.
    """

    path: Path
    form: str
    total: int
    items: Iterator[Item]


def is_record_file(path: Path) -> bool:
    """Tell by its name, or else by its first character, whether a file holds JSON."""
    if path.suffix.lower() in _JSON:
        return True
    with path.open("rb") as file:
        return file.read(64).lstrip()[:1] in (b"{", b"[")


def open_records(path: Path, ledger: str | None) -> RecordFile:
    """Open a file of records.

    Args:
        path: The file.
        ledger: Given to records that name none; a record of another ledger is refused.

    Raises:
        MalformedInput: The file as a whole is no JSON; a wrong line or record is refused by itself.
    """
    form, lines = _form(path)
    if form == "lines":
        return RecordFile(path, form, lines, _lines(path, ledger))
    value = jcs.loads(path.read_bytes(), max_bytes=LARGEST_FILE, max_depth=MAX_DEPTH + _WRAPPING)
    members = value if form == "array" else [value]
    return RecordFile(
        path, form, len(members), (Item(n, one, _record(one, ledger)) for n, one in enumerate(members, 1))
    )


def _form(path: Path) -> tuple[str, int]:
    """Tell the form of a file, and how many lines it has that are not empty."""
    with path.open("rb") as file:
        lines = (line for line in file if line.strip())
        first = next(lines, b"")
        count = sum(1 for _ in lines) + bool(first)
    if path.suffix.lower() in _LINES:
        return "lines", count
    if first.lstrip()[:1] == b"[":
        return "array", count
    return "lines" if count > 1 and _is_whole(first) else "record", count


def _is_whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _lines(path: Path, ledger: str | None) -> Iterator[Item]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield Item(number, line, _parsed(line, ledger))


def _parsed(line: bytes, ledger: str | None) -> Record | ChainsvcError:
    try:
        value = jcs.loads(line.strip(), max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
    except MalformedInput as error:
        return error
    return _record(value, ledger)


def _record(value: Any, ledger: str | None) -> Record | ChainsvcError:
    try:
        if ledger is None:
            return Record.from_json(value)
        record = Record.from_json({"ledger": ledger, **value} if type(value) is dict else value)
    except MalformedInput as error:
        return error
    if record.ledger != ledger:
        place = Place("/ledger", "the record is of another ledger", ledger, record.ledger)
        return RecordRefused("the record is refused", (place,))
    return record


def write_back(opened: RecordFile, refused: Sequence[Item], path: Path | None) -> Path | None:
    """Write refused records to a file of the same form, to be mended and sent again; None where there are none."""
    if not refused:
        return None
    path = path or corrections_path(opened.path)
    with whole(path) as beside:
        if opened.form == "lines":
            beside.write_bytes(b"".join(item.source.rstrip(b"\r\n") + b"\n" for item in refused))
        else:
            text = json.dumps([item.source for item in refused], ensure_ascii=False, indent=1)
            beside.write_text(text + "\n", encoding="utf-8")
    return path
