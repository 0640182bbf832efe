"""Sending exports of business systems through their adapters."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from chainsvc.cli.output import facts, listing, yuan
from chainsvc.cli.queued_sending import drain
from chainsvc.cli.sending import SHOWN, Sending, rest, sums_table, sums_value
from chainsvc.client import Accepted
from chainsvc.errors import ChainsvcError, Forbidden, LedgerClosed, Unavailable
from chainsvc.files import whole
from chainsvc.record import Record
from chainsvc_adapters.corrections import corrections_path, write_corrections
from chainsvc_adapters.drafts import Ledgers
from chainsvc_adapters.export import Export
from chainsvc_adapters.queueing import QueuedExport
from chainsvc_adapters.registry import open_export
from chainsvc_adapters.send import Summary, send
from chainsvc_adapters.totals import TotalCheck, check_total


@dataclass(frozen=True, slots=True)
class _Notary:
    """The service as the adapters see it; a ledger that this key can't write to ends the sending."""

    sending: Sending

    def notarize(self, records: Sequence[Record]) -> Sequence[Accepted | ChainsvcError]:
        """Hand a chunk of one ledger over.

        Raises:
            Forbidden: The key is another organization's: no row of the file is to blame.
            LedgerClosed: The same of a ledger that takes no more.
        """
        outcomes = list(self.sending.client.notarize_many(records))
        if outcomes and isinstance(outcomes[0], Forbidden | LedgerClosed):
            raise outcomes[0]
        for record, outcome in zip(records, outcomes, strict=True):
            if isinstance(outcome, Accepted):
                self.sending.receipts.keep(record.ledger, outcome)
        return outcomes


def notarize_export(sending: Sending, file: Path, ledgers: Ledgers, corrections: Path | None) -> int:
    """Send the rows of an export and show the result; return how many rows were refused.

    Raises:
        FileRefused: No adapter knows the file.
        NotFound: A ledger is not open; nothing was sent.
        Forbidden: A ledger is another organization's; what was sent before is safe.
        LedgerClosed: A ledger takes no more; the same.
        Unavailable: The service is away; what was sent is safe, send the file again.
    """
    for name in sorted(set(ledgers.names.values())):
        sending.client.ledger(name)
    with sending.output.working(f"Reading {file.name} …"):
        export = open_export(file, ledgers)
    with sending.output.progress(f"Notarizing {file.name}") as told:
        summary = send(export, _Notary(sending), progress=told)
    return _show(sending, file, export, summary, corrections)


def queue_export(sending: Sending, file: Path, ledgers: Ledgers, corrections: Path | None) -> int:
    """Send the rows of an export over the queue and show the result; return how many rows were refused.

    Raises:
        FileRefused: No adapter knows the file.
        NotFound: A ledger is not open, as far as the service can be asked; nothing was queued.
        QueueFull: The queue takes no more; what is in it stays so.
        ChainsvcError: A ledger can't be written to with this key; its records wait in the queue.
    """
    with suppress(Unavailable):  # it is seen later whether they are open
        for name in sorted(set(ledgers.names.values())):
            sending.client.ledger(name)
    with sending.output.working(f"Queueing {file.name} …"):
        export = open_export(file, ledgers)
        queued = QueuedExport(export, sending.client.queue)
        queued.add()
    drain(sending)
    for record, accepted in queued.settled():
        sending.receipts.keep(record.ledger, accepted)
    refused = _show(sending, file, export, queued.summary, corrections)
    sending.receipts.flush()
    queued.forget()
    return refused


def _show(sending: Sending, file: Path, export: Export, summary: Summary, corrections: Path | None) -> int:
    written = corrections or corrections_path(file)
    with whole(written) as beside:
        refused = write_corrections(export, summary.refused, beside)
    shown_path = written if refused else None
    total = check_total(export)
    sending.output.answer(
        _value(file, export, summary, total, shown_path), *_shown(file, export, summary, total, shown_path)
    )
    return refused


def _value(
    file: Path, export: Export, summary: Summary, total: TotalCheck | None, written: Path | None
) -> dict[str, Any]:
    return {
        "file": str(file),
        "adapter": export.adapter.name,
        "rows": len(export.table.rows),
        "sent": summary.sent,
        "again": summary.again,
        "refused": [refusal._asdict() for refusal in summary.refused],
        "held": summary.held,
        "queued": summary.queued,
        "ledgers": sums_value(summary.ledgers),
        "total": None if total is None else {**total._asdict(), "difference": total.difference},
        "corrections": None if written is None else str(written),
    }


def _shown(
    file: Path, export: Export, summary: Summary, total: TotalCheck | None, written: Path | None
) -> list[RenderableType]:
    rows = len({refusal.row for refusal in summary.refused})
    counts: list[tuple[str, object]] = [
        ("File", f"{file}, {export.adapter.title}, {len(export.table.rows)} rows"),
        ("Sent", f"{summary.sent} records"),
        ("Again", f"{summary.again} records"),
        ("Refused", f"{rows} rows"),
    ]
    if summary.held:
        counts.append(("Held", f"{len(summary.held)} records of refused rows"))
    if summary.queued:
        counts.append(("Queued", f"{summary.queued} records, to be sent by: chainsvc queue drain"))
    if total is not None:
        counts.append(("Total row", _total(total)))
    shown: list[RenderableType] = [facts(counts), sums_table(summary.ledgers)]
    if summary.refused:
        reasons = [(refusal.row, refusal.column, refusal.reason) for refusal in summary.refused[:SHOWN]]
        shown += [listing(("Row", "Column", "Reason"), reasons, right=("Row",)), *rest(len(summary.refused), written)]
    return shown


def _total(total: TotalCheck) -> Text:
    if total.stated is None:
        return Text(f"none; the rows add up to {yuan(total.summed)} yuan")
    if not total.difference:
        return Text(f"{yuan(total.stated)} yuan, as the rows add up", "green")
    more = f", {len(total.unread)} amounts unreadable" if total.unread else ""
    return Text(f"{yuan(total.stated)} yuan, but the rows add up to {yuan(total.summed)} yuan{more}", "yellow")
