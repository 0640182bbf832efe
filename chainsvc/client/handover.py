"""Handing records over in one of four ways, and checking what comes back.

============  =====================  ==============================================
ledger        client                 what is sent
============  =====================  ==============================================
any           custody                records; the service makes seeds
signed        custody, signing key   records, seeds, submission
any           private                commitments and amounts
signed        private, signing key   commitments and amounts, submission
============  =====================  ==============================================

Every receipt is checked before it is returned: it must verify for this ledger and commitment, and the commitment
must be our own wherever we made it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from chainsvc import jcs
from chainsvc.client.answers import Accepted, LedgerFacts
from chainsvc.client.calls import hand_over
from chainsvc.client.checking import Checking, ChunkPromise
from chainsvc.client.exchange import Steps
from chainsvc.client.store import PrivateStore
from chainsvc.commitment import commit, derive_salts, new_seed
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.suites import Suite
from chainsvc.errors import BodyTooLarge, ChainsvcError, ChunkMixed, SignatureRefused
from chainsvc.receipt import sign_submission
from chainsvc.record import Record
from chainsvc.schemas import check_record

LARGEST_CHUNK = 500
"""Most records of one call; the service takes twice as many."""

Outcome = Accepted | ChainsvcError
"""What becomes of one record."""


Draft = tuple[Record, bytes | None]
"""A record with its canonical bytes, None where nobody wrote them yet."""


@dataclass(frozen=True, slots=True)
class Item:
    """One record made ready.

    Attributes:
        record: The record.
        seed: Ours, None where the service makes it.
        commitment: Ours, None where the service makes it.
        data: Canonical bytes of the record, where it is sent.
    """

    record: Record
    seed: bytes | None = None
    commitment: bytes | None = None
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Handover:
    """How this client hands records over.

    Attributes:
        store: Where records and seeds stay, in private mode.
        signing_key: The organization's, for signed ledgers.
        checking: Which receipts count.
    """

    store: PrivateStore | None
    signing_key: SigningKey | None
    checking: Checking

    def chunk(self, facts: LedgerFacts, records: Sequence[Record]) -> Steps[list[Outcome]]:
        """Hand over records of one ledger; each outcome stands where its record stood.

        A chunk with too many bytes for one call goes in two halves.

        Raises:
            SignatureRefused: A signed ledger without a signing key, or a receipt that does not verify.
            ChainsvcError: What refuses the chunk as a whole.
        """
        try:
            return (yield from self._whole_chunk(facts, records))
        except BodyTooLarge:
            if len(records) == 1:
                raise
        middle = len(records) // 2
        first = yield from self.chunk(facts, records[:middle])
        return first + (yield from self.chunk(facts, records[middle:]))

    def _whole_chunk(self, facts: LedgerFacts, records: Sequence[Record]) -> Steps[list[Outcome]]:
        self._need_key(facts)
        outcomes: list[Outcome | Item] = list(self.ready(facts, [(record, None) for record in records]))
        while waiting := [i for i, item in enumerate(outcomes) if isinstance(item, Item)]:
            items = [item for item in outcomes if isinstance(item, Item)]
            results = yield from self._send(facts, items)
            for index, item, result in zip(waiting, items, results, strict=True):
                if result is not None:
                    outcomes[index] = self.checked(facts, item, result)
            if all(result is None for result in results):
                raise SignatureRefused("the service refuses a chunk that it calls new", where="/submission")
        done = [outcome for outcome in outcomes if not isinstance(outcome, Item)]
        self.keep_receipts(done)
        return done

    def _need_key(self, facts: LedgerFacts) -> None:
        if facts.signed and self.signing_key is None:
            raise SignatureRefused(
                "the ledger takes signed submissions only",
                expected="the organization's signing key",
                got="none",
                hint="Give the client its signing_key.",
            )

    def ready(self, facts: LedgerFacts, drafts: Sequence[Draft]) -> list[Item | ChainsvcError]:
        """Commit where the commitment is ours; what the service can't check or would refuse a chunk for, we check.

        Args:
            facts: The ledger.
            drafts: Its records, with their canonical bytes where these are known.
        """
        if self.store is None and not facts.signed:
            return [_attempt(_plain, draft) for draft in drafts]
        checked = [_attempt(_whole, draft) for draft in drafts]
        if self.store is None:
            return [d if isinstance(d, ChainsvcError) else _attempt(_committed(facts.suite), d) for d in checked]
        good = [d for d in checked if not isinstance(d, ChainsvcError)]
        kept = iter(self.store.keep(facts.suite, [record for record, _ in good], [data for _, data in good]))
        stored = [d if isinstance(d, ChainsvcError) else next(kept) for d in checked]
        return [s if isinstance(s, ChainsvcError) else Item(s.record, s.seed, s.commitment) for s in stored]

    def _send(self, facts: LedgerFacts, items: Sequence[Item]) -> Steps[Sequence[Outcome | None]]:
        """Send a chunk; None stands for an item that must be signed and sent anew."""
        noun = "records" if self.store is None else "commitments"
        body: dict[str, Any] = {noun: [committed_json(i) if self.store else orjson.Fragment(i.data) for i in items]}
        if facts.signed and self.signing_key is not None:
            commitments = [item.commitment or b"" for item in items]
            body["submission"] = sign_submission(self.signing_key, facts.ledger_id, commitments).to_json()
            if self.store is None:
                body["seeds"] = [(item.seed or b"").hex() for item in items]
        try:
            results: Sequence[Outcome | None] = yield hand_over(facts.name, noun, body)
        except ChunkMixed as mixed:
            return [_outcome(result) for result in mixed.results]
        return results

    def checked(self, facts: LedgerFacts, item: Item, outcome: Outcome) -> Outcome:
        """Return the outcome; an answer that is not the service's promise for this record stops everything.

        A record that was there already may have been committed to with another seed, unless the store has it.

        Raises:
            SignatureRefused: Of another commitment than ours, or a receipt that does not count.
        """
        if isinstance(outcome, ChainsvcError):
            return outcome
        if self.store is not None or not outcome.again:
            _check_ours(item, outcome.commitment)
        self.checking.one(facts, outcome.commitment, outcome.receipt)
        return self._named(item, outcome)

    def promised(
        self, facts: LedgerFacts, items: Sequence[Item], commitments: Sequence[bytes], promise: ChunkPromise
    ) -> list[Accepted]:
        """Return what a chunk's promise means for each of its records; stops everything as :meth:`checked`."""
        for item, commitment in zip(items, commitments, strict=True):
            _check_ours(item, commitment)
        receipts = self.checking.chunk(facts, commitments, promise)
        return [
            Accepted(commitment, item.record.reference, item.record.revision, receipt, again=False)
            for item, commitment, receipt in zip(items, commitments, receipts, strict=True)
        ]

    def _named(self, item: Item, accepted: Accepted) -> Accepted:
        """Fill in what the service does not know in private mode."""
        if self.store is None:
            return accepted
        record = item.record
        return Accepted(accepted.commitment, record.reference, record.revision, accepted.receipt, accepted.again)

    def keep_receipts(self, outcomes: Sequence[Outcome | None]) -> None:
        """Keep what the service promises in the private store, where there is one."""
        if self.store is not None:
            self.store.keep_receipts(outcome for outcome in outcomes if isinstance(outcome, Accepted))


