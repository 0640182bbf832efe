"""The cause of a change of standing, as a record of its own."""

import datetime as dt

from chainsvc.client import Client, RecordStatus
from chainsvc.errors import NotFound, NotReady
from chainsvc.heads import Status
from chainsvc.record import Record

SCHEMA = "status.cause.v1"


def notarize_cause(client: Client, target: RecordStatus, status: Status, reason: str, ledger: str | None) -> str:
    """Notarize why a record's standing changes, and return the id of that entry.

    Its reference counts the target's changes, so that repeating the command after a crash finds the cause that is
    there instead of making a second one.

    Args:
        client: The service.
        target: The record whose standing changes.
        status: Its new standing.
        reason: In words; 1 to 1,000 characters.
        ledger: Ledger of the cause, by default the target's own; a regulator names its ledger of decisions.

    Raises:
        NotReady: The target has no place in its ledger yet.
        ChainsvcError: What refuses the cause.
    """
    if target.seq is None:
        raise NotReady("the record has no place in its ledger yet", got=target.state, hint="Try again in a moment.")
    into = ledger or target.ledger
    count = len(client.standing(target.id).changes)
    reference = f"STANDING-{target.id[:16]}-{count}-{status.label}"
    try:
        return client.find(into, reference).id
    except NotFound:
        pass
    body = {
        "target": {"ledger": target.ledger, "seq": target.seq, "commitment": target.id},
        "status": status.label,
        "reason": reason,
    }
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return client.notarize(Record(SCHEMA, into, reference, 0, None, 0, 0, now, body)).id
