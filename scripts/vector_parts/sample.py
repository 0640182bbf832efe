"""Batches of the vectors: records with derived salts, sealed and anchored as the service would do it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chainsvc.commitment import commit, derive_salts
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.suites import Suite
from chainsvc.evidence import BatchFacts, Evidence, Pair, StatusChange
from chainsvc.heads import ZERO, head, status_word
from chainsvc.receipt import ChunkTree, sign_receipts, sign_submission
from chainsvc.record import Record, ledger_id
from chainsvc.sumtree import Node, SumTree, leaf
from vector_parts.constants import ACTOR, CONTRACT, NETWORK, derived

ISSUER_KEY = SigningKey.from_seed(derived("issuer key"))
"""Key of the organization that submits."""

SERVICE_KEY = SigningKey.from_seed(derived("service key"))
"""Key of the service that gives receipts."""

BLOCK, TIME = 5000, 1_790_003_600
ACCEPTED, ANCHOR_BY = 1_790_000_000, 1_790_090_000


@dataclass(frozen=True)
class Entry:
    """One record with its salts and its commitment."""

    record: Record
    seed: bytes
    salts: tuple[bytes, ...]
    commitment: bytes


def entry_of(suite: Suite, record: Record) -> Entry:
    """Commit to the record with the seed derived from its reference."""
    seed = derived(f"seed/{record.reference}")
    pairs = record.flatten()
    salts = derive_salts(suite, seed, len(pairs))
    return Entry(record, seed, tuple(salts), commit(suite, pairs, salts))


class Batch:
    """One anchored batch of one ledger, with everything that its evidence states."""

    def __init__(
        self, suite: Suite, flags: int, records: Sequence[Record], *, index: int = 0, first: int = 0, prev: bytes = ZERO
    ) -> None:
        """Seal the records: entries stand in ascending order of commitment."""
        self.suite, self.flags = suite, flags
        self.ledger_id = ledger_id(NETWORK, CONTRACT, suite.id, flags, records[0].ledger)
        self.entries = sorted((entry_of(suite, record) for record in records), key=lambda entry: entry.commitment)
        self.leaves = [self._leaf(first + i, entry) for i, entry in enumerate(self.entries)]
        self.tree = SumTree(suite, self.leaves)
        self.facts = BatchFacts(index, first, len(records), prev, ACTOR, BLOCK, TIME)

    def _leaf(self, seq: int, entry: Entry) -> Node:
        return leaf(self.suite, self.ledger_id, seq, entry.commitment, entry.record.credit, entry.record.debit)

    @property
    def head(self) -> bytes:
        """The head that the contract holds after the batch."""
        facts, root = self.facts, self.tree.root
        return head(
            facts.prev,
            self.ledger_id,
            facts.index,
            facts.first,
            facts.count,
            root.hash,
            root.credit,
            root.debit,
            facts.actor,
            facts.block,
            facts.time,
        )

    def position(self, reference: str) -> int:
        """Return where the record of that reference stands in the batch."""
        return [entry.record.reference for entry in self.entries].index(reference)

    def evidence(self, reference: str, status: Sequence[StatusChange] = ()) -> Evidence:
        """Return the evidence of one entry, everything disclosed, without submission and receipt."""
        place = self.position(reference)
        entry = self.entries[place]
        pairs = zip(entry.record.flatten(), entry.salts, strict=True)
        return Evidence(
            network=NETWORK,
            contract=CONTRACT,
            suite=self.suite,
            flags=self.flags,
            pairs=tuple(Pair(path, salt, value, None) for (path, value), salt in pairs),
            seq=self.facts.first + place,
            path=tuple(self.tree.path(place)),
            batch=self.facts,
            status=tuple(status),
            submission=None,
            receipt=None,
            proof=None,
            timestamps=(),
        )

    def signed(self, evidence: Evidence) -> Evidence:
        """Add the issuer's submission and the service's receipt; the batch was one chunk, in this order."""
        commitments = [entry.commitment for entry in self.entries]
        place = evidence.seq - self.facts.first
        first = sign_submission(ISSUER_KEY, self.ledger_id, commitments)
        submission = replace(first, index=place, path=ChunkTree(commitments).path(place))
        receipt = sign_receipts(SERVICE_KEY, self.ledger_id, commitments, ACCEPTED, ANCHOR_BY)[place]
        return replace(evidence, submission=submission, receipt=receipt)


def word_after(ledger: bytes, seq: int, changes: Sequence[StatusChange]) -> bytes:
    """Return the status word after the changes."""
    word = ZERO
    for change in changes:
        word = status_word(word, ledger, seq, *change)
    return word
