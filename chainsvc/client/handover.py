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

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from chainsvc import jcs
from chainsvc.client.answers import Accepted, LedgerFacts
from chainsvc.client.calls import hand_over
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
        receipt_keys: Public keys whose receipts count; None takes any that verifies.
    """

    store: PrivateStore | None
    signing_key: SigningKey | None
    receipt_keys: Collection[bytes] | None

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
        outcomes: list[Outcome | Item] = list(self._ready(facts, records))
        while waiting := [i for i, item in enumerate(outcomes) if isinstance(item, Item)]:
            items = [item for item in outcomes if isinstance(item, Item)]
            results = yield from self._send(facts, items)
            for index, item, result in zip(waiting, items, results, strict=True):
                if result is not None:
                    outcomes[index] = self._checked(facts, item, result)
            if all(result is None for result in results):
                raise SignatureRefused("the service refuses a chunk that it calls new", where="/submission")
        done = [outcome for outcome in outcomes if not isinstance(outcome, Item)]
        self._keep_receipts(done)
        return done

    def _need_key(self, facts: LedgerFacts) -> None:
        if facts.signed and self.signing_key is None:
            raise SignatureRefused(
                "the ledger takes signed submissions only",
                expected="the organization's signing key",
                got="none",
                hint="Give the client its signing_key.",
            )

    def _ready(self, facts: LedgerFacts, records: Sequence[Record]) -> list[Item | ChainsvcError]:
        """Commit where the commitment is ours; what the service can't check or would refuse a chunk for, we check."""
        if self.store is None and not facts.signed:
            return [_attempt(_plain, record) for record in records]
        checked = [_attempt(_whole, record) for record in records]
        if self.store is None:
            return [r if isinstance(r, ChainsvcError) else _attempt(_committed(facts.suite), r) for r in checked]
        kept = iter(self.store.keep(facts.suite, [r for r in checked if isinstance(r, Record)]))
        stored = [r if isinstance(r, ChainsvcError) else next(kept) for r in checked]
        return [s if isinstance(s, ChainsvcError) else Item(s.record, s.seed, s.commitment) for s in stored]

    def _send(self, facts: LedgerFacts, items: Sequence[Item]) -> Steps[Sequence[Outcome | None]]:
        """Send a chunk; None stands for an item that must be signed and sent anew."""
        noun = "records" if self.store is None else "commitments"
        body: dict[str, Any] = {noun: [_committed_json(i) if self.store else orjson.Fragment(i.data) for i in items]}
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

    def _checked(self, facts: LedgerFacts, item: Item, outcome: Outcome) -> Outcome:
        """Return the outcome; an answer that is not the service's promise for this record stops everything.

        A record that was there already may have been committed to with another seed, unless the store has it.
        """
        if isinstance(outcome, ChainsvcError):
            return outcome
        ours = item.commitment is None or outcome.commitment == item.commitment
        if not ours and (self.store is not None or not outcome.again):
            raise SignatureRefused(
                "the service answers for another commitment", expected=(item.commitment or b"").hex(), got=outcome.id
            )
        if self.receipt_keys is not None and outcome.receipt.pubkey not in self.receipt_keys:
            raise SignatureRefused("the receipt is signed by an unknown key", got=outcome.receipt.pubkey.hex())
        if not outcome.receipt.verifies(facts.ledger_id, outcome.commitment):
            raise SignatureRefused("the receipt does not verify for this ledger and commitment", got=outcome.id)
        return self._named(item, outcome)

    def _named(self, item: Item, accepted: Accepted) -> Accepted:
        """Fill in what the service does not know in private mode."""
        if self.store is None:
            return accepted
        record = item.record
        return Accepted(accepted.commitment, record.reference, record.revision, accepted.receipt, accepted.again)

    def _keep_receipts(self, outcomes: Sequence[Outcome]) -> None:
        if self.store is not None:
            accepted = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
            self.store.keep_receipts((a.commitment, jcs.dumps(a.receipt.to_json())) for a in accepted)


def _attempt(do: Callable[[Record], Any], record: Record) -> Any:
    try:
        return do(record)
    except ChainsvcError as error:
        return error


def _plain(record: Record) -> Item:
    """Refuse here what would make the whole chunk unreadable there."""
    return Item(record, data=jcs.dumps(record.to_json()))


def _whole(record: Record) -> Record:
    check_record(record)
    return record


def _committed(suite: Suite) -> Callable[[Record], Item]:
    def committed(record: Record) -> Item:
        pairs, seed = record.flatten(), new_seed()
        commitment = commit(suite, pairs, derive_salts(suite, seed, len(pairs)))
        return Item(record, seed, commitment, jcs.dumps(record.to_json()))

    return committed


def _committed_json(item: Item) -> dict[str, Any]:
    record = item.record
    return {
        "commitment": (item.commitment or b"").hex(),
        "credit": record.credit,
        "debit": record.debit,
        "previous": record.previous,
    }


def _outcome(result: object) -> Outcome | None:
    return result if isinstance(result, Accepted | ChainsvcError) else None
