"""Evidence of a whole ledger, into one file of lines or a folder of files; what is there is not fetched again."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

from chainsvc.cli.connection import connected
from chainsvc.cli.output import Output
from chainsvc.cli.refusals import UsageRefused
from chainsvc.errors import MalformedInput
from chainsvc.evidence import MAX_BYTES_WITH_PROOF, Evidence
from chainsvc.record import LedgerName
from chainsvc.settings import load_settings
from chainsvc.verify.evidence_files import LINES

_BEGINNING = b'{"batch":'  # of every evidence file
_DIGITS = 12  # of a seq in a file's name, so that names sort as entries do


class Place(Protocol):
    """Where evidence is kept."""

    def last(self) -> int | None:
        """Return the seq of the last whole file, None without any."""

    def add(self, evidence: Evidence) -> None:
        """Keep one more."""


class _Lines:
    """One file of lines; a last one that a stop cut short is taken off."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("r+b" if path.exists() else "w+b")

    def begin(self) -> None:
        """Find the last whole line, and go on after it."""
        size = self._file.seek(0, 2)
        begin = max(size - 2 * MAX_BYTES_WITH_PROOF, 0)
        self._file.seek(begin)
        tail = self._file.read()
        if begin == 0 and tail and not tail.startswith(_BEGINNING):
            raise MalformedInput("the file holds something else", expected="lines of evidence", where=str(self._path))
        whole = tail.rfind(b"\n") + 1
        lines = tail[:whole].splitlines()
        self._last = Evidence.parse(lines[-1]).seq if lines else None
        self._file.seek(begin + whole)
        self._file.truncate()

    def last(self) -> int | None:
        return self._last

    def add(self, evidence: Evidence) -> None:
        self._file.write(evidence.to_bytes() + b"\n")

    def close(self) -> None:
        self._file.close()


class _Folder:
    """A file for each entry, named by its seq."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)

    def last(self) -> int | None:
        return max((int(path.stem) for path in self._path.glob("*.json") if path.stem.isdecimal()), default=None)

    def add(self, evidence: Evidence) -> None:
        path = self._path / f"{evidence.seq:0{_DIGITS}}.json"
        beside = path.with_suffix(".part")
        beside.write_bytes(evidence.to_bytes())
        beside.replace(path)


@contextmanager
def _opened(path: Path) -> Iterator[Place]:
    if path.suffix not in LINES:
        yield _Folder(path)
        return
    with closing(_Lines(path)) as lines:
        lines.begin()
        yield lines


def whole_ledger(
    output: Output,
    ledger: str | None,
    path: Path | None,
    disclose: list[str] | Literal["all"],
    *,
    proof: bool,
    store: Path | None,
) -> dict[str, Any]:
    """Fetch what is not there yet; return the answer's JSON.

    Raises:
        UsageRefused: No ledger, or nowhere to put it.
        MalformedInput: The file holds something else.
    """
    if ledger is None or path is None:
        raise UsageRefused("which record, or which ledger?", expected="REF, or --ledger NAME with -o FILE or FOLDER")
    name, added = str(LedgerName.parse(ledger)), 0
    with connected(output, load_settings(), store=store) as client, _opened(path) as place:
        entries = client.ledger(name).anchored_entries
        with output.progress(f"Evidence of {name}") as told:
            for evidence in client.evidences(name, disclose=disclose, proof=proof, after=place.last()):
                place.add(evidence)
                added += 1
                told(evidence.seq + 1, entries)
    return {"ledger": name, "file": str(path), "added": added, "proof": proof}
