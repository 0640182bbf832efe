"""Evidence of a whole ledger, one file a line, as many entries at a time as fit in memory easily."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import takewhile

import orjson
from sqlalchemy import Connection, Engine

from chainsvc.api.ports import EvidenceWanted
from chainsvc.chain.node import Node
from chainsvc.crypto.envelope import Envelope
from chainsvc.crypto.suites import suite_of
from chainsvc.errors import NotFound, NotReady
from chainsvc.evidence import Evidence, Pair
from chainsvc.journal import batches, checkpoints, entries, marks, payloads
from chainsvc.journal.batches import StoredBatch
from chainsvc.journal.entries import Entry
from chainsvc.journal.ledgers import Ledger
from chainsvc.journal.marks import Mark
from chainsvc.journal.payloads import Payload
from chainsvc.network import Network
from chainsvc.promises import Promises, Seen
from chainsvc.service.evidence import Issuer, Prover, batch_facts, change_of, disclosed_pairs, provable
from chainsvc.stored import Opener

PAGE = 256
"""Entries read in one transaction; evidence of one page is of one moment, and of each file by itself."""


class EvidenceStream:
    """Issues the evidence of all entries that are final; the cost of one does not depend on the ledger's length."""

    def __init__(
        self, engine: Engine, envelope: Envelope, network: Callable[[], Network], node: Node, issuer: Issuer
    ) -> None:
        """Read this journal, and this node for state proofs; trees are shared with the issuer of single files."""
        self._engine = engine
        self._opener = Opener(envelope)
        self._network = network
        self._node = node
        self._issuer = issuer

    def stream(self, ledger: Ledger, wanted: EvidenceWanted) -> Iterator[bytes]:
        """Yield a line for each entry: its evidence, or a skeleton where the service never saw the record.

        ``{"commitment": HEX, "skeleton": EVIDENCE}`` is what its holder completes. Erased records have no line, nor
        have those of batches of which a restore lost entries.
        With proofs the stream ends where the checkpoint does. No connection is held between two pages.

        Raises:
            NotReady: No checkpoint, or the node has forgotten its state; raised by the first ``next``.
            NotFound: No checkpoint was made for the block asked for.
        """
        block = self._block(wanted) if wanted.proof else None
        prover = None if block is None else Prover(self._network(), self._node, block)
        page = _Pages(ledger, -1 if wanted.after is None else wanted.after, block)
        left = wanted.limit
        while left is None or left > 0:
            with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
                found = self._page(conn, page)
            if found is None:
                return
            if prover is not None and found:
                with provable(prover.block):
                    proven = prover.prove(ledger.ledger_id, [evidence for _, evidence in found])
                found = [(commitment, one) for (commitment, _), one in zip(found, proven, strict=True)]
            lines = [_line(commitment, evidence, wanted.disclose) for commitment, evidence in found[:left]]
            yield from lines
            left = None if left is None else left - len(lines)

    def _block(self, wanted: EvidenceWanted) -> int:
        with self._engine.connect() as conn:
            if wanted.block is None:
                found = checkpoints.latest(conn)
            else:
                found = checkpoints.at_or_after(conn, wanted.block)
                if found is not None and found.block != wanted.block:
                    raise NotFound("no checkpoint was made for this block", got=f"block {wanted.block}", where="block")
        if found is None:
            hint = "Make one with 'chainsvc checkpoint', then ask again."
            raise NotReady("no checkpoint was made yet", expected="a checkpoint", hint=hint)
        return found.block

    def _page(self, conn: Connection, page: "_Pages") -> list[tuple[bytes, Evidence]] | None:
        """Return the next entries' evidence by commitment, those left out that have none; None at the end."""
        found = page.next(conn)
        if not found:
            return None
        ledger_id, ids = page.ledger.ledger_id, [entry.entry_id for entry in found]
        promises = Promises(conn, page.seen)
        promises.read(ledger_id, ids)
        kept, changes = payloads.get_many(conn, ledger_id, ids), marks.histories(conn, ledger_id, ids)
        whole = [
            (entry, self._pairs(page.ledger, entry, kept, promises), changes.get(entry.entry_id, ())) for entry in found
        ]
        return [
            (entry.commitment, self._evidence(page, entry, pairs, history, promises))
            for entry, pairs, history in whole
            if pairs is not None and _is_whole(page, entry, promises)
        ]

    def _pairs(
        self, ledger: Ledger, entry: Entry, kept: Mapping[int, Payload], promises: Promises
    ) -> tuple[Pair, ...] | None:
        """Return the record's pairs, none for a private one, None after erasure."""
        payload = kept.get(entry.entry_id)
        if payload is not None:
            return disclosed_pairs(suite_of(ledger.suite), *self._opener.open(ledger.ledger_id, payload))
        return () if promises.is_private(entry) else None

    def _evidence(
        self,
        page: "_Pages",
        entry: Entry,
        pairs: tuple[Pair, ...],
        history: Sequence[Mark],
        promises: Promises,
    ) -> Evidence:
        ledger, batch = page.ledger, page.batch_of(entry)
        assert entry.seq is not None  # it is sealed
        tree = self._issuer.tree(ledger.ledger_id, batch.k, ledger.suite)
        changes = [change_of(mark) for mark in history]
        return Evidence(
            network=self._network().network_id,
            contract=ledger.contract,
            suite=suite_of(ledger.suite),
            flags=ledger.flags,
            pairs=pairs,
            seq=entry.seq,
            path=tuple(tree.path(entry.seq - batch.first)),
            batch=batch_facts(batch),
            status=tuple(change for change in changes if page.block is None or change.block <= page.block),
            submission=promises.submission(entry),
            receipt=promises.receipt(entry),
            proof=None,
            timestamps=(),
        )


