"""The export of a whole ledger, ``chainsvc-export/1``, streamed batch by batch."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Engine

from chainsvc.batch import Member
from chainsvc.crypto.envelope import Envelope
from chainsvc.crypto.suites import suite_of
from chainsvc.journal import batches, marks, payloads
from chainsvc.journal.batches import StoredBatch
from chainsvc.journal.engine import snapshot
from chainsvc.journal.ledgers import Ledger
from chainsvc.network import Network
from chainsvc.record import LedgerName
from chainsvc.service.evidence import batch_facts, change_of, disclosed_pairs
from chainsvc.stored import Opener
from chainsvc.verify.export import ExportBatch, ExportChange, ExportEnd, ExportEntry, ExportHeader, write_line

_PAGE = 100  # batches
_RECORDS = 256  # of the largest records 16 MiB


class Exporter:
    """Writes exports; holds a batch's commitments and a few hundred records in memory."""

    def __init__(self, engine: Engine, envelope: Envelope, network: Network) -> None:
        """Export from this journal."""
        self._engine = engine
        self._opener = Opener(envelope)
        self._network = network

    def export(self, ledger: Ledger, *, disclose: bool) -> Iterator[bytes]:
        """Yield the lines of a ledger's final batches as they are at one moment; records only if ``disclose``.

        Entries that a restored journal lost are not among them: an audit names the gaps.
        """
        with snapshot(self._engine) as conn:
            sizes = batches.anchored(conn, ledger.ledger_id)
            yield write_line(
                ExportHeader(
                    self._network.network_id,
                    ledger.contract,
                    suite_of(ledger.suite),
                    ledger.flags,
                    LedgerName.parse(ledger.name),
                    sizes.batches,
                    sizes.entries,
                )
            )
            for batch in self._batches(conn, ledger):
                yield write_line(ExportBatch(batch_facts(batch)))
                yield from self._entries(conn, ledger, batch, disclose=disclose)
            yield from self._changes(conn, ledger, sizes.entries)
            yield write_line(ExportEnd())

    def _batches(self, conn: Connection, ledger: Ledger) -> Iterator[StoredBatch]:
        after = -1
        while page := batches.page(conn, ledger.ledger_id, after_k=after, limit=_PAGE):
            for batch in page:
                if batch.anchor is None:  # batches become final in order
                    return
                yield batch
            after = page[-1].k

    def _entries(self, conn: Connection, ledger: Ledger, batch: StoredBatch, *, disclose: bool) -> Iterator[bytes]:
        members = batches.placed_members(conn, ledger.ledger_id, batch.k)
        for start in range(0, len(members), _RECORDS):
            yield from self._part(conn, ledger, members[start : start + _RECORDS], disclose=disclose)

    def _part(
        self, conn: Connection, ledger: Ledger, members: Sequence[tuple[int, Member]], *, disclose: bool
    ) -> Iterator[bytes]:
        suite = suite_of(ledger.suite)
        kept = payloads.get_many(conn, ledger.ledger_id, [member.entry_id for _, member in members]) if disclose else {}
        for seq, member in members:
            payload = kept.get(member.entry_id)
            pairs = None
            if payload is not None:
                pairs = disclosed_pairs(suite, *self._opener.open(ledger.ledger_id, payload))
            yield write_line(ExportEntry(seq, member.commitment, member.credit, member.debit, pairs))

    def _changes(self, conn: Connection, ledger: Ledger, count: int) -> Iterator[bytes]:
        for seq, mark in marks.changes(conn, ledger.ledger_id, count):
            yield write_line(ExportChange(seq, change_of(mark)))
