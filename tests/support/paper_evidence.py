"""Evidence of records that stand on a chain on paper."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from support.paper_chain import LEDGER_CONTRACT, NETWORK_ID, START, PaperChain

from chainsvc.batch import Batch, Member, build_batch
from chainsvc.commitment import commit, derive_salts
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.suites import SHA256, Suite, sha256
from chainsvc.evidence import BatchFacts, Evidence, Pair
from chainsvc.receipt import ChunkTree, Receipt, Submission, sign_receipts, submission_message
from chainsvc.record import LedgerName, Record, ledger_id
from chainsvc.verify.export import (
    ExportBatch,
    ExportChange,
    ExportEnd,
    ExportEntry,
    ExportHeader,
    ExportLine,
    write_line,
)

USCC = "91350100M000100Y43"
LEDGER = f"charity/{USCC}/LUNCH-2026"
ISSUER_KEY = SigningKey.from_seed(b"\x01" * 32)
SERVICE_KEY = SigningKey.from_seed(b"\x02" * 32)
SERVICE_USCC = "91350211M000100Y43"


def donation(number: int, amount: int = 100, **members: Any) -> Record:
    """Return a donation of so many fen; envelope members may be given."""
    body = {
        "number": f"D-{number}",
        "date": "2026-09-01",
        "campaign": "乡村儿童午餐",
        "donor": {"name": "某先生", "uscc": None, "anonymous": False},
        "method": "bank",
        "currency": "CNY",
        "amount": amount,
        "goods": None,
        "designated": False,
        "purpose": None,
        "receipt_number": None,
        "remark": None,
    }
    record = Record("charity.donation.v1", LEDGER, f"D-{number}", 0, None, amount, 0, "2026-09-01T10:00:00+08:00", body)
    return replace(record, **members)


def corrected(record: Record, previous: bytes, amount: int) -> Record:
    """Return the next revision of a donation, with another amount."""
    change = amount - record.body["amount"]
    return replace(
        record,
        revision=record.revision + 1,
        previous=previous.hex(),
        credit=max(change, 0),
        debit=max(-change, 0),
        body={**record.body, "amount": amount},
    )


@dataclass(frozen=True)
class Entry:
    """One record with its salts and commitment."""

    record: Record
    salts: tuple[bytes, ...]
    commitment: bytes

    @classmethod
    def of(cls, suite: Suite, record: Record) -> "Entry":
        pairs = record.flatten()
        salts = derive_salts(suite, sha256(repr(pairs).encode()), len(pairs))
        return cls(record, tuple(salts), commit(suite, pairs, salts))

    def pairs(self) -> tuple[Pair, ...]:
        """Return every pair, disclosed."""
        flat = self.record.flatten()
        return tuple(Pair(path, salt, value, None) for (path, value), salt in zip(flat, self.salts, strict=True))


@dataclass
class PaperLedger:
    """One ledger on the chain, and evidence of what was anchored in it."""

    chain: PaperChain
    name: str = LEDGER
    suite: Suite = SHA256
    flags: int = 0

    def __post_init__(self) -> None:
        self.seq = 0
        self.batches: list[tuple[Batch, BatchFacts, list[Entry]]] = []

    @property
    def id(self) -> bytes:
        """The ledger's id."""
        return ledger_id(NETWORK_ID, LEDGER_CONTRACT, self.suite.id, self.flags, self.name)

    def anchor(self, records: Sequence[Record]) -> list[int]:
        """Anchor the records as one batch; return their seqs in the order given."""
        entries = [Entry.of(self.suite, record) for record in records]
        members = [Member(i, e.commitment, e.record.credit, e.record.debit) for i, e in enumerate(entries)]
        batch = build_batch(self.suite, self.id, self.seq, members)
        facts = self.chain.anchor(batch)
        ordered = [entries[member.entry_id] for member in batch.members]
        self.batches.append((batch, facts, ordered))
        self.seq += len(records)
        return [batch.first + ordered.index(entry) for entry in entries]

    def entry(self, seq: int) -> Entry:
        """Return the entry of that seq."""
        return next(entries[seq - b.first] for b, _, entries in self.batches if b.first <= seq < b.first + len(entries))

    def evidence(self, seq: int, *, submission: Submission | None = None, receipt: Receipt | None = None) -> Evidence:
        """Return the evidence of an entry, with its standing so far and without a proof."""
        batch, facts, entries = next(b for b in self.batches if b[0].first <= seq < b[0].first + len(b[2]))
        return Evidence(
            network=NETWORK_ID,
            contract=LEDGER_CONTRACT,
            suite=self.suite,
            flags=self.flags,
            pairs=entries[seq - batch.first].pairs(),
            seq=seq,
            path=tuple(batch.tree.path(seq - batch.first)),
            batch=facts,
            status=tuple(self.chain.words.get((self.id, seq), ())),
            submission=submission,
            receipt=receipt,
            proof=None,
            timestamps=(),
        )

    def signed(self, seq: int, key: SigningKey = ISSUER_KEY) -> Submission:
        """Sign the entry in a chunk of three, as its middle."""
        chunk = [b"\x00" * 32, self.entry(seq).commitment, b"\xff" * 32]
        tree = ChunkTree(chunk)
        return Submission(key.alg, 1, 3, tree.path(1), key.public, key.sign(submission_message(self.id, 3, tree.root)))

    def receipt(self, seq: int, anchor_by: int = START + 10_000, key: SigningKey = SERVICE_KEY) -> Receipt:
        """Return the service's receipt for the entry, alone in its chunk."""
        return sign_receipts(key, self.id, [self.entry(seq).commitment], START, anchor_by)[0]

    def export(self, erased: Collection[int] = ()) -> list[bytes]:
        """Return the ledger's export; the records of erased entries are left out."""
        name = LedgerName.parse(self.name)
        fixed = NETWORK_ID, LEDGER_CONTRACT, self.suite, self.flags
        lines: list[ExportLine] = [ExportHeader(*fixed, name, len(self.batches), self.seq)]
        for batch, facts, entries in self.batches:
            lines.append(ExportBatch(facts))
            for seq, entry in enumerate(entries, batch.first):
                pairs = None if seq in erased else entry.pairs()
                lines.append(ExportEntry(seq, entry.commitment, entry.record.credit, entry.record.debit, pairs))
        changes = [(seq, c) for (of, seq), found in self.chain.words.items() if of == self.id for c in found]
        lines += [ExportChange(seq, change) for seq, change in sorted(changes, key=lambda pair: pair[1].block)]
        return [write_line(line) for line in [*lines, ExportEnd()]]

    def proven(self, evidence: Evidence, block: int | None = None) -> Evidence:
        """Add the proof at a block, the newest by default."""
        return replace(evidence, proof=self.chain.prove(evidence, block))