def _is_whole(page: "_Pages", entry: Entry, promises: Promises) -> bool:
    """Whether a restore has lost nothing that evidence needs: the batch's other entries, or the submission."""
    return not page.batch_of(entry).lost and (not page.ledger.signed or promises.submission(entry) is not None)


class _Pages:
    """Walks through a ledger's final entries, in the order of seq."""

    def __init__(self, ledger: Ledger, after: int, block: int | None) -> None:
        self.ledger = ledger
        self.block = block
        self.seen: Seen = {}
        self._after = after
        self._batches: dict[int, StoredBatch] = {}

    def next(self, conn: Connection) -> list[Entry]:
        """Return the next entries; none where the rest is not final, or not covered by the checkpoint."""
        found = entries.page(conn, self.ledger.ledger_id, after_seq=self._after, limit=PAGE)
        numbers = {entry.k for entry in found if entry.k is not None}
        if not numbers <= self._batches.keys():  # no chunk is kept longer than its batch, so that memory stays flat
            self.seen.clear()
        self._batches = {k: batches.get(conn, self.ledger.ledger_id, k) for k in sorted(numbers)}
        final = list(takewhile(self._is_final, found))
        if final and final[-1].seq is not None:
            self._after = final[-1].seq
        return final

    def batch_of(self, entry: Entry) -> StoredBatch:
        """Return an entry's batch."""
        assert entry.k is not None  # it is sealed
        return self._batches[entry.k]

    def _is_final(self, entry: Entry) -> bool:
        anchor = self.batch_of(entry).anchor
        return anchor is not None and (self.block is None or anchor.block <= self.block)


def _line(commitment: bytes, evidence: Evidence, disclose: Collection[str] | None) -> bytes:
    if not evidence.pairs:
        skeleton = orjson.Fragment(evidence.to_bytes())
        return orjson.dumps({"commitment": commitment.hex(), "skeleton": skeleton}) + b"\n"
    shown = evidence if disclose is None else evidence.disclose(evidence.having(disclose))
    return shown.to_bytes() + b"\n"
