"""Has the ledger this already? Content is compared by recomputing commitments, so no content hash is stored."""

from collections.abc import Mapping

from sqlalchemy import Connection

from chainsvc.client.answers import Accepted
from chainsvc.crypto.envelope import Envelope
from chainsvc.crypto.suites import suite_of
from chainsvc.drafts import Draft, check_revision
from chainsvc.errors import ChainsvcError, Conflict, Problem, RecordRefused, ReferenceConflict
from chainsvc.heads import Status
from chainsvc.journal import entries, marks, payloads, references
from chainsvc.journal.entries import Entry
from chainsvc.journal.ledgers import Ledger
from chainsvc.journal.references import Known, ReferenceKey
from chainsvc.promises import Promises
from chainsvc.shape import commit_record
from chainsvc.stored import Opener


class Matcher:
    """Looks drafts up in their ledger, inside one transaction."""

    def __init__(self, conn: Connection, envelope: Envelope, ledger: Ledger) -> None:
        """Look through this connection."""
        self._conn = conn
        self._envelope = envelope
        self._opener = Opener(envelope)
        self._ledger = ledger
        self._promises = Promises(conn)
        self._revised: set[bytes] = set()

    def key(self, draft: Draft) -> ReferenceKey | None:
        """Return the keyed reference and revision; None in private mode."""
        if draft.record is None:
            return None
        return self._envelope.reference_index(self._ledger.ledger_id, draft.record.reference), draft.record.revision

    def find(self, drafts: Mapping[int, Draft]) -> dict[int, Accepted | ChainsvcError]:
        """Return, by index, the first receipt of what is there already, or the conflict with it."""
        return self._by_reference(drafts) | self._by_commitment(drafts)

    def _by_reference(self, drafts: Mapping[int, Draft]) -> dict[int, Accepted | ChainsvcError]:
        indices = {key: index for index, draft in drafts.items() if (key := self.key(draft)) is not None}
        found = references.find_existing(self._conn, self._ledger.ledger_id, list(indices)) if indices else {}
        return {indices[key]: self._compare(drafts[indices[key]], known) for key, known in found.items()}

    def _by_commitment(self, drafts: Mapping[int, Draft]) -> dict[int, Accepted | ChainsvcError]:
        indices = {draft.commitment: index for index, draft in drafts.items()}
        found = entries.find_by_commitments(self._conn, self._ledger.ledger_id, list(indices))
        return {indices[c]: self._compare_sums(drafts[indices[c]], entry) for c, entry in found.items()}

    def _compare(self, draft: Draft, known: Known) -> Accepted | ChainsvcError:
        seed = self._opener.seed(self._ledger.ledger_id, known)
        same = draft.record is not None and seed is not None
        if not same or self._commitment(draft, seed) != known.entry.commitment:
            return conflict(draft)
        return self.accepted(draft, known.entry, again=True)

    def _commitment(self, draft: Draft, seed: bytes | None) -> bytes | None:
        if draft.record is None or seed is None:
            return None
        return commit_record(suite_of(self._ledger.suite), draft.record, seed)

    def _compare_sums(self, draft: Draft, entry: Entry) -> Accepted | ChainsvcError:
        if (draft.credit, draft.debit, draft.previous) != (entry.credit, entry.debit, entry.previous):
            return conflict(draft)
        return self.accepted(draft, entry, again=True)

    def accepted(self, draft: Draft, entry: Entry, *, again: bool) -> Accepted:
        """Return the answer for an entry that is in the journal."""
        reference, revision = draft.key or (None, None)
        return Accepted(entry.commitment, reference, revision, self._promises.receipt(entry), again)

    def check_revision(self, draft: Draft) -> None:
        """Refuse a later revision that does not follow the one before, which must be in the journal and the newest.

        Raises:
            RecordRefused: No such prior revision, or its net change is wrong.
            Conflict: Another revision follows it already.
        """
        if draft.previous is None:
            return
        found = entries.find_by_commitments(self._conn, self._ledger.ledger_id, [draft.previous])
        if draft.previous not in found:
            raise _not_prior("no such entry in this ledger", draft.previous)
        self._check_reference(draft, found[draft.previous])
        self._check_newest(found[draft.previous])
        self._revised.add(draft.previous)

    def _check_reference(self, draft: Draft, prior: Entry) -> None:
        key = self.key(draft)
        if draft.record is None or key is None:
            return
        before = references.by_reference(self._conn, self._ledger.ledger_id, key[0], key[1] - 1)
        if before is None and self._is_erased(prior):  # its reference is gone, and all to compare with
            return
        if before is None or before.entry.commitment != prior.commitment:
            raise _not_prior("not the prior revision of this reference", prior.commitment)
        opened = self._opener.record(self._conn, before.entry)
        check_revision(draft.record, None if opened is None else opened[0])

    def _check_newest(self, prior: Entry) -> None:
        """Two revisions of one entry would both count, as only one of them can supersede it."""
        if prior.commitment in self._revised or self._is_superseded(prior):
            raise Conflict(
                "another revision follows this entry already",
                expected="the commitment of the newest revision",
                got=prior.commitment.hex(),
                where="/previous",
                hint="Revise the newest revision; this one counts again only when a regulator has reversed that.",
            )

    def _is_superseded(self, entry: Entry) -> bool:
        """Superseded or about to be, and not made current again since."""
        changes = marks.of_entry(self._conn, entry.ledger_id, entry.entry_id)
        states = {mark.state for mark in changes if mark.status == Status.SUPERSEDED}
        if states.isdisjoint({*marks.PENDING, "final"}):
            return False
        history = marks.history(self._conn, entry.ledger_id, entry.entry_id)
        return not (states.isdisjoint(marks.PENDING) and history[-1].status == Status.CURRENT)

    def _is_erased(self, entry: Entry) -> bool:
        return payloads.erasure_of(self._conn, entry.ledger_id, entry.entry_id) is not None


def conflict(draft: Draft) -> ReferenceConflict:
    """Return the refusal of other content under a known reference or commitment."""
    return ReferenceConflict(
        "this reference was notarized with other content",
        where="/reference",
        expected="the same content, or the next revision",
        got=None if draft.record is None else f"revision {draft.record.revision}",
        hint="Send a correction as the next revision, with previous set.",
    )


def _not_prior(message: str, previous: bytes) -> RecordRefused:
    expected = "the commitment of the prior revision"
    return RecordRefused("the revision is refused", (Problem("/previous", message, expected, previous.hex()),))
