"""The door: a record is checked, committed to, and durable before it is answered.

One chunk is one transaction, in this order. A crash before the commit leaves nothing; the sender's repetition
after it gets the first receipt.

1. draft      check each record and commit to it                    (no database)
2. lock       the ledger's sums: what is read below can't change, and entries are numbered in this order
3. find       what is there already, by reference or by commitment
4. admit      only what can be anchored in time; the ledger's policy, entry by entry
5. store      chunk, entries, references, encrypted records, and the marks that follow from them
6. commit     then answer
"""

import time
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Engine

from chainsvc import metrics
from chainsvc.crypto.envelope import Envelope
from chainsvc.crypto.keys import SigningKey, key_id, verify_signature
from chainsvc.crypto.suites import suite_of
from chainsvc.drafts import Draft, checked, draft_of
from chainsvc.errors import (
    ChainsvcError,
    ChunkMixed,
    EntryTaken,
    KekTurned,
    LedgerClosed,
    NotEntitled,
    SignatureRefused,
)
from chainsvc.intake.chunk import ChunkIntake, Outcome, Promising
from chainsvc.journal.ledgers import Ledger
from chainsvc.receipt import ChunkTree, Submission, submission_message
from chainsvc.record import Record

__all__ = ["CheckEntitled", "Intake", "MayIssue", "Outcome", "Promising"]

MayIssue = Callable[[str, bytes, int], bool]
"""(uscc, key id, deadline) to whether that organization's key may sign what is anchored by then."""

CheckEntitled = Callable[[str, int], None]
"""(uscc, deadline); raises :class:`NotEntitled` when what that organization hands over can't be anchored by then."""

_ATTEMPTS = 4  # two intakes of the same records can meet; the later one then finds the earlier one's rows


class Intake:
    """Accepts records and commitments; thread-safe, each call has its own transaction.

    Args:
        engine: The journal.
        envelope: Encrypts records, seeds and references.
        receipt_key: Returns the key that signs receipts now.
        anchor_by: Kind and time of acceptance to the receipt's deadline, all in Unix seconds.
        may_issue: Whose key may sign submissions.
        check_entitled: Whose records may be anchored.
        clock: Unix seconds.
    """

    def __init__(
        self,
        engine: Engine,
        envelope: Envelope,
        receipt_key: Callable[[], SigningKey],
        anchor_by: Callable[[str, int], int],
        may_issue: MayIssue,
        check_entitled: CheckEntitled,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take what intake needs; only the two questions of rights may reach for the chain, and outlive it."""
        self._engine = engine
        self.promising = Promising(envelope, receipt_key, anchor_by, clock)
        self._may_issue = may_issue
        self._check_entitled = check_entitled

    def accept_records(
        self,
        ledger: Ledger,
        items: Sequence[tuple[Record, bytes | None]],
        submission: Submission | None = None,
        submitted_by: str | None = None,
    ) -> list[Outcome]:
        """Accept records; the answers stand in the order given, good and bad ones side by side.

        Args:
            ledger: Where all of them go.
            items: Records with their seeds, None where the seed is made here.
            submission: The chunk's signed submission, as the part of its first commitment.
            submitted_by: Id of the API key.

        Raises:
            LedgerClosed: The ledger takes no more.
            SignatureRefused: A signed ledger without a submission, or one that is not valid.
            ChunkMixed: A signed chunk of which a part can't go in.
        """
        suite = suite_of(ledger.suite)
        drafts = [_attempt(partial(draft_of, suite, ledger.name, record, seed)) for record, seed in items]
        return self._accept(ledger, drafts, submission, submitted_by)

    def accept_commitments(
        self,
        ledger: Ledger,
        items: Sequence[Draft],
        submission: Submission | None = None,
        submitted_by: str | None = None,
    ) -> list[Outcome]:
        """Accept commitments whose records the service never sees, as :meth:`accept_records` does."""
        drafts = [_attempt(partial(checked, draft)) for draft in items]
        return self._accept(ledger, drafts, submission, submitted_by)

    def _accept(
        self,
        ledger: Ledger,
        drafts: list[Draft | ChainsvcError],
        submission: Submission | None,
        submitted_by: str | None,
    ) -> list[Outcome]:
        if ledger.closed:
            raise LedgerClosed("the ledger takes no more entries", where=ledger.name)
        if submission is not None or ledger.signed:
            self._check_submission(ledger, drafts, submission)
        bar = self.bar(ledger)
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._store(ledger, drafts, submission, submitted_by, bar)
            except EntryTaken:
                continue
            except KekTurned as turned:
                self.promising.envelope.turn(turned.check)
        return self._store(ledger, drafts, submission, submitted_by, bar)

    def bar(self, ledger: Ledger) -> NotEntitled | None:
        """Return what bars new entries, or None; asked before the sums are locked, as a node may be slow to answer."""
        try:
            self._check_entitled(ledger.uscc, self._deadline(ledger))
        except NotEntitled as error:
            return error
        return None

    def _deadline(self, ledger: Ledger) -> int:
        return self.promising.anchor_by(ledger.kind, int(self.promising.clock()))

    def _store(
        self,
        ledger: Ledger,
        drafts: list[Draft | ChainsvcError],
        submission: Submission | None,
        submitted_by: str | None,
        bar: NotEntitled | None,
    ) -> list[Outcome]:
        with metrics.INTAKE_SECONDS.time(), self._engine.begin() as conn:
            outcomes = ChunkIntake(conn, self.promising, ledger, drafts, bar).accept(submission, submitted_by)
        _count(ledger.kind, outcomes)
        return outcomes

    def _check_submission(
        self, ledger: Ledger, drafts: Sequence[Draft | ChainsvcError], submission: Submission | None
    ) -> None:
        """A signature covers its whole chunk: a bad record in it leaves nothing that could be checked."""
        good = [draft for draft in drafts if isinstance(draft, Draft)]
        if len(good) < len(drafts):
            raise ChunkMixed([draft if isinstance(draft, ChainsvcError) else None for draft in drafts])
        if submission is None:
            hint = "Sign the chunk with the organization's submission key."
            raise SignatureRefused("a signed ledger takes signed submissions only", where="submission", hint=hint)
        root = ChunkTree([draft.commitment for draft in good]).root
        message = submission_message(ledger.ledger_id, len(good), root)
        if not verify_signature(submission.alg, submission.pubkey, message, submission.signature):
            raise SignatureRefused("the submission's signature does not verify", where="submission")
        anchor_by = self._deadline(ledger)
        if not self._may_issue(ledger.uscc, key_id(submission.alg, submission.pubkey), anchor_by):
            raise SignatureRefused(
                "the submission's key is not valid for the organization from now to the receipt's deadline",
                expected=f"a registered submission key of {ledger.uscc} that holds until {anchor_by}",
                got=submission.pubkey.hex(),
                where="submission",
            )


def _count(kind: str, outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, ChainsvcError):
            metrics.RECORDS_REFUSED.labels(outcome.code).inc()
        elif outcome.again:
            metrics.RECORDS_REPEATED.labels(kind).inc()
        else:
            metrics.RECORDS_ACCEPTED.labels(kind).inc()


def _attempt(make: Callable[[], Draft]) -> Draft | ChainsvcError:
    try:
        return make()
    except ChainsvcError as error:
        return error
