"""An export of a small ledger, and edits of it with the findings that an audit must come to."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from chainsvc import jcs
from chainsvc.crypto.suites import SHA256
from chainsvc.evidence import StatusChange
from chainsvc.heads import Status
from chainsvc.proof.slots import mapping_slot, nested_slot
from vector_parts import odd_ledgers
from vector_parts.constants import ACTOR, CONTRACT, UNIT, derived
from vector_parts.evidence_files import splice
from vector_parts.odd_ledgers import Lines, export_lines
from vector_parts.records import donation
from vector_parts.sample import BLOCK, TIME, Batch, entry_of, word_after
from vector_parts.state import SLOTS, ChainState

NAME = f"charity/{UNIT}/WINTER-2026"
FILE = "exports/ledger.ndjson"
ERASED = "D-0023"
"""Reference of the record that nobody can read any more."""

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
    """Return the exports and ``exports/audits.json``."""
    good = _written(_lines())
    more = {f"exports/{name}.ndjson": _written(ledger.lines) for name, ledger in odd_ledgers.LEDGERS.items()}
    return {
        FILE: good,
        **more,
        "exports/audits.json": {
            "rule": "an export is an edit of file (README.md); findings are codes, each once, in order of name",
            "network": "evidence/network.json",
            "chains": {name: state.to_json() for name, state in _chains().items()},
            "cases": [*(_row(good, *case) for case in _cases()), *_odd_rows()],
        },
    }


def _odd_rows() -> Iterator[dict[str, Any]]:
    for name, ledger in odd_ledgers.LEDGERS.items():
        row = {"name": name, "file": f"exports/{name}.ndjson", "edit": None, "chain": name}
        yield {**row, "outcome": "findings", "exitCode": 13, "findings": list(ledger.findings)}


def _lines() -> Lines:
    lines = export_lines(NAME, [OPENING, SECOND], [(TARGET, CHANGE)])
    next(line for line in lines if line.get("commitment") == _commitment(ERASED))["pairs"] = None
    return lines


def _commitment(reference: str) -> str:
    return SECOND.entries[SECOND.position(reference)].commitment.hex()


def _written(lines: Lines) -> bytes:
    return b"".join(jcs.dumps(line) + b"\n" for line in lines)


def _chain(entries: int = 4, batches: int = 2) -> ChainState:
    state = ChainState.of([OPENING, SECOND][:batches])
    slots, ledger = state.slots[CONTRACT], OPENING.ledger_id
    slots[nested_slot(ledger, TARGET, SLOTS.words)] = word_after(ledger, TARGET, [CHANGE])
    figures = (entries, batches, 15_700 if batches > 1 else 15_000, 2_000 if batches > 1 else 0)
    slots[mapping_slot(ledger, SLOTS.state)] = b"".join(figure.to_bytes(8) for figure in figures)
    return state


def _chains() -> dict[str, ChainState]:
    other = _chain()
    other.codes[CONTRACT] = derived("other code")
    odd = {name: ledger.chain for name, ledger in odd_ledgers.LEDGERS.items()}
    return {"sound": _chain(), "other code": other, "one entry more": _chain(5, 3), "one batch": _chain(2, 1), **odd}


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


def _drop_pair(lines: Lines) -> None:
    entry = lines[2 + OPENING.position("D-0022")]
    entry["pairs"] = [pair for pair in entry["pairs"] if pair[0] != "/reference"]


def _change(position: int, value: Any) -> Edit:
    return lambda lines: lines[7]["status"].__setitem__(position, value)


def _another_status(lines: Lines) -> None:
    lines[7]["status"][1] = Status.REVOKED.value


def _another_cause(lines: Lines) -> None:
    lines[7]["status"][3] = OPENING.position("D-0022")


def _cases() -> Iterator[tuple[Any, ...]]:
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
    nobody, plain = 2 + OPENING.position("D-0022"), lambda _lines: None
    yield "other code", plain, ("wrong-code",), "other code"
    yield "the contract has more", plain, ("entries-missing",), "one entry more"
    yield "the contract has less", plain, ("totals-mismatch", "unanchored"), "one batch"
    yield "a readable entry's amount changed", _set(nobody, "credit", 5_001), WRONG_AMOUNT
    yield "a pair left out", _drop_pair, ("record-refused",)
    yield "an entry twice", lambda lines: lines.insert(erased, lines[erased]), ("malformed",)
    yield "a commitment twice", _twice(nobody, erased), ("duplicate-commitment", "head-mismatch")
    yield "a change of no entry", _change(0, 99), NO_TARGET
    yield "a cause that is no entry", _change(3, 99), ("cause-unknown", "standing-mismatch", "supersede-missing")
    yield "an entry as its own cause", _change(3, TARGET), ("cause-unknown", "standing-mismatch", "supersede-missing")
    yield "a cause in another ledger", _change(2, "00" * 32), ("standing-mismatch", "supersede-missing")
    yield "a change twice", lambda lines: lines.insert(7, lines[7]), ("standing-mismatch",)
    yield "a batch of another number", _in_batch(4, "index", 2), ("disorder", "truncated", "unanchored")
    yield "a batch of none", _in_batch(1, "count", 0), ("malformed",)
    yield "a batch back in time", _in_batch(4, "block", BLOCK - 1), ("disorder", "head-mismatch")
    yield "a batch after the changes", lambda lines: lines.insert(8, lines[4]), ("malformed",)
    yield "a line after the last", lambda lines: lines.append({"end": True}), ("malformed",)
    yield "a first line that promises more", _set(0, "entries", 5), ("truncated",)
    yield "another contract", _set(0, "contract", "00" * 20), ("supersede-missing", "wrong-network")
    yield "another network", _set(0, "network", "00" * 32), ("supersede-missing", "wrong-network")


WRONG_AMOUNT = ("amounts-mismatch", "head-mismatch", "totals-mismatch")
NO_TARGET = ("standing-missing", "status-unknown-entry", "supersede-missing")


def _twice(one: int, other: int) -> Edit:
    return lambda lines: lines[other].__setitem__("commitment", lines[one]["commitment"])


def _row(good: bytes, name: str, edit: Edit, findings: tuple[str, ...], chain: str = "sound") -> dict[str, Any]:
    lines = _lines()
    edit(lines)
    outcome = "findings" if findings else "complete"
    return {
        "name": name,
        "file": FILE,
        "edit": splice(good, _written(lines)),
        "chain": chain,
        "outcome": outcome,
        "exitCode": 13 if findings else 0,
        "findings": list(findings),
    }
