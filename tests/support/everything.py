"""One check of everything after a fault: journal against itself, journal against chain, receipts against entries."""

import itertools
from collections.abc import Iterable

from support.station import Station

from chainsvc.chain.events import Anchored, StandingChanged
from chainsvc.chain.ledgers import LedgerContract
from chainsvc.client.answers import Accepted
from chainsvc.journal import batches, entries, ledgers, marks
from chainsvc.journal.check import disagreements
from chainsvc.verify import verify
from chainsvc.verify.completeness import audit_export


def check_everything(station: Station, ledger: str, receipts: Iterable[Accepted]) -> None:
    """Prove that nothing was lost, doubled or changed; every entry of the ledger must be final by now."""
    parts = station.parts
    stored = parts.service._parts.ledgers.stored(ledger)
    with parts.engine.connect() as conn:
        assert disagreements(conn) == ()
        promised = {accepted.commitment for accepted in receipts}
        found = entries.find_by_commitments(conn, stored.ledger_id, list(promised))
        assert set(found) == promised, "a receipt without its entry"
        assert all(entry.seq is not None for entry in found.values())
        assert batches.pending(conn) == ()
        assert marks.pending(conn) == ()
        sums = ledgers.sums_of(conn, stored.ledger_id)
        final = batches.anchored(conn, stored.ledger_id)
        words = {mark.word.word for mark in marks.of_ledger(conn, stored.ledger_id) if mark.word}
    contract = LedgerContract(parts.node, stored.contract)
    state = contract.state_of(stored.ledger_id)
    assert (state.credit, state.debit) == (sums.credit, sums.debit)
    assert (state.next_seq, state.next_batch) == (final.entries, final.batches)
    events = list(contract.events(0, parts.node.head().number, ledger_id=stored.ledger_id))
    assert [e.k for e in events if isinstance(e, Anchored)] == list(range(final.batches)), "a batch twice, or none"
    assert {e.word for e in events if isinstance(e, StandingChanged)} == words
    _check_files(station, ledger, promised)


def _check_files(station: Station, ledger: str, promised: Iterable[bytes]) -> None:
    service, network = station.parts.service, station.parts.network
    source = station.parts.service._parts.source
    report = audit_export(service.export(ledger, disclose=True), network, source)
    assert report.findings == (), report.findings
    for commitment in itertools.islice(promised, 3):
        found = service.evidence(commitment, None, proof=False)
        if found.skeleton:  # the holder's to complete
            continue
        verdict = verify(found.data, network, source)
        assert verdict.verdict != "invalid", verdict.to_json()
