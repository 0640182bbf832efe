"""Recording: what a final block reports about our ledgers becomes final in the journal.

One way for all events, whoever caused them: our own transaction, another organization's, or one that a restored
journal has forgotten. Recording an event again changes nothing.
"""

from sqlalchemy import Connection

from chainsvc import heads, metrics
from chainsvc.chain.events import Anchored, StandingChanged
from chainsvc.errors import LedgerBehind, NetworkMismatch, NotFound
from chainsvc.journal import batches, entries, ledgers, lost, marks
from chainsvc.journal.batches import Anchor, StoredBatch
from chainsvc.journal.entries import Entry
from chainsvc.journal.marks import Mark, Word
from chainsvc.logs import get_logger

log = get_logger(__name__)


def record_anchored(conn: Connection, event: Anchored, now: float) -> None:
    """Make a batch final; one that the journal lost is kept by its facts, and holds its ledger (see ``journal.lost``).

    Raises:
        LedgerBehind: The journal sent another batch in this one's place, which the contract will refuse: look again
            when it has.
        NetworkMismatch: The chain has another batch at this place, or another head than the format gives.
    """
    check_head(event)
    batch = _in_journal(conn, event)
    if batch is None:
        lost.record(conn, _as_stored(event))
        log.error("batch_lost", ledger_id=event.ledger_id.hex(), k=event.k, entries=event.count)
        return
    facts = _facts(event)
    if batch.anchor == facts:
        return
    batches.mark_final(conn, event.ledger_id, event.k, facts)
    kind = ledgers.by_id(conn, event.ledger_id).kind
    metrics.BATCHES_FINAL.labels(kind).inc()
    metrics.RECORD_TO_FINAL_SECONDS.labels(kind).observe(
        now - batches.oldest_acceptance(conn, event.ledger_id, event.k)
    )


def record_change(conn: Connection, event: StandingChanged, now: float) -> bool:
    """Make a change of standing final: the mark that asked for it, else as one that another service made.

    Returns:
        Whether it was new; never that of a lost entry, which is told again when the entry comes back.

    Raises:
        NotFound: The journal has no such entry.
    """
    if lost.is_lost(conn, event.ledger_id, event.seq):
        return False
    entry = entries.by_seq(conn, event.ledger_id, event.seq)
    asked = marks.of_entry(conn, event.ledger_id, entry.entry_id)
    if any(mark.word is not None and mark.word.word == event.word for mark in asked):
        return False
    ours = next((mark for mark in asked if mark.state in marks.PENDING and _is_of(conn, mark, event)), None)
    if ours is None:
        _observe(conn, event, entry, now)
    else:
        marks.mark_final(conn, *ours.key, event.cause_seq, word_of(event))
    metrics.STANDING_CHANGES.labels("final").inc()
    return True


def _is_of(conn: Connection, mark: Mark, event: StandingChanged) -> bool:
    if (mark.status, mark.cause_ledger_id) != (event.status, event.cause_ledger_id):
        return False
    if mark.cause_entry_id is None:
        return mark.cause_seq == event.cause_seq
    return entries.by_id(conn, mark.cause_ledger_id, mark.cause_entry_id).seq == event.cause_seq


def _observe(conn: Connection, event: StandingChanged, entry: Entry, now: float) -> None:
    marks.observe(
        conn,
        event.ledger_id,
        entry.entry_id,
        event.status,
        cause_ledger_id=event.cause_ledger_id,
        cause_seq=event.cause_seq,
        word=word_of(event),
        seen_at=int(now),
    )


def _in_journal(conn: Connection, event: Anchored) -> StoredBatch | None:
    """Return the journal's batch that the event is about; None when the journal lost it."""
    try:
        batch = batches.get(conn, event.ledger_id, event.k)
    except NotFound:
        return None
    ours = (batch.first, batch.count, batch.root, batch.credit, batch.debit)
    theirs = (event.first, event.count, event.root, event.credit, event.debit)
    if ours == theirs:
        return batch
    if batch.state == "sealed":  # by a restored journal that did not know yet
        return None
    told = {
        "expected": f"{batch.count} entries under root {batch.root.hex()}",
        "got": f"{event.count} entries under root {event.root.hex()}",
        "where": f"ledger {event.ledger_id.hex()} batch {event.k}",
    }
    if batch.state == "submitted":
        raise LedgerBehind("the journal sent another batch than the chain has; its transaction has to end", **told)
    hint = "Does another service anchor in this ledger?"
    raise NetworkMismatch("the chain has another batch than the journal", hint=hint, **told)


def _as_stored(event: Anchored) -> StoredBatch:
    sums = (event.credit, event.debit)
    place = (event.ledger_id, event.k, event.first, event.count, event.root)
    return StoredBatch(*place, *sums, event.place.time, "final", None, _facts(event))


def _facts(event: Anchored) -> Anchor:
    place = event.place
    return Anchor(event.prev, event.head, event.actor, place.block, place.block_hash, place.time)


def check_head(event: Anchored) -> None:
    """Recompute the head of an event.

    Raises:
        NetworkMismatch: The contract computes another head than the format says.
    """
    place = event.place
    expected = heads.head(
        event.prev,
        event.ledger_id,
        event.k,
        event.first,
        event.count,
        event.root,
        event.credit,
        event.debit,
        event.actor,
        place.block,
        place.time,
    )
    if expected != event.head:
        raise NetworkMismatch(
            "the contract's head is not the one recomputed",
            expected=expected.hex(),
            got=event.head.hex(),
            where=f"ledger {event.ledger_id.hex()} batch {event.k}",
            hint="The node or its contract is not of this network; nothing was recorded as final.",
        )


def word_of(event: StandingChanged) -> Word:
    """Return the journal's facts of a change of standing."""
    place = event.place
    return Word(event.prev, event.word, event.actor, place.block, place.block_hash, place.time, place.index)
