"""Where many evidence files come from: files, folders, patterns, and bundles of them (NDJSON, ZIP).

One file at a time is in memory. What is too large is cut one byte beyond the limit, and the verifier refuses it.
"""

import errno
import glob
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from chainsvc.errors import FileRefused
from chainsvc.evidence import MAX_BYTES_WITH_PROOF

LINES = (".ndjson", ".jsonl")
"""Suffixes of bundles with one evidence file a line."""

ZIP = ".zip"
"""Suffix of bundles that are archives; their members that end in ``.json`` are evidence files."""

FILE = ".json"
"""Suffix of an evidence file inside a folder or an archive; a file that is named itself may have any."""

_BLOCK = 1 << 20


class EvidenceFile(NamedTuple):
    """One file to verify.

    Attributes:
        name: Path; in a bundle with the line (``bundle.ndjson:12``) or the member (``bundle.zip/a.json``).
        data: Its bytes.
    """

    name: str
    data: bytes


def expanded(paths: Iterable[str]) -> Iterator[Path]:
    """Yield the files that paths, folders and patterns stand for, each folder's in the order of their names.

    Raises:
        FileNotFoundError: Nothing is there.
    """
    for path in paths:
        found = [path] if os.path.lexists(path) else sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - of a text
        if not found:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        for one in found:
            yield from _inside(Path(one)) if Path(one).is_dir() else (Path(one),)


def _inside(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from _inside(path)
        elif path.suffix in (FILE, ZIP, *LINES):
            yield path


def evidence_files(paths: Iterable[Path]) -> Iterator[EvidenceFile]:
    """Yield every evidence file of these files and bundles.

    Raises:
        OSError: A file can't be read.
        FileRefused: An archive that is none.
    """
    for path in paths:
        if path.suffix in LINES:
            yield from _lines(path)
        elif path.suffix == ZIP:
            yield from _members(path)
        else:
            with path.open("rb") as file:
                yield EvidenceFile(str(path), _limited(file))


def count(paths: Iterable[Path]) -> int:
    """Return how many evidence files there are, without reading them one by one."""
    return sum(map(_count, paths))


def _count(path: Path) -> int:
    if path.suffix == ZIP:
        with _archive(path) as archive:
            return sum(_is_evidence(member) for member in archive.infolist())
    if path.suffix not in LINES:
        return 1
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))


def _lines(path: Path) -> Iterator[EvidenceFile]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_BYTES_WITH_PROOF + 2):
            number += 1
            if data := line.rstrip(b"\r\n"):
                yield EvidenceFile(f"{path}:{number}", data)


def _members(path: Path) -> Iterator[EvidenceFile]:
    with _archive(path) as archive:
        for member in archive.infolist():
            if _is_evidence(member):
                try:
                    with archive.open(member) as file:
                        data = _limited(file)
                except (zipfile.BadZipFile, RuntimeError) as error:
                    where = f"{path}/{member.filename}"
                    raise FileRefused("a member of the archive can't be read", got=str(error), where=where) from error
                yield EvidenceFile(f"{path}/{member.filename}", data)


def _is_evidence(member: zipfile.ZipInfo) -> bool:
    return not member.is_dir() and member.filename.endswith(FILE)


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise FileRefused("not a ZIP archive", got=str(error), where=str(path)) from error


def _limited(file: IO[bytes]) -> bytes:
    return file.read(MAX_BYTES_WITH_PROOF + 1)
