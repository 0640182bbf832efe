"""Receipts that were kept, compared with what the service has now: is every promise kept?"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from chainsvc.cli.connection import connected
from chainsvc.cli.output import facts, listing, moment, output_of
from chainsvc.cli.sending import SHOWN
from chainsvc.client import Client
from chainsvc.errors import MalformedInput, NotFound
from chainsvc.jcs import loads
from chainsvc.reading import text, unhex
from chainsvc.receipt import Receipt
from chainsvc.record import ledger_id
from chainsvc.settings import load_settings

KEPT, PENDING, LATE, LOST, REFUSED = "kept", "pending", "late", "lost", "refused"
"""What became of a receipt: final in time; accepted and in time; neither; no entry; no receipt of this ledger."""

BROKEN = (LATE, LOST, REFUSED)
"""Findings."""

FINDINGS = 13

_MAX_LINE, _MAX_DEPTH = 65_536, 8


class Held(NamedTuple):
    """A receipt as it was kept: whose, where it stands in the files, and what the file says."""

    where: str
    ledger: str
    commitment: bytes
    reference: str | None
    receipt: Receipt


def check(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="As 'notarize --receipts' keeps them.")],
) -> None:
    """Check that every promise in files of receipts is kept.

    A receipt names the time by which its entry is on chain. One whose entry the service does not have is lost, as
    after a restore from an older backup: with its signature it is the proof of that. Send those records again.
    Exit status: 0 all are kept, or pending in time; 13 some are late, lost or no receipts.
    """
    output, found = output_of(context), []
    held = [one for path in files for one in _read(path)]
    with connected(output, load_settings()) as client, output.progress("Checking receipts") as told:
        checker = _Checker(client, int(time.time()))
        for number, one in enumerate(held, 1):
            found.append((one, checker.outcome(one)))
            told(number, len(held))
    counts = Counter(outcome for _, outcome in found)
    broken = [(one, outcome) for one, outcome in found if outcome in BROKEN]
    value = {"receipts": len(held), **{name: counts[name] for name in (KEPT, PENDING, *BROKEN)}}
    rows = [(one.where, one.ledger, one.reference, moment(one.receipt.anchor_by), outcome) for one, outcome in broken]
    shown: list[Any] = [facts([(name.capitalize(), count) for name, count in value.items()])]
    if rows:
        shown.append(listing(("Receipt", "Ledger", "Reference", "Promised by", "Outcome"), rows[:SHOWN]))
    output.answer({**value, "findings": [_json(one, outcome) for one, outcome in broken]}, *shown)
    raise typer.Exit(FINDINGS if broken else 0)


def _read(path: Path) -> Iterator[Held]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _held(line.strip(), f"{path}:{number}")


def _held(line: bytes, where: str) -> Held:
    value = loads(line, max_bytes=_MAX_LINE, max_depth=_MAX_DEPTH)
    if type(value) is not dict or not {"ledger", "id", "receipt"} <= set(value):
        raise MalformedInput("no line of a file of receipts", expected="ledger, id and receipt", where=where)
    receipt = Receipt.from_json(value["receipt"])
    return Held(where, text(value["ledger"], where), unhex(value["id"], where, 32), value.get("reference"), receipt)


def _json(held: Held, outcome: str) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "where": held.where,
        "ledger": held.ledger,
        "id": held.commitment.hex(),
        "reference": held.reference,
        "anchor_by": held.receipt.anchor_by,
    }


@dataclass
class _Checker:
    """Asks the service, each ledger's facts once."""

    client: Client
    now: int
    _ids: dict[str, bytes] = field(default_factory=dict)
    _times: dict[tuple[str, int], int | None] = field(default_factory=dict)

    def outcome(self, held: Held) -> str:
        """Return what became of a receipt."""
        if not held.receipt.verifies(self._ledger_id(held.ledger), held.commitment):
            return REFUSED
        try:
            status = self.client.status(held.commitment)
        except NotFound:
            return LOST
        if status.state == "final" and status.batch is not None:
            return KEPT if self._time(held.ledger, status.batch) <= held.receipt.anchor_by else LATE
        return PENDING if self.now <= held.receipt.anchor_by else LATE

    def _ledger_id(self, name: str) -> bytes:
        if name not in self._ids:
            found = self.client.ledger(name)
            self._ids[name] = ledger_id(found.network, found.contract, found.suite.id, found.flags, name)
        return self._ids[name]

    def _time(self, name: str, batch: int) -> int:
        if (name, batch) not in self._times:
            self._times |= {(name, one.index): one.time for one in self.client.batches(name)}
        return self._times[name, batch] or self.now
