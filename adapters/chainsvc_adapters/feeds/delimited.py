"""Delimited text: CSV and its kin, in the encodings that Chinese systems write."""

import csv
import io
from collections import Counter

from chainsvc.errors import FileRefused
from chainsvc_adapters.feeds.sheet import Layout, Row, Sheet

MAX_CELL = 131_072
"""Most characters of one cell; more means an unclosed quotation mark."""

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_ENCODINGS = ("utf-8", "gb18030")
"""Tried in this order: GB18030 text is hardly ever valid UTF-8, the reverse often is."""

_DELIMITERS = (",", "\t", ";")
_SAMPLE_LINES = 20


def read(data: bytes, name: str) -> Sheet:
    """Read delimited text.

    Raises:
        FileRefused: Neither UTF-8 nor GB18030, or quotation marks that don't close.
    """
    text, encoding = decode(data, name)
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = []
    try:
        for number, cells in enumerate(reader, start=1):
            rows.append(Row(number, tuple(cells)))
    except csv.Error as error:
        hint = "Look for a quotation mark that does not close, and save the file as CSV again."
        raise FileRefused(f"not readable as CSV: {error}", where=f"{name}:{len(rows) + 1}", hint=hint) from error
    return Sheet(name, Layout("csv", encoding, delimiter), tuple(rows))


def decode(data: bytes, name: str) -> tuple[str, str]:
    """Return the text and the codec that fits it.

    Raises:
        FileRefused: No codec fits all of it.
    """
    marked = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    failures = []
    for encoding in (marked,) if marked else _ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            failures.append(f"{encoding} fails at byte {error.start}")
        else:
            return _text_only(text, name), encoding
    raise FileRefused(
        "the text's encoding is not known",
        expected="UTF-8 or GB18030 (GBK)",
        got="; ".join(failures),
        where=name,
        hint="Save it as 'CSV UTF-8' and send it again.",
    )


def _text_only(text: str, name: str) -> str:
    if "\0" in text:
        raise FileRefused("the file is no text", expected="CSV, XLSX or XLS", got="binary data", where=name)
    return text


def _delimiter(text: str) -> str:
    """Take the delimiter that stands most often in the first lines; a comma when none does."""
    counts = Counter(character for line in text.splitlines()[:_SAMPLE_LINES] for character in line)
    return max(_DELIMITERS, key=lambda delimiter: counts[delimiter])
