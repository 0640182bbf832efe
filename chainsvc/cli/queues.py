"""``chainsvc queue``: what waits for the service, and what became of it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from chainsvc.cli.arguments import QueueKey, SigningKeyFile, Store
from chainsvc.cli.connection import connected
from chainsvc.cli.output import facts, listing, moment, output_of
from chainsvc.cli.receipts import ReceiptFile
from chainsvc.cli.refusals import UsageRefused
from chainsvc.client import Accepted, DeadLetter, Queue
from chainsvc.client.problems import problem_of
from chainsvc.client.queue.background import first_stop
from chainsvc.settings import load_settings

SHOWN = 20
"""Dead letters that ``status`` shows."""

SOME_REFUSED = 3
"""Exit status when records were refused."""

File = Annotated[Path, typer.Argument(metavar="QUEUE", help="The queue's file.", exists=True, dir_okay=False)]
Ids = Annotated[list[int] | None, typer.Argument(metavar="ID", help="Ids in the queue.")]


@contextmanager
def _opened(file: Path, key: Path | None) -> Iterator[Queue]:
    with closing(Queue(file, key_file=key)) as queue:
        yield queue


def status(context: typer.Context, file: File, queue_key: QueueKey = None) -> None:
    """Show how much waits, and what was refused.

    A refused record keeps nobody waiting but later revisions of itself and what was queued behind it.
    """
    output = output_of(context)
    with _opened(file, queue_key) as queue:
        pending, letters = queue.pending(), list(islice(queue.refused(), None if output.json else SHOWN))
    rows = [
        ("Waiting", pending.waiting),
        ("Refused", pending.refused),
        ("Accepted, outcome not fetched", pending.accepted),
        ("Bytes of records", pending.size),
    ]
    value = {**pending._asdict(), "letters": [_letter(letter) for letter in letters]}
    shown = [listing(("Id", "Ledger", "Reference", "Reason"), map(_row, letters), right=("Id",))] if letters else []
    output.answer(value, facts(rows), *shown)


def drain(
    context: typer.Context,
    file: File,
    queue_key: QueueKey = None,
    signing_key: SigningKeyFile = None,
    store: Store = None,
) -> None:
    """Send what waits, in order.

    Each record goes in exactly once, also when a drain before was killed. Exit status 3 when some were refused: see
    ``chainsvc queue status``.
    """
    output = output_of(context)
    client = connected(output, load_settings(), store=store, signing_key=signing_key, queue=file, queue_key=queue_key)
    with client as opened, output.progress("Draining the queue") as told:
        drained = opened.drain(lambda done, total: told(done, total or done))
    counts = {name: getattr(drained, name) for name in ("accepted", "known", "refused", "left")}
    output.answer(counts, facts([(name.capitalize(), count) for name, count in counts.items()]))
    if (stop := first_stop(drained)) is not None:
        raise stop
    raise typer.Exit(SOME_REFUSED if drained.refused else 0)


def outcomes(
    context: typer.Context,
    file: File,
    queue_key: QueueKey = None,
    receipts: Annotated[
        Path | None, typer.Option("--receipts", metavar="FILE", help="Append receipts here, one JSON object a line.")
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Delete the receipts from the queue afterwards.")] = False,
) -> None:
    """List receipts and refusals of what was sent.

    Receipts stay in the queue until they are forgotten; the service has them too.
    """
    output = output_of(context)
    told: list[dict[str, Any]] = []
    with _opened(file, queue_key) as queue:
        with ReceiptFile.open(receipts) as kept:
            for place, ledger, outcome in queue.outcomes():
                if isinstance(outcome, Accepted):
                    kept.keep(ledger, outcome)
                    told.append({"queue_id": place, "ledger": ledger, **outcome.to_json()})
                else:
                    told.append({"queue_id": place, "ledger": ledger, "problem": problem_of(outcome)})
        if forget:
            queue.forget([one["queue_id"] for one in told])
    columns = ("Id", "Ledger", "Reference", "Record", "Promised by")
    output.answer({"outcomes": told}, listing(columns, map(_outcome, told), right=("Id",)))


def retry(context: typer.Context, file: File, ids: Ids = None, queue_key: QueueKey = None) -> None:
    """Let refused records wait again.

    In their old places, all of them when none is named; mend first what they were refused for. A record whose content
    was wrong is mended by queueing the right one.
    """
    output = output_of(context)
    with _opened(file, queue_key) as queue:
        retried = queue.retry(ids or None)
    output.answer({"retried": retried}, facts([("Waiting again", retried)]))


def drop(context: typer.Context, file: File, ids: Ids = None, queue_key: QueueKey = None) -> None:
    """Delete records from the queue for good.

    One that waits is then not notarized, and neither is what was queued behind it.
    """
    if not ids:
        raise UsageRefused("which records shall go?", expected="one or more ids", hint="See chainsvc queue status.")
    output = output_of(context)
    with _opened(file, queue_key) as queue:
        dropped = queue.drop(ids)
    output.answer({"dropped": dropped}, facts([("Deleted", dropped)]))


def _letter(letter: DeadLetter) -> dict[str, Any]:
    record = letter.record
    named = {"ledger": record.ledger, "reference": record.reference, "revision": record.revision}
    return {"queue_id": letter.id, **named, "problem": problem_of(letter.problem)}


def _row(letter: DeadLetter) -> tuple[object, ...]:
    return letter.id, letter.record.ledger, letter.record.reference, str(letter.problem)


def _outcome(told: dict[str, Any]) -> tuple[object, ...]:
    if "problem" in told:
        return told["queue_id"], told["ledger"], None, told["problem"]["detail"], None
    return told["queue_id"], told["ledger"], told["reference"], told["id"], moment(told["receipt"]["anchorBy"])
