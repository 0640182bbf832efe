"""A service on a chain on paper: it implements ServicePort and keeps its promises, all but durability.

Idempotent by reference, refuses other content, keeps the ledger's policy, takes signed chunks whole or not at all,
erases for good, and its evidence is real: :meth:`FakeService.anchor` puts what was accepted on the paper chain.
"""

import json
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, TypeVar

from support.fake_bulk import FakeBulk
from support.fake_ledger import FakeLedger, Kept
from support.fake_webhooks import FakeWebhooks
from support.paper_chain import START, PaperChain, PaperNode
from support.paper_evidence import SERVICE_KEY as RECEIPT_KEY
from support.paper_evidence import SERVICE_USCC

from chainsvc.api.ports import Caller, EvidenceFile, EvidenceWanted, Readiness
from chainsvc.bodies import CommittedItem, RecordChunk, record_line
from chainsvc.client.answers import (
    Accepted,
    Erasure,
    LedgerBatch,
    LedgerEntry,
    LedgerFacts,
    Page,
    RecordStatus,
    Standing,
    StandingChange,
)
from chainsvc.commitment import commit, derive_salts, new_seed
from chainsvc.crypto.suites import Suite
from chainsvc.errors import (
    AccessDenied,
    ChainsvcError,
    ChunkMixed,
    Conflict,
    DatabaseUnavailable,
    LedgerClosed,
    NotFound,
    RecordErased,
    SignatureRefused,
    StandingRefused,
)
from chainsvc.evidence import Evidence, Pair
from chainsvc.heads import Status
from chainsvc.intake.long_way import LongWay
from chainsvc.policies import admit
from chainsvc.receipt import ChunkTree, Receipt, Submission, sign_receipts
from chainsvc.record import FLAG_SIGNED, LedgerName, Record
from chainsvc.schemas import check_record
from chainsvc.verify import Verdict, verify
from chainsvc.verify.keys import RECEIPT

T = TypeVar("T")


