"""Sending records of JSON files, and saying what became of each."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from chainsvc.cli.output import Output, facts, listing, moment, yuan
from chainsvc.cli.receipts import ReceiptFile
from chainsvc.cli.record_files import Item, RecordFile, write_back
from chainsvc.client import Accepted, Client
from chainsvc.client.problems import problem_of
from chainsvc.errors import ChainsvcError
from chainsvc.record import Record
from chainsvc_adapters.send import Sums

SHOWN = 20
"""Refusals that a table shows; the corrections file has all."""

_TOLD_EACH = 500


@dataclass(frozen=True, slots=True)
class Sending:
    """What sending needs.

    Attributes:
        client: The service.
        receipts: Where receipts are kept.
        output: Where progress and results go.
    """

    client: Client
    receipts: ReceiptFile
    output: Output


@dataclass(slots=True)
class Tally:
    """What became of the records of a file.

    Attributes:
        sent: New ones.
        again: Those that were there already.
        refused: The others, with their errors.
        ledgers: Sums by ledger.
        queued: Those that wait in the local queue.
        done: Records in all.
        keep_results: A program asked.
        results: One for each record, for programs.
    """

    sent: int = 0
    again: int = 0
    refused: list[tuple[Item, ChainsvcError]] = field(default_factory=list)
    ledgers: dict[str, Sums] = field(default_factory=dict)
    queued: int = 0
    done: int = 0
    keep_results: bool = True
    results: list[dict[str, Any]] = field(default_factory=list)

    def take(self, item: Item, outcome: Accepted | ChainsvcError) -> None:
        """Count one outcome."""
        if isinstance(outcome, ChainsvcError):
            self.refused.append((item, outcome))
            self._tell(item, lambda: {"problem": problem_of(outcome)})
            return
        assert isinstance(item.record, Record)
        if outcome.again:
            self.again += 1
        else:
            self.sent += 1
        self.ledgers.setdefault(item.record.ledger, Sums()).add(item.record)
        self._tell(item, lambda: {name: getattr(outcome, name) for name in ("id", "reference", "revision", "again")})

    def wait(self, item: Item, place: int) -> None:
        """Count one that waits in the queue."""
        self.queued += 1
        self._tell(item, lambda: {"queue_id": place})

    def _tell(self, item: Item, told: Callable[[], dict[str, Any]]) -> None:
        self.done += 1
        if self.keep_results:
            self.results.append({"number": item.number, **told()})


def notarize_records(sending: Sending, opened: RecordFile, corrections: Path | None) -> int:
    """Send the records of a file and show the result; return how many were refused.

    Raises:
        ChainsvcError: Why the one record of a file of one is refused, or why nothing can be sent now.
    """
    if opened.form == "record":
        notarize_one(sending, next(opened.items))
        return 0
    tally = Tally(keep_results=sending.output.json)
    with sending.output.progress(f"Notarizing {opened.path.name}") as told:
        for item, outcome in _outcomes(sending.client, opened.items):
            tally.take(item, outcome)
            if isinstance(outcome, Accepted) and isinstance(item.record, Record):
                sending.receipts.keep(item.record.ledger, outcome)
            if tally.done % _TOLD_EACH == 0:
                told(tally.done, opened.total)
    show_tally(sending, opened, tally, corrections)
    return len(tally.refused)


def show_tally(sending: Sending, opened: RecordFile, tally: Tally, corrections: Path | None) -> None:
    """Write the refused records back and show what became of all."""
    written = write_back(opened, [item for item, _ in tally.refused], corrections)
    sending.output.answer(_value(opened, tally, written), *_shown(opened, tally, written))


def notarize_one(sending: Sending, item: Item) -> None:
    """Notarize the one record of a file and show its receipt.

    Raises:
        ChainsvcError: Its refusal.
    """
    if isinstance(item.record, ChainsvcError):
        raise item.record
    accepted = sending.client.notarize(item.record)
    sending.receipts.keep(item.record.ledger, accepted)
    rows = [
        ("Record", accepted.id),
        ("Ledger", item.record.ledger),
        ("Reference", f"{item.record.reference}, revision {item.record.revision}"),
        ("Notarized", "again: it was there already" if accepted.again else "new"),
        ("Accepted", moment(accepted.receipt.accepted_at)),
        ("Promised by", moment(accepted.receipt.anchor_by)),
    ]
    sending.output.answer({"ledger": item.record.ledger, **accepted.to_json()}, facts(rows))


def _outcomes(client: Client, items: Iterator[Item]) -> Iterator[tuple[Item, Accepted | ChainsvcError]]:
    """Pair each record of the file with what became of it, reading no further ahead than the client does."""
    ahead: deque[Item] = deque()

    def records() -> Iterator[Record]:
        for item in items:
            ahead.append(item)
            if isinstance(item.record, Record):
                yield item.record

    def bad() -> Iterator[tuple[Item, ChainsvcError]]:
        while ahead and isinstance(refusal := ahead[0].record, ChainsvcError):
            yield ahead.popleft(), refusal

    for outcome in client.notarize_many(records()):
        yield from bad()
        yield ahead.popleft(), outcome
    yield from bad()


def _value(opened: RecordFile, tally: Tally, written: Path | None) -> dict[str, Any]:
    return {
        "file": str(opened.path),
        "sent": tally.sent,
        "again": tally.again,
        "refused": len(tally.refused),
        "queued": tally.queued,
        "ledgers": sums_value(tally.ledgers),
        "corrections": None if written is None else str(written),
        "results": tally.results,
    }


def _shown(opened: RecordFile, tally: Tally, written: Path | None) -> list[RenderableType]:
    counts: list[tuple[str, object]] = [
        ("File", opened.path),
        ("Sent", tally.sent),
        ("Again", tally.again),
        ("Refused", len(tally.refused)),
    ]
    if tally.queued:
        counts.append(("Queued", f"{tally.queued}, to be sent by: chainsvc queue drain"))
    shown: list[RenderableType] = [facts(counts), sums_table(tally.ledgers)]
    if tally.refused:
        place = "Line" if opened.form == "lines" else "Record"
        rows = [(item.number, error.where, _why(error)) for item, error in tally.refused[:SHOWN]]
        shown += [listing((place, "Where", "Reason"), rows, right=(place,)), *rest(len(tally.refused), written)]
    return shown


def _why(error: ChainsvcError) -> str:
    parts = [
        error.message,
        f"expected {error.expected}" if error.expected else "",
        f"got {error.got}" if error.got else "",
    ]
    return "; ".join(part for part in parts if part)


def sums_value(ledgers: dict[str, Sums]) -> dict[str, Any]:
    """Return sums by ledger for programs, in fen."""
    return {name: {"records": s.records, "credit": s.credit, "debit": s.debit} for name, s in sorted(ledgers.items())}


def sums_table(ledgers: dict[str, Sums]) -> RenderableType:
    """Return sums by ledger for people, in yuan."""
    rows = [(name, s.records, yuan(s.credit), yuan(s.debit)) for name, s in sorted(ledgers.items())]
    columns = ("Ledger", "Records", "Credit, yuan", "Debit, yuan")
    return listing(columns, rows, right=columns[1:])


def rest(refused: int, written: Path | None) -> list[RenderableType]:
    """Say where all refused rows are."""
    more = [Text(f"… and {refused - SHOWN} more")] if refused > SHOWN else []
    return [*more, *([Text(f"Mend the refused ones in {written} and notarize that file.")] if written else [])]
