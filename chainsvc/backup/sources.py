"""Files that may hold lost entries: exports, evidence, clients' private stores, and receipts.

============= =========================================== =====================================================
file          what it gives                               what proves it
============= =========================================== =====================================================
export        every entry of a batch, with its seq        together they give the batch's root
evidence      one entry with its seq                      its path gives the batch's root, also alone
private store entries in the order of their making        a run of them gives a batch's root
receipts      commitments in the order of acceptance,     the same, in ledgers without money: amounts are not in a
              with their references                       receipt
============= =========================================== =====================================================

Nothing in a file is believed before it gives the root that the chain holds.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from chainsvc import jcs
from chainsvc.errors import InputRefused, MalformedInput
from chainsvc.evidence import MAX_BYTES_WITH_PROOF, Evidence, Pair
from chainsvc.journal.ledgers import Ledger
from chainsvc.reading import unhex
from chainsvc.record import Record
from chainsvc.verify.export import MAX_LINE, ExportBatch, ExportEntry, ExportHeader, parse_line, read_lines

_SQLITE = b"SQLite format 3\0"
_MONEYLESS = ("marriage", "funeral")
_RECEIPT = frozenset({"ledger", "id", "reference", "revision", "receipt"})


@dataclass(frozen=True, slots=True)
class Found:
    """An entry that a file tells of.

    Attributes:
        commitment: 32 bytes.
        credit: Fen.
        debit: Fen.
        previous: Commitment of the prior revision; None without one, or where the file does not tell.
        reference: Business reference; None where it is hidden, or none of the service's business.
        revision: Goes with it.
        evidence: The file itself, where it is evidence: proves the entry's seq.
    """

    commitment: bytes
    credit: int
    debit: int
    previous: bytes | None = None
    reference: str | None = None
    revision: int = 0
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a file tells of one ledger.

    Attributes:
        runs: Entries that belong together, in order; each is looked through for batches.
        proven: Entries with evidence.
    """

    runs: tuple[tuple[Found, ...], ...] = ()
    proven: tuple[Found, ...] = ()


def read_source(path: Path, ledger: Ledger) -> Told:
    """Read what a file tells of a ledger; what it tells of others is passed over.

    Raises:
        OSError: The file can't be read.
        InputRefused: None of these files.
    """
    with path.open("rb") as file:
        start = file.readline(MAX_BYTES_WITH_PROOF + 1)
    for recognized, read in _KINDS:
        if recognized(start):
            return read(path, ledger)
    raise InputRefused(
        "this file tells of no entries",
        expected="an export, an evidence file, a private store, or receipts as 'notarize --receipts' keeps them",
        where=str(path),
    )


def _export(path: Path, ledger: Ledger) -> Told:
    with path.open("rb") as file:
        lines = (parse_line(line) for line in read_lines(file))
        header = next(lines)
        if not isinstance(header, ExportHeader) or str(header.name) != ledger.name:
            return Told()
        return Told(runs=tuple(_batches(lines)))


def _batches(lines: Iterable[object]) -> Iterator[tuple[Found, ...]]:
    run: list[Found] = []
    for line in lines:
        if isinstance(line, ExportEntry):
            run.append(_exported(line))
        elif run:
            yield tuple(run)
            run = []
        if not isinstance(line, ExportBatch | ExportEntry):
            return


def _exported(entry: ExportEntry) -> Found:
    previous, reference, revision = _identity(_shown(entry.pairs or ()))
    return Found(entry.commitment, entry.credit, entry.debit, previous, reference, revision)


def _evidence(path: Path, ledger: Ledger) -> Told:
    evidence = Evidence.parse(path.read_bytes())
    if evidence.ledger_id != ledger.ledger_id:
        return Told()
    shown = _shown(evidence.pairs)
    previous, reference, revision = _identity(shown)
    found = Found(
        evidence.commitment(), shown["/credit"], shown["/debit"], previous, reference, revision, evidence=evidence
    )
    return Told(proven=(found,))


def _store(path: Path, ledger: Ledger) -> Told:
    """Read a store as it lies there; its records are its holder's, so no reference is taken over."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
        try:
            rows = store.execute(
                "SELECT commitment, record FROM records WHERE ledger = ? ORDER BY rowid", (ledger.name,)
            ).fetchall()
        except sqlite3.DatabaseError as error:
            raise InputRefused("not a private store of chainsvc", got=str(error), where=str(path)) from error
    records = [(commitment, Record.parse(data)) for commitment, data in rows]
    run = tuple(
        Found(commitment, one.credit, one.debit, bytes.fromhex(one.previous) if one.previous else None)
        for commitment, one in records
    )
    return Told(runs=(run,) if run else ())


def _receipts(path: Path, ledger: Ledger) -> Told:
    if ledger.kind not in _MONEYLESS:
        return Told()
    with path.open("rb") as file:
        lines = [orjson.loads(line) for line in file if line.strip()]
    run = tuple(_received(line) for line in lines if line["ledger"] == ledger.name)
    return Told(runs=(run,) if run else ())


def _received(line: dict[str, Any]) -> Found:
    return Found(unhex(line["id"], "/id", 32), 0, 0, None, line["reference"], line["revision"] or 0)


def _shown(pairs: Iterable[Pair]) -> dict[str, Any]:
    return {pair.path: pair.value for pair in pairs if not pair.hidden}


def _identity(shown: dict[str, Any]) -> tuple[bytes | None, str | None, int]:
    previous, reference = shown.get("/previous"), shown.get("/reference")
    return bytes.fromhex(previous) if previous else None, reference, int(shown.get("/revision", 0))


def _is_export(start: bytes) -> bool:
    try:
        return len(start) <= MAX_LINE and isinstance(parse_line(start), ExportHeader)
    except MalformedInput:
        return False


def _is_evidence(start: bytes) -> bool:
    return b'"format":"chainsvc-evidence/1"' in start


def _is_receipt(start: bytes) -> bool:
    try:
        value = jcs.loads(start.strip(), max_bytes=MAX_LINE, max_depth=8)
    except MalformedInput:
        return False
    return type(value) is dict and set(value) >= _RECEIPT


_KINDS: tuple[tuple[Callable[[bytes], bool], Callable[[Path, Ledger], Told]], ...] = (
    (lambda start: start.startswith(_SQLITE), _store),
    (_is_export, _export),
    (_is_evidence, _evidence),
    (_is_receipt, _receipts),
)