@dataclass
class FakeService:
    """One service; its state is what it was told."""

    chain: PaperChain = field(default_factory=PaperChain)
    callers: dict[str, Caller] = field(default_factory=dict)
    books: dict[str, FakeLedger] = field(default_factory=dict)
    webhooks: FakeWebhooks = field(default_factory=FakeWebhooks)
    issuer_keys: dict[str, bytes] = field(default_factory=dict)
    now: int = START
    down: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self.chain.register_key(RECEIPT_KEY, SERVICE_USCC, RECEIPT)

    # keys and ledgers

    def add_key(self, token: str, uscc: str, *scopes: str) -> str:
        """Register an API key and return it."""
        self.callers[token] = Caller(uscc, frozenset(scopes), token.split("_")[1])
        return token

    def authenticate(self, token: str) -> Caller:
        self._up()
        if token not in self.callers:
            raise AccessDenied("the key is not known")
        return self.callers[token]

    def open_ledger(self, name: str, suite: Suite, *, signed: bool, caller: Caller | None = None) -> LedgerFacts:
        del caller
        flags = FLAG_SIGNED if signed else 0
        book = self.books.setdefault(name, FakeLedger(name, suite, flags))
        if (book.suite, book.flags) != (suite, flags):
            raise Conflict("the ledger is open with another suite or flags", where="/name")
        return book.facts()

    def close_ledger(self, name: str, caller: Caller) -> LedgerFacts:
        del caller
        self._book(name).closed = True
        return self._book(name).facts()

    def ledgers(self, after: str | None, limit: int) -> Page[LedgerFacts]:
        names = [name for name in sorted(self.books) if after is None or name > after]
        shown = tuple(self.books[name].facts() for name in names[:limit])
        return Page(shown, shown[-1].name if len(names) > limit else None)

    def ledger(self, name: str) -> LedgerFacts:
        return self._book(name).facts()

    # intake

    def accept_records(
        self,
        ledger: str,
        items: Sequence[tuple[Record, bytes | None]],
        submission: Submission | None,
        caller: Caller,
    ) -> list[Accepted | ChainsvcError]:
        del caller
        book = self._book(ledger)
        drafts = [_attempt(partial(_draft, book, record, seed)) for record, seed in items]
        return self._accept(book, drafts, submission)

    def accept_commitments(
        self, ledger: str, items: Sequence[CommittedItem], submission: Submission | None, caller: Caller
    ) -> list[Accepted | ChainsvcError]:
        del caller
        drafts: list[Kept | ChainsvcError] = [Kept(i.commitment, i.credit, i.debit, private=True) for i in items]
        return self._accept(self._book(ledger), drafts, submission)

    def remembered(self, token: str) -> Caller | None:
        del token
        return None

    def accept_record(self, ledger: str, record: bytes, caller: Caller) -> Future[Accepted | ChainsvcError]:
        outcome: Future[Accepted | ChainsvcError] = Future()
        try:
            chunk = RecordChunk([record_line(record, ledger)], None, single=True)
            outcome.set_result(chunk.accept(lambda items: self.accept_records(ledger, items, None, caller))[0])
        except ChainsvcError as error:
            outcome.set_exception(error)
        return outcome

    def bulk(
        self, ledger: str, noun: Literal["records", "commitments"], caller: Caller
    ) -> Callable[[Callable[[bytes], None]], FakeBulk]:
        self._book(ledger)

        def accept(items: Sequence[Any], submission: Submission | None) -> list[Accepted | ChainsvcError]:
            accept = self.accept_records if noun == "records" else self.accept_commitments
            return accept(ledger, items, submission, caller)

        return partial(FakeBulk, LongWay(ledger, noun, 1_000, accept))

    def _accept(
        self, book: FakeLedger, drafts: list[Kept | ChainsvcError], submission: Submission | None
    ) -> list[Accepted | ChainsvcError]:
        if book.closed:
            raise LedgerClosed("the ledger is closed", got=book.name)
        with self.lock:
            return self._accept_alone(book, drafts, submission)

    def _accept_alone(
        self, book: FakeLedger, drafts: list[Kept | ChainsvcError], submission: Submission | None
    ) -> list[Accepted | ChainsvcError]:
        totals = book.totals()
        new: list[Kept] = []
        results: list[Kept | ChainsvcError | None] = []
        for draft in drafts:
            result = draft if isinstance(draft, ChainsvcError) else _attempt(partial(book.find, draft, new))
            if result is None and isinstance(draft, Kept):
                admitted = _attempt(partial(admit, _kind(book), totals, draft.credit, draft.debit))
                if isinstance(admitted, ChainsvcError):
                    result = admitted
                else:
                    totals = admitted
                    new.append(draft)
            results.append(result)
        self._check_signed(book, drafts, results, submission)
        if new:
            self._store(book, new, submission)
        stored = iter(new)
        return [self._answer(next(stored) if r is None else r, again=r is not None) for r in results]

    def _check_signed(
        self,
        book: FakeLedger,
        drafts: list[Kept | ChainsvcError],
        results: Sequence[Kept | ChainsvcError | None],
        submission: Submission | None,
    ) -> None:
        if not book.flags & FLAG_SIGNED:
            return
        first = drafts[0]
        if submission is None or submission.pubkey != self.issuer_keys.get(LedgerName.parse(book.name).uscc):
            raise SignatureRefused("the ledger needs a submission signed by its organization", where="/submission")
        if any(result is not None for result in results) and not all(isinstance(r, Kept) for r in results):
            raise ChunkMixed([None if r is None else self._answer(r, again=True) for r in results])
        if isinstance(first, Kept) and None in results and not submission.verifies(book.id, first.commitment):
            raise SignatureRefused("the submission does not cover this chunk", where="/submission")

    def _store(self, book: FakeLedger, new: Sequence[Kept], submission: Submission | None) -> None:
        tree = ChunkTree([kept.commitment for kept in new])
        receipts = sign_receipts(RECEIPT_KEY, book.id, [kept.commitment for kept in new], self.now, self.now + 3600)
        for index, (kept, receipt) in enumerate(zip(new, receipts, strict=True)):
            kept.receipt = receipt
            kept.submission = submission and replace(submission, index=index, path=tree.path(index))
            book.entries.append(kept)

    def _answer(self, result: Kept | ChainsvcError, *, again: bool) -> Accepted | ChainsvcError:
        if isinstance(result, ChainsvcError):
            return result
        reference = result.record.reference if result.record else None
        revision = result.record.revision if result.record else None
        assert result.receipt is not None
        return Accepted(result.commitment, reference, revision, result.receipt, again)

    # records

    def record(self, record_id: bytes, *, disclose: bool) -> RecordStatus:
        book, kept = self._kept(record_id)
        return book.status(kept, self.chain, disclose=disclose)

    def record_by_reference(self, ledger: str, reference: str, revision: int | None, *, disclose: bool) -> RecordStatus:
        book = self._book(ledger)
        found = [k for k in book.entries if k.record and k.record.reference == reference]
        found = [k for k in found if k.record and revision in (None, k.record.revision)]
        if not found:
            raise NotFound("no such record", where="reference")
        return book.status(found[-1], self.chain, disclose=disclose)

    def receipt(self, record_id: bytes) -> Receipt:
        receipt = self._kept(record_id)[1].receipt
        assert receipt is not None
        return receipt

    def evidence(self, record_id: bytes, disclose: Collection[str] | None, *, proof: bool) -> EvidenceFile:
        book, kept = self._kept(record_id)
        if kept.erasure is not None and not kept.private:
            raise RecordErased("the record was erased", got=record_id.hex())
        evidence = book.evidence(kept, self.chain)
        if proof:
            named = replace(evidence, pairs=(Pair("/ledger", b"", book.name, None),))
            evidence = replace(evidence, proof=self.chain.prove(named))
        if kept.record is not None and disclose is not None:
            evidence = evidence.disclose(disclose)
        return EvidenceFile(evidence.to_bytes(), skeleton=kept.record is None)

    def evidences(self, ledger: str, wanted: EvidenceWanted) -> Iterator[bytes]:
        book = self._book(ledger)
        after = -1 if wanted.after is None else wanted.after
        placed = sorted((kept.seq, kept.commitment) for kept in book.entries if kept.seq is not None)
        final = [self._kept(commitment)[1] for seq, commitment in placed if seq > after]
        lines = [self._line(kept, wanted) for kept in final if kept.erasure is None or kept.private]
        return iter(lines[: wanted.limit])

    def _line(self, kept: Kept, wanted: EvidenceWanted) -> bytes:
        disclose = wanted.disclose
        if kept.record is not None and disclose is not None:
            disclose = self.evidence_of(kept).having(disclose)
        file = self.evidence(kept.commitment, disclose, proof=wanted.proof)
        if not file.skeleton:
            return file.data + b"\n"
        skeleton = {"commitment": kept.commitment.hex(), "skeleton": json.loads(file.data)}
        return json.dumps(skeleton).encode() + b"\n"

    def evidence_of(self, kept: Kept) -> Evidence:
        """Return an entry's evidence with all values."""
        return self._kept(kept.commitment)[0].evidence(kept, self.chain)

    def erase(self, record_id: bytes, reason: str, caller: Caller) -> Erasure:
        _, kept = self._kept(record_id)
        if kept.erasure is None:
            kept.erasure = Erasure(record_id, self.now, caller.key_id, reason)
            kept.record = kept.seed = None
        return kept.erasure

    # standing

    def standing(self, record_id: bytes) -> Standing:
        book, kept = self._kept(record_id)
        return book.standing(kept, self.chain)

    def change_standing(self, record_id: bytes, status: Status, cause: bytes, caller: Caller) -> StandingChange:
        del caller
        _, target = self._kept(record_id)
        if target.commitment == cause:
            raise StandingRefused("an entry is not its own cause", where="/cause")
        book, kept = self._kept(cause)
        change = StandingChange(status, "requested", book.id, kept.seq, cause)
        target.requested.append(change)
        return change

    # lists and exports

    def entries(self, ledger: str, after: int | None, limit: int) -> Page[LedgerEntry]:
        book = self._book(ledger)
        begin = 0 if after is None else after + 1
        part = book.entries[begin : begin + limit]
        following = begin + len(part) - 1 if begin + limit < len(book.entries) else None
        return Page(tuple(book.listed(kept, self.chain) for kept in part), following)

    def batches(self, ledger: str, after: int | None, limit: int) -> Page[LedgerBatch]:
        book = self._book(ledger)
        begin = 0 if after is None else after + 1
        part = book.batches()[begin : begin + limit]
        return Page(tuple(part), part[-1].index if begin + limit < len(book.anchored) else None)

    def export(self, ledger: str, *, disclose: bool) -> Iterator[bytes]:
        book = self._book(ledger)
        lines = [{"format": "chainsvc-export/1", "ledger": ledger, "disclosed": disclose}]
        lines += [book.listed(kept, self.chain).to_json() for kept in book.entries]
        return iter([json.dumps(line).encode() + b"\n" for line in lines])

    # network

    def network_bytes(self) -> bytes:
        return self.chain.network.to_bytes()

    def verify(self, data: bytes) -> Verdict:
        return verify(data, self.chain.network, PaperNode(self.chain))

    def checkpoint(self) -> str:
        return self.chain.checkpoint().to_bytes().decode()

    def latest_checkpoint(self) -> str:
        if self.chain.tip.block.number == 0:
            raise NotFound("no checkpoint was made yet")
        return self.checkpoint()

    def ready(self) -> Readiness:
        return Readiness(not self.down, {"journal": "down" if self.down else "ok", "node": "ok"})

    # what a worker would do

    def anchor(self) -> None:
        """Put everything accepted on the chain."""
        for book in self.books.values():
            book.anchor(self.chain)

    def _up(self) -> None:
        if self.down:
            raise DatabaseUnavailable("the journal does not answer", hint="Try again.")

    def _book(self, name: str) -> FakeLedger:
        self._up()
        if name not in self.books:
            raise NotFound("no such ledger", got=name)
        return self.books[name]

    def _kept(self, record_id: bytes) -> tuple[FakeLedger, Kept]:
        self._up()
        for book in self.books.values():
            for kept in book.entries:
                if kept.commitment == record_id:
                    return book, kept
        raise NotFound("no such record", got=record_id.hex())


def _attempt(do: Callable[[], T]) -> T | ChainsvcError:
    try:
        return do()
    except ChainsvcError as error:
        return error


def _draft(book: FakeLedger, record: Record, seed: bytes | None) -> Kept:
    check_record(record)
    pairs = record.flatten()
    seed = seed or new_seed()
    commitment = commit(book.suite, pairs, derive_salts(book.suite, seed, len(pairs)))
    return Kept(commitment, record.credit, record.debit, record, seed)


def _kind(book: FakeLedger) -> str:
    return LedgerName.parse(book.name).kind
