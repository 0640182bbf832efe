"""Recording: what a final block reports about our ledgers becomes final in the journal.

One way for all events, whoever caused them: our own transaction, another organization's, or one that a restored
journal has forgotten. Recording an event again changes nothing.
"""

from sqlalchemy import Connection

from chainsvc import heads, metrics
from chainsvc.chain.events import Anchored, StandingChanged
from chainsvc.errors import NetworkMismatch
from chainsvc.journal import batches, entries, ledgers, marks
from chainsvc.journal.batches import Anchor, StoredBatch
from chainsvc.journal.entries import Entry
from chainsvc.journal.marks import Mark, Word


def record_anchored(conn: Connection, event: Anchored, now: float) -> None:
    """Make a batch final.

    Raises:
        NotFound: The journal has no such batch: the chain knows more than it.
        NetworkMismatch: The chain has another batch at this place, or another head than the format gives.
    """
    batch = batches.get(conn, event.ledger_id, event.k)
    _check_same(batch, event)
    check_head(event)
    place = event.place
    facts = Anchor(event.prev, event.head, event.actor, place.block, place.block_hash, place.time)
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
        Whether it was new.

    Raises:
        NotFound: The journal has no such entry: the chain knows more than it.
    """
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


def _check_same(batch: StoredBatch, event: Anchored) -> None:
    ours = (batch.first, batch.count, batch.root, batch.credit, batch.debit)
    theirs = (event.first, event.count, event.root, event.credit, event.debit)
    if ours != theirs:
        raise NetworkMismatch(
            "the chain has another batch than the journal",
            expected=f"{batch.count} entries under root {batch.root.hex()}",
            got=f"{event.count} entries under root {event.root.hex()}",
            where=f"ledger {event.ledger_id.hex()} batch {event.k}",
            hint="Another service anchors in this ledger, or the journal was restored from an older state.",
        )


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
