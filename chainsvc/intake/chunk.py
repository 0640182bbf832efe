"""One chunk on its way into the journal, inside one transaction."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import Connection

from chainsvc import jcs
from chainsvc.client.answers import Accepted
from chainsvc.crypto.envelope import ChunkCipher, Envelope
from chainsvc.crypto.keys import SigningKey
from chainsvc.drafts import Draft
from chainsvc.errors import ChainsvcError, ChunkMixed, LedgerBehind, NotEntitled, Unavailable
from chainsvc.heads import Status
from chainsvc.intake.matching import Matcher, conflict
from chainsvc.journal import accepting, chunks, entries, ledgers, marks, references
from chainsvc.journal.accepting import NewEntry
from chainsvc.journal.chunks import Chunk
from chainsvc.journal.ledgers import Ledger
from chainsvc.policies import Totals, admit
from chainsvc.receipt import ChunkTree, Submission, receipt_message
from chainsvc.schemas import schema_of

Outcome: TypeAlias = Accepted | ChainsvcError
"""What one record of a chunk gets."""


@dataclass(frozen=True, slots=True)
class Promising:
    """What a chunk needs to be promised.

    Attributes:
        envelope: Encrypts records, seeds and references.
        receipt_key: Returns the key that signs receipts now.
        anchor_by: Kind and time of acceptance to the receipt's deadline.
        clock: Unix seconds.
    """

    envelope: Envelope
    receipt_key: Callable[[], SigningKey]
    anchor_by: Callable[[str, int], int]
    clock: Callable[[], float]

    def chunk(
        self,
        ledger: Ledger,
        chunk_id: int,
        commitments: Sequence[bytes],
        wrapped_key: bytes | None,
        submission: Submission | None = None,
        submitted_by: str | None = None,
    ) -> Chunk:
        """Return a chunk accepted now, with the signature that promises all of it.

        Raises:
            Unavailable: The receipt key does not sign at present.
        """
        accepted_at = int(self.clock())
        anchor_by = self.anchor_by(ledger.kind, accepted_at)
        root, n, key = ChunkTree(commitments).root, len(commitments), self.receipt_key()
        return Chunk(
            ledger_id=ledger.ledger_id,
            chunk_id=chunk_id,
            n=n,
            root=root,
            wrapped_key=wrapped_key,
            accepted_at=accepted_at,
            anchor_by=anchor_by,
            receipt_alg=key.alg,
            receipt_pubkey=key.public,
            receipt_signature=key.sign(receipt_message(ledger.ledger_id, n, root, accepted_at, anchor_by)),
            submission_alg=None if submission is None else submission.alg,
            submission_pubkey=None if submission is None else submission.pubkey,
            submission_signature=None if submission is None else submission.signature,
            submitted_by=submitted_by,
        )


class ChunkIntake:
    """Settles every draft of a chunk: accepted now, accepted before, or refused."""

    def __init__(
        self,
        conn: Connection,
        promising: Promising,
        ledger: Ledger,
        drafts: Sequence[Draft | ChainsvcError],
        bar: NotEntitled | None = None,
    ) -> None:
        """Start with the drafts that could not be made as refused; ``bar`` is what refuses everything new."""
        self._conn = conn
        self._promising = promising
        self._ledger = ledger
        self._bar = bar
        self._matcher = Matcher(conn, promising.envelope, ledger)
        self._count = len(drafts)
        self._open = {i: draft for i, draft in enumerate(drafts) if isinstance(draft, Draft)}
        self._settled: dict[int, Outcome] = {
            i: draft for i, draft in enumerate(drafts) if isinstance(draft, ChainsvcError)
        }

    def accept(self, submission: Submission | None, submitted_by: str | None) -> list[Outcome]:
        """Store what is new and right, and answer each draft in its order.

        Raises:
            EntryTaken: Another intake was first; roll back and start again.
            KekTurned: The key-encryption key was replaced; roll back, turn the envelope and start again.
            LedgerBehind: The ledger is held after a restore, and some of this may be on chain already.
            ChunkMixed: A signed chunk of which a part can't go in: the signature would cover another chunk.
        """
        sums = ledgers.hold_sums(self._conn, self._ledger.ledger_id)
        repeats = self._take_out_repeats()
        self._settle(self._matcher.find(self._open))
        if self._bar is not None:
            self._settle(dict.fromkeys(self._open, self._bar))
        known = set(self._settled)
        self._check_revisions()
        after = self._admit(Totals(sums.credit, sums.debit, sums.budget))
        if sums.behind:
            self._check_held(known)
        if submission is not None and len(self._open) < self._count and self._open:
            raise ChunkMixed([self._settled.get(index) for index in range(self._count)])
        if self._open:
            ledgers.reserve(self._conn, self._ledger.ledger_id, after.credit - sums.credit, after.debit - sums.debit)
            self._store(submission, submitted_by)
        for index, first in repeats.items():
            self._settled[index] = _again(self._settled[first])
        return [self._settled[index] for index in range(self._count)]

    def _settle(self, outcomes: dict[int, Outcome]) -> None:
        self._settled |= outcomes
        self._open = {index: draft for index, draft in self._open.items() if index not in outcomes}

    def _take_out_repeats(self) -> dict[int, int]:
        """Take out what stands twice in this chunk; return the index of each one's first."""
        firsts: dict[object, int] = {}
        repeats = {}
        for index, draft in list(self._open.items()):
            first = firsts.setdefault(draft.key or draft.commitment, index)
            if first == index:
                continue
            if _same_content(self._open[first], draft):
                repeats[index] = first
                del self._open[index]
            else:
                self._settle({index: conflict(draft)})
        return repeats

    def _check_held(self, known: Collection[int]) -> None:
        """Let in what may be a lost entry itself, by its commitment; the rest waits until the chain is caught up with.

        What would be refused waits too: its prior revision may be lost, and lost entries sent again count twice.

        Raises:
            LedgerBehind: Some of it waits, so all of it does.
        """
        for index, outcome in self._settled.items():
            if index not in known and isinstance(outcome, ChainsvcError):
                raise self._held(outcome.message)
        if any(draft.fresh for draft in self._open.values()):
            raise self._held("a record with a new seed, which may be on chain under another commitment")

    def _held(self, got: str) -> LedgerBehind:
        return LedgerBehind(
            "the ledger is held: after a restore the chain has entries that the journal lacks",
            expected="a commitment that may be one of them",
            got=got,
            where=self._ledger.name,
            hint="Send it again later. The operator brings the lost entries back, or gives them up: chainsvc restore.",
        )

    def _check_revisions(self) -> None:
        for index, draft in list(self._open.items()):
            try:
                self._matcher.check_revision(draft)
            except Unavailable:  # no word on the record, and the transaction is lost
                raise
            except ChainsvcError as error:
                self._settle({index: error})

    def _admit(self, totals: Totals) -> Totals:
        for index, draft in list(self._open.items()):
            try:
                totals = admit(self._ledger.kind, totals, draft.credit, draft.debit)
            except ChainsvcError as error:
                self._settle({index: error})
        return totals

    def _store(self, submission: Submission | None, submitted_by: str | None) -> None:
        chunk_id = chunks.next_ids(self._conn)[0]
        check = self._promising.envelope.check_value()
        cipher, wrapped = self._promising.envelope.new_chunk_key(self._ledger.ledger_id, chunk_id)
        drafts = list(self._open.values())
        rows = [self._row(cipher, place, draft) for place, draft in enumerate(drafts)]
        kept = wrapped if any(row.sealed_seed is not None for row in rows) else None
        commitments = [draft.commitment for draft in drafts]
        chunk = self._promising.chunk(self._ledger, chunk_id, commitments, kept, submission, submitted_by)
        entry_ids = accepting.accept_chunk(self._conn, chunk, rows, kek_check=None if kept is None else check)
        for entry_id, draft in zip(entry_ids, drafts, strict=True):
            self._request_marks(draft, entry_id)
        self._answer()

    def _row(self, cipher: ChunkCipher, place: int, draft: Draft) -> NewEntry:
        key = self._matcher.key(draft)
        if key is None or draft.record is None or draft.seed is None:
            return NewEntry(draft.commitment, draft.credit, draft.debit, draft.previous)
        return NewEntry(
            draft.commitment,
            draft.credit,
            draft.debit,
            draft.previous,
            reference_index=key[0],
            revision=key[1],
            sealed_seed=cipher.seal_seed(place, draft.seed),
            sealed_record=cipher.seal_record(place, draft.seed, jcs.dumps(draft.record.to_json())),
        )

    def _answer(self) -> None:
        wanted = [draft.commitment for draft in self._open.values()]
        found = entries.find_by_commitments(self._conn, self._ledger.ledger_id, wanted)
        self._settle(
            {
                index: self._matcher.accepted(draft, found[draft.commitment], again=False)
                for index, draft in self._open.items()
            }
        )

    def _request_marks(self, draft: Draft, entry_id: int) -> None:
        """What follows from an entry: its prior revision is superseded; a divorce dissolves its marriage."""
        if draft.previous is not None:
            target = entries.by_commitment(self._conn, self._ledger.ledger_id, draft.previous)
            self._request_mark(target.entry_id, Status.SUPERSEDED, entry_id)
        if draft.record is None or draft.record.revision > 0:
            return
        schema = schema_of(draft.record.schema)
        reference = schema.affected(draft.record.body)
        if schema.effect is None or reference is None:
            return
        index = self._promising.envelope.reference_index(self._ledger.ledger_id, reference)
        known = references.latest(self._conn, self._ledger.ledger_id, index)
        if known is not None and known.entry.entry_id != entry_id:
            self._request_mark(known.entry.entry_id, Status[schema.effect.status.upper()], entry_id)

    def _request_mark(self, target: int, status: Status, cause: int) -> None:
        ledger_id = self._ledger.ledger_id
        marks.request(
            self._conn,
            ledger_id,
            target,
            status,
            cause_ledger_id=ledger_id,
            cause_entry_id=cause,
            requested_at=int(self._promising.clock()),
        )


def _same_content(first: Draft, second: Draft) -> bool:
    if first.record is None or second.record is None:
        return (first.credit, first.debit, first.previous) == (second.credit, second.debit, second.previous)
    return jcs.dumps(first.record.to_json()) == jcs.dumps(second.record.to_json())


def _again(outcome: Outcome) -> Outcome:
    if isinstance(outcome, ChainsvcError):
        return outcome
    return Accepted(outcome.commitment, outcome.reference, outcome.revision, outcome.receipt, again=True)