def _check_ours(item: Item, commitment: bytes) -> None:
    if item.commitment is not None and commitment != item.commitment:
        raise SignatureRefused(
            "the service answers for another commitment", expected=item.commitment.hex(), got=commitment.hex()
        )


def _attempt(do: Callable[[Draft], Any], draft: Draft) -> Any:
    try:
        return do(draft)
    except ChainsvcError as error:
        return error


def _data(draft: Draft) -> bytes:
    record, data = draft
    return jcs.dumps(record.to_json()) if data is None else data


def _plain(draft: Draft) -> Item:
    """Refuse here what would make the whole chunk unreadable there."""
    return Item(draft[0], data=_data(draft))


def _whole(draft: Draft) -> Draft:
    check_record(draft[0])
    return draft


def _committed(suite: Suite) -> Callable[[Draft], Item]:
    def committed(draft: Draft) -> Item:
        pairs, seed = draft[0].flatten(), new_seed()
        commitment = commit(suite, pairs, derive_salts(suite, seed, len(pairs)))
        return Item(draft[0], seed, commitment, _data(draft))

    return committed


def committed_json(item: Item) -> dict[str, Any]:
    """Return what private mode sends of a record."""
    record = item.record
    return {
        "commitment": (item.commitment or b"").hex(),
        "credit": record.credit,
        "debit": record.debit,
        "previous": record.previous,
    }


def _outcome(result: object) -> Outcome | None:
    return result if isinstance(result, Accepted | ChainsvcError) else None
