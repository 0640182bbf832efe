"""An export of a small ledger, and edits of it with the findings that an audit must come to."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from chainsvc import jcs
from chainsvc.crypto.suites import SHA256
from chainsvc.evidence import StatusChange
from chainsvc.heads import Status
from chainsvc.proof.slots import mapping_slot, nested_slot
from vector_parts.constants import ACTOR, CONTRACT, NETWORK, UNIT
from vector_parts.evidence_files import splice
from vector_parts.records import donation
from vector_parts.sample import BLOCK, TIME, Batch, entry_of, word_after
from vector_parts.state import SLOTS, ChainState

NAME = f"charity/{UNIT}/WINTER-2026"
FILE = "exports/ledger.ndjson"
ERASED = "D-0023"
"""Reference of the record that nobody can read any more."""

Lines = list[dict[str, Any]]
Edit = Callable[[Lines], Any]


def _batches() -> tuple[Batch, Batch]:
    """Anchor two donations; then a correction of the first, from 10,000 to 8,000 fen, and a third donation."""
    first = donation(21, 10_000, ledger=NAME)
    corrected = replace(
        first,
        revision=1,
        previous=entry_of(SHA256, first).commitment.hex(),
        credit=0,
        debit=2_000,
        body={**first.body, "amount": 8_000},
    )
    opening = Batch(SHA256, 0, [first, donation(22, 5_000, ledger=NAME)])
    return opening, Batch(SHA256, 0, [corrected, donation(23, 700, ledger=NAME)], index=1, first=2, prev=opening.head)


OPENING, SECOND = _batches()
TARGET, CAUSE = OPENING.position("D-0021"), 2 + SECOND.position("D-0021")
CHANGE = StatusChange(Status.SUPERSEDED.value, OPENING.ledger_id, CAUSE, ACTOR, BLOCK, TIME)


def files() -> dict[str, Any]:
    """Return the export and ``exports/audits.json``."""
    good = _written(_lines())
    return {
        FILE: good,
        "exports/audits.json": {
            "rule": "an export is an edit of file (README.md); findings are codes, each once, in order of name",
            "network": "evidence/network.json",
            "file": FILE,
            "chain": _chain().to_json(),
            "cases": [_row(good, *case) for case in _cases()],
        },
    }


def _lines() -> Lines:
    header = {
        "format": "chainsvc-export/1",
        "network": NETWORK.hex(),
        "contract": CONTRACT.hex(),
        "suite": 1,
        "flags": 0,
        "name": NAME,
        "batches": 2,
        "entries": 4,
    }
    lines: Lines = [header]
    for batch in (OPENING, SECOND):
        facts = batch.facts
        numbers = {"index": facts.index, "first": facts.first, "count": facts.count}
        lines.append({"batch": {**numbers, "actor": facts.actor.hex(), "block": facts.block, "time": facts.time}})
        lines += [_entry(batch, place) for place in range(facts.count)]
    return [*lines, {"status": [TARGET, *CHANGE.to_json()]}, {"end": True}]


def _entry(batch: Batch, place: int) -> dict[str, Any]:
    entry = batch.entries[place]
    evidence = batch.evidence(entry.record.reference)
    erased = entry.record.reference == ERASED
    return {
        "seq": batch.facts.first + place,
        "commitment": entry.commitment.hex(),
        "credit": entry.record.credit,
        "debit": entry.record.debit,
        "pairs": None if erased else [pair.to_json() for pair in evidence.pairs],
    }


def _written(lines: Lines) -> bytes:
    return b"".join(jcs.dumps(line) + b"\n" for line in lines)


def _chain() -> ChainState:
    state = ChainState.of([OPENING, SECOND])
    slots, ledger = state.slots[CONTRACT], OPENING.ledger_id
    slots[nested_slot(ledger, TARGET, SLOTS.words)] = word_after(ledger, TARGET, [CHANGE])
    figures = (4, 2, 15_700, 2_000)
    slots[mapping_slot(ledger, SLOTS.state)] = b"".join(figure.to_bytes(8) for figure in figures)
    return state


def _set(line: int, member: str, value: Any) -> Edit:
    return lambda lines: lines[line].__setitem__(member, value)


def _in_batch(line: int, member: str, value: Any) -> Edit:
    return lambda lines: lines[line]["batch"].__setitem__(member, value)


def _swap(lines: Lines) -> None:
    lines[2], lines[3] = lines[3], lines[2]


def _spend(lines: Lines) -> None:
    """Change the amount in the readable record of D-0022, not its commitment."""
    pairs = lines[2 + OPENING.position("D-0022")]["pairs"]
    next(pair for pair in pairs if pair[0] == "/body/amount")[2] = 4_999


def _another_status(lines: Lines) -> None:
    lines[7]["status"][1] = Status.REVOKED.value


def _another_cause(lines: Lines) -> None:
    lines[7]["status"][3] = OPENING.position("D-0022")


def _cases() -> Iterator[tuple[str, Edit, tuple[str, ...]]]:
    """Yield name, edit and findings; lines are header, batch, two entries, batch, two entries, status, end."""
    erased = 5 + SECOND.position(ERASED)
    yield "sound", lambda _lines: None, ()
    yield "a readable amount changed", _spend, ("commitment-mismatch",)
    yield "an erased entry's amount changed", _set(erased, "credit", 701), ("head-mismatch", "totals-mismatch")
    yield "a commitment changed", _set(erased, "commitment", "ff" * 32), ("head-mismatch",)
    yield "another account", _in_batch(1, "actor", "00" * 20), ("head-mismatch",)
    yield "two entries exchanged", _swap, ("disorder", "gap", "head-mismatch", "leaf-order")
    yield "an entry left out", lambda lines: lines.pop(erased), ("gap", "head-mismatch", "totals-mismatch", "truncated")
    yield "the change of standing left out", lambda lines: lines.pop(7), ("standing-missing", "supersede-missing")
    yield "another standing", _another_status, ("cause-mismatch", "standing-mismatch", "supersede-missing")
    yield "another cause", _another_cause, ("cause-mismatch", "standing-mismatch", "supersede-missing")
    yield "the last line left out", lambda lines: lines.pop(), ("truncated",)
    yield "an unknown line", lambda lines: lines.insert(7, {"note": 1}), ("malformed",)
    # Under another network the ledger has another id, so the cause of the change lies elsewhere.
    yield "another network", _set(0, "network", "00" * 32), ("supersede-missing", "wrong-network")


def _row(good: bytes, name: str, edit: Edit, findings: tuple[str, ...]) -> dict[str, Any]:
    lines = _lines()
    edit(lines)
    outcome = "findings" if findings else "complete"
    return {
        "name": name,
        "edit": splice(good, _written(lines)),
        "outcome": outcome,
        "exitCode": 13 if findings else 0,
        "findings": list(findings),
    }
