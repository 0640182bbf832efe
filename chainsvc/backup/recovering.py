"""Recovering: entries that the chain has and the journal lost come back from files.

What comes back is the entry: commitment, amounts and place, so that ledger, sums and evidence of the others are whole
again, and its reference where a file tells it, so that the same record sent again is refused instead of counted
twice. Its content does not come back, since nobody but the holder of its seed could prove it: whoever has evidence or
an export of it keeps that.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from chainsvc.anchor.rebuilding import find
from chainsvc.anchor.recording import record_change
from chainsvc.backup.sources import Found, Told
from chainsvc.batch import Member
from chainsvc.chain.events import StandingChanged
from chainsvc.chain.ledgers import LedgerContract
from chainsvc.crypto.envelope import Envelope
from chainsvc.crypto.keys import SigningKey
from chainsvc.errors import Conflict, MalformedInput
from chainsvc.journal import accepting, batches, chunks, entries, ledgers, lost, references, sealing
from chainsvc.journal.accepting import NewEntry
from chainsvc.journal.batches import StoredBatch
from chainsvc.journal.chunks import Chunk
from chainsvc.journal.ledgers import Ledger
from chainsvc.journal.lost import Placed
from chainsvc.receipt import ChunkTree, receipt_message
from chainsvc.sumtree import Node, fold, leaf

_PROMISE_S = 3_600  # of receipts for what is on chain already


@dataclass
class Recovery:
    """What came back.

    Attributes:
        came_back: Entries.
        doubled: References of them that the journal has in another entry too: sent again meanwhile, counted twice.
        left: Batches that still have lost entries.
    """

    came_back: int = 0
    doubled: list[str] = field(default_factory=list)
    left: tuple[StoredBatch, ...] = ()


class Recoverer:
    """Brings lost entries of one ledger back, inside one transaction that keeps its sealing."""

    def __init__(self, conn: Connection, envelope: Envelope, receipt_key: SigningKey, ledger: Ledger) -> None:
        """Recover into this journal; the receipt key signs for the chunks that are made up for what comes back.

        Raises:
            Conflict: A worker seals the ledger at this moment.
        """
        self._conn = conn
        self._envelope = envelope
        self._key = receipt_key
        self._ledger = ledger
        self._recovery = Recovery()
        if not sealing.try_lock(conn, ledger.ledger_id):
            raise Conflict("a worker is at the ledger", where=ledger.name, hint="Try again in a moment.")

    def recover(self, told: Sequence[Told]) -> Recovery:
        """Look through what files tell, and bring back what the chain's roots prove."""
        for run in sorted((run for one in told for run in one.runs), key=len):
            self._from_run(run)
        self._from_evidence([found for one in told for found in one.proven])
        self._recovery.left = lost.of_ledger(self._conn, self._ledger.ledger_id)
        return self._recovery

    def _from_run(self, run: Sequence[Found]) -> None:
        """Find batches in a run; what the journal has without a seq (sent again) takes its own place in it."""
        there = entries.find_by_commitments(self._conn, self._ledger.ledger_id, [found.commitment for found in run])
        members, told = [], {}
        for number, found in enumerate(run, 1):
            entry = there.get(found.commitment)
            if entry is None or entry.seq is None:
                member = Member(-number if entry is None else entry.entry_id, *_figures(found))
                members.append(member)
                told[member.entry_id] = found
        for batch in lost.of_ledger(self._conn, self._ledger.ledger_id):
            known = batches.members(self._conn, self._ledger.ledger_id, batch.k)
            placed = find(self._ledger, batch, known, members)
            if placed:
                self._place(batch, placed, told)
                used = {one.member.entry_id for one in placed}
                members = [member for member in members if member.entry_id not in used]

    def _from_evidence(self, proven: Iterable[Found]) -> None:
        by_batch: dict[int, dict[int, Found]] = {}
        for found in proven:
            if found.evidence is not None:
                by_batch.setdefault(found.evidence.batch.index, {})[found.evidence.seq] = found
        for batch in lost.of_ledger(self._conn, self._ledger.ledger_id):
            self._prove(batch, by_batch.get(batch.k, {}))

    def _prove(self, batch: StoredBatch, by_seq: dict[int, Found]) -> None:
        commitments = [found.commitment for found in by_seq.values()]
        there = entries.find_by_commitments(self._conn, self._ledger.ledger_id, commitments)
        placed, told = [], {}
        for seq, found in by_seq.items():
            entry = there.get(found.commitment)
            if proves(batch, found) and (entry is None or entry.seq is None):
                number = -1 - seq if entry is None else entry.entry_id
                placed.append(Placed(seq, Member(number, *_figures(found))))
                told[number] = found
        if placed:
            self._place(batch, placed, told)

    def _place(self, batch: StoredBatch, placed: Sequence[Placed], told: dict[int, Found]) -> None:
        missing = [one.member for one in placed if one.member.entry_id < 0]
        numbers = self._store(batch, [(member, told[member.entry_id]) for member in missing]) if missing else {}
        final = [
            Placed(seq, Member(numbers.get(member.entry_id, member.entry_id), *_sums(member))) for seq, member in placed
        ]
        lost.place(self._conn, batch, final)
        self._recovery.came_back += len(final)

    def _store(self, batch: StoredBatch, found: Sequence[tuple[Member, Found]]) -> dict[int, int]:
        """Store entries in a chunk of their own; return the journal's numbers of them."""
        conn, ledger_id = self._conn, self._ledger.ledger_id
        credit, debit = sum(member.credit for member, _ in found), sum(member.debit for member, _ in found)
        ledgers.reserve(conn, ledger_id, credit, debit)
        rows = [self._row(one) for _, one in found]
        numbers = accepting.accept_chunk(conn, self._chunk(batch, rows), rows, late=True)
        return {member.entry_id: number for (member, _), number in zip(found, numbers, strict=True)}

    def _row(self, found: Found) -> NewEntry:
        row = NewEntry(found.commitment, found.credit, found.debit, found.previous)
        if found.reference is None:
            return row
        index = self._envelope.reference_index(self._ledger.ledger_id, found.reference)
        key = (index, found.revision)
        if references.find_existing(self._conn, self._ledger.ledger_id, [key]):
            self._recovery.doubled.append(found.reference)
            return row
        return NewEntry(found.commitment, found.credit, found.debit, found.previous, *key)

    def _chunk(self, batch: StoredBatch, rows: Sequence[NewEntry]) -> Chunk:
        """Promise what is kept already: accepted no later than anchored."""
        assert batch.anchor is not None  # lost batches are the chain's
        n, root = len(rows), ChunkTree([row.commitment for row in rows]).root
        accepted_at, anchor_by = batch.anchor.time, batch.anchor.time + _PROMISE_S
        (chunk_id,) = chunks.next_ids(self._conn)
        return Chunk(
            self._ledger.ledger_id,
            chunk_id,
            n,
            root,
            wrapped_key=None,
            accepted_at=accepted_at,
            anchor_by=anchor_by,
            receipt_alg=self._key.alg,
            receipt_pubkey=self._key.public,
            receipt_signature=self._key.sign(receipt_message(self._ledger.ledger_id, n, root, accepted_at, anchor_by)),
        )


def proves(batch: StoredBatch, found: Found) -> bool:
    """Whether an evidence's leaf and path give the root and sums that the chain holds of a batch."""
    evidence = found.evidence
    if evidence is None or not batch.first <= evidence.seq < batch.first + batch.count:
        return False
    bottom = leaf(evidence.suite, batch.ledger_id, evidence.seq, *_figures(found))
    try:
        root = fold(evidence.suite, bottom, evidence.seq - batch.first, batch.count, evidence.path)
    except MalformedInput:
        return False
    return root == Node(batch.root, batch.credit, batch.debit)


def changes_again(conn: Connection, contract: LedgerContract, ledger: Ledger, last_block: int, now: float) -> int:
    """Take in what the chain says of the standing of entries that came back; return how many changes were new."""
    events: Iterator[object] = contract.events(
        ledger.opened_block, last_block, name="StandingChanged", ledger_id=ledger.ledger_id
    )
    return sum(record_change(conn, event, now) for event in events if isinstance(event, StandingChanged))


def _figures(found: Found) -> tuple[bytes, int, int]:
    return found.commitment, found.credit, found.debit


def _sums(member: Member) -> tuple[bytes, int, int]:
    return member.commitment, member.credit, member.debit
