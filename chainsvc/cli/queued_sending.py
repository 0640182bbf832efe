"""Sending over the local queue: everything is durable there first, then it is drained as far as the service answers."""

from array import array
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from chainsvc.cli.output import facts
from chainsvc.cli.record_files import Item, RecordFile, open_records
from chainsvc.cli.sending import Sending, Tally, notarize_one, show_tally
from chainsvc.client import Accepted
from chainsvc.client.queue.background import first_stop
from chainsvc.errors import ChainsvcError, QueueBusy, RecordQueued, Unavailable
from chainsvc.record import Record

_AT_ONCE = 1000
_NOT_QUEUED = 0  # ids begin at 1


def queue_records(sending: Sending, opened: RecordFile, ledger: str | None, corrections: Path | None) -> int:
    """Send the records of a file over the queue and show the result; return how many were refused.

    Raises:
        ChainsvcError: Why the one record of a file of one is refused, or why nothing can be sent now; what was queued
            stays so.
        QueueFull: The queue takes no more; what is in it stays so.
    """
    if opened.form == "record":
        _one(sending, next(opened.items))
        return 0
    errors: dict[int, ChainsvcError] = {}
    with sending.output.working(f"Queueing {opened.path.name} …"):
        ids = array("q", _added(sending, opened.items, errors))
    drain(sending)
    tally, settled = Tally(keep_results=sending.output.json), []
    for item, place in zip(open_records(opened.path, ledger).items, ids, strict=True):
        outcome = errors[item.number] if place == _NOT_QUEUED else sending.client.queue.outcome(place)
        if outcome is None:
            tally.wait(item, place)
            continue
        tally.take(item, outcome)
        settled.append(place)
        if isinstance(outcome, Accepted) and isinstance(item.record, Record):
            sending.receipts.keep(item.record.ledger, outcome)
    show_tally(sending, opened, tally, corrections)
    sending.receipts.flush()
    sending.client.queue.drop(settled)  # told above, and kept there as far as that was asked for
    return len(tally.refused)


def _one(sending: Sending, item: Item) -> None:
    try:
        notarize_one(sending, item)
    except RecordQueued as queued:
        rows = [("Queued as", queued.queue_id), ("Queue", sending.client.queue.path)]
        sending.output.answer({"queued": 1, "queue_id": queued.queue_id}, facts(rows))


def _added(sending: Sending, items: Iterator[Item], errors: dict[int, ChainsvcError]) -> Iterator[int]:
    while part := list(islice(items, _AT_ONCE)):
        good = [item.record for item in part if isinstance(item.record, Record)]
        added = iter(sending.client.queue.add(good))
        for item in part:
            result = item.record if isinstance(item.record, ChainsvcError) else next(added)
            if isinstance(result, ChainsvcError):
                errors[item.number] = result
                yield _NOT_QUEUED
            else:
                yield result.id


def drain(sending: Sending) -> None:
    """Drain the queue as far as the service answers, and say where it ends.

    Raises:
        ChainsvcError: A ledger can't be written to with this key; its records wait.
    """
    try:
        with sending.output.progress("Draining the queue") as told:
            drained = sending.client.drain(lambda done, total: told(done, total or done))
    except (Unavailable, QueueBusy) as error:
        sending.output.remark(f"Not everything could be sent: {error.message}. The rest waits in the queue.")
        return
    if (stop := first_stop(drained)) is not None:
        raise stop
