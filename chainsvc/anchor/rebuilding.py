"""Rebuilding: entries that came back take the places that the chain gave them.

The chain names a lost batch's root and sums, but none of its entries. Those that were sent again wait in the journal,
in the order in which they came, maybe with new ones among them; a set of them is the batch's when it gives its root.
Which sets to try: runs of the right length and the right sums in the order of arrival, since whoever sends again does
so in the old order, and a batch was sealed in the order of arrival too.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from sqlalchemy import Connection

from chainsvc.batch import Member, build_batch
from chainsvc.crypto.suites import suite_of
from chainsvc.journal import batches, lost, sealing
from chainsvc.journal.batches import StoredBatch
from chainsvc.journal.ledgers import Ledger
from chainsvc.journal.lost import Placed

MOST_TRIES = 64
"""Trees computed for one batch: a second or two in all."""

MOST_WAITING = 1_000_000
"""Entries that are looked at."""


def rebuild(conn: Connection, ledger: Ledger) -> int:
    """Bring entries that wait in the journal into the lost batches they belong to; return how many.

    The transaction holds the ledger's sealing.
    """
    waiting = list(sealing.unsealed(conn, ledger.ledger_id, MOST_WAITING).members)
    placed = 0
    for batch in lost.of_ledger(conn, ledger.ledger_id):
        found = find(ledger, batch, batches.members(conn, ledger.ledger_id, batch.k), waiting)
        if found:
            lost.place(conn, batch, found)
            used = {one.member.entry_id for one in found}
            waiting = [member for member in waiting if member.entry_id not in used]
            placed += len(found)
    return placed


def find(
    ledger: Ledger, batch: StoredBatch, known: Sequence[Member], candidates: Sequence[Member]
) -> tuple[Placed, ...]:
    """Return the candidates that complete a batch, with their seqs; nothing when no run of them gives its root.

    Args:
        ledger: Of the batch.
        batch: With lost entries.
        known: Those of its entries that are not lost.
        candidates: In the order of arrival.
    """
    kept = {member.commitment for member in known}
    for chosen in islice(_runs(batch, known, candidates), MOST_TRIES):
        built = build_batch(suite_of(ledger.suite), ledger.ledger_id, batch.first, [*known, *chosen])
        if built.root == (batch.root, batch.credit, batch.debit):
            placed = (Placed(seq, member) for seq, member in enumerate(built.members, batch.first))
            return tuple(one for one in placed if one.member.commitment not in kept)
    return ()


def _runs(batch: StoredBatch, known: Sequence[Member], candidates: Sequence[Member]) -> Iterator[Sequence[Member]]:
    """Give every run of candidates that has the length and the sums of what is lost; a sliding sum finds them."""
    credit = batch.credit - sum(member.credit for member in known)
    debit = batch.debit - sum(member.debit for member in known)
    for end, last in enumerate(candidates, 1):
        credit, debit = credit - last.credit, debit - last.debit
        if end > batch.lost:
            gone = candidates[end - batch.lost - 1]
            credit, debit = credit + gone.credit, debit + gone.debit
        if end >= batch.lost and not credit and not debit:
            yield candidates[end - batch.lost : end]
