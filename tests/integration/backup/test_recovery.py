"""A backup older than the chain: what is missing is named, held, brought back or given up, and never doubled."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from support.everything import check_everything
from support.records import corrected, disbursement, donation
from support.regulator import Decisions
from support.restored import Elsewhere, back_up, proof_of
from support.station import Station

from chainsvc.backup.recovering import Recoverer, Recovery, changes_again
from chainsvc.backup.sources import Found, Told, read_source
from chainsvc.chain.ledgers import LedgerContract
from chainsvc.client.answers import Accepted
from chainsvc.client.store import PrivateStore
from chainsvc.commitment import new_seed
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.suites import SHA256
from chainsvc.drafts import Draft, draft_of
from chainsvc.errors import ChainsvcError, InputRefused, LedgerBehind, NotReady, ReferenceConflict
from chainsvc.heads import Status
from chainsvc.journal import ledgers, lost
from chainsvc.journal.check import disagreements

pytestmark = [pytest.mark.node, pytest.mark.database]


def lost_after(made: Station, folder: Path, name: str) -> list[Accepted]:
    """Back up, then anchor two batches more: what the backup does not have."""
    back_up(made.parts.engine, folder)
    gone = made.accept(name, [donation(name, number) for number in range(10, 14)])
    made.settle(name)
    gone += made.accept(name, [donation(name, 20), disbursement(name, 1, 5_000)])
    made.settle(name)
    return gone


def opened(made: Station, kind: str = "charity") -> tuple[str, list[Accepted]]:
    name = made.open(kind).name
    accepted = made.accept(name, [donation(name, number) for number in range(3)])
    made.settle(name)
    return name, accepted


def recover(made: Station, name: str, told: Sequence[Told]) -> Recovery:
    """What the command does once it has read its files."""
    parts = made.parts
    ledger = parts.service._parts.ledgers.stored(name)
    with parts.engine.begin() as conn:
        envelope = parts.service._parts.intake.promising.envelope
        recovery = Recoverer(conn, envelope, SigningKey.from_file(parts.settings.key("receipt")), ledger).recover(told)
        changes_again(conn, LedgerContract(parts.node, ledger.contract), ledger, parts.node.head().number, 0)
    return recovery


def export(made: Station, name: str, folder: Path, *, disclose: bool) -> Path:
    path = folder / "export.ndjson"
    path.write_bytes(b"".join(made.parts.service.export(name, disclose=disclose)))
    return path


def behind(made: Station) -> tuple[lost.Behind, ...]:
    with made.parts.engine.connect() as conn:
        assert disagreements(conn) == ()
        return lost.behind(conn)


def adopt(made: Station, name: str) -> None:
    ledger = made.parts.service._parts.ledgers.stored(name)
    with made.parts.engine.begin() as conn:
        lost.adopt(conn, ledger.ledger_id)


def sums(made: Station, name: str) -> tuple[int, int]:
    ledger = made.parts.service._parts.ledgers.stored(name)
    with made.parts.engine.connect() as conn:
        found = ledgers.sums_of(conn, ledger.ledger_id)
    return found.credit, found.debit


def test_what_the_chain_has_and_the_backup_lacks_is_named(
    service: Station, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    name, _ = opened(service)
    lost_after(service, tmp_path / "b", name)
    with elsewhere.station(service, tmp_path / "b") as again:
        proof = proof_of(again)
        assert proof.outcome == "findings"
        (losses,) = proof.ledgers
        assert [(one.k, one.first, one.count, one.lost) for one in losses.batches] == [(1, 3, 4, 4), (2, 7, 2, 2)]
        (report,) = proof.audits
        assert {finding.code for finding in report.findings} >= {"gap"}
        (held,) = behind(again)
        assert str(held) == f"ledger {name} is behind the chain: 3 batches there, 1 here"
        assert again.parts.service.ready().parts["ledgers"] == str(held)
        assert sums(again, name) == sums(service, name)


def test_a_held_ledger_seals_nothing_and_takes_no_record_anew(
    service: Station, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    name, accepted = opened(service)
    back_up(service.parts.engine, tmp_path / "b")
    service.accept(name, [donation(name, 10)])
    service.settle(name)
    with elsewhere.station(service, tmp_path / "b") as again:
        before = again.accept(name, [donation(name, 30)])  # the chain was not read yet
        for _ in range(4):
            again.parts.worker.round()
        (held,) = behind(again)
        assert (held.batches, held.whole, held.entries) == (2, 1, 1)
        with pytest.raises(LedgerBehind):
            again.send(name, [donation(name, 10)])
        with pytest.raises(LedgerBehind):
            again.send(name, [corrected(donation(name, 1), accepted[1].commitment, 50)])
        assert again.accept(name, [donation(name, 1), donation(name, 30)])[0].again  # what is known is answered
        for _ in range(3):
            again.parts.worker.round()
        facts = again.parts.service.ledger(name)
        assert (facts.entries, facts.anchored_entries) == (5, 4)
        assert again.parts.service.record(before[0].commitment, disclose=False).state == "accepted"


def test_a_batch_sealed_at_a_place_that_the_chain_has_used_is_taken_apart(
    service: Station, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    """As when a database is restored by other means, and the service starts before the chain was read."""
    name, _ = opened(service)
    gone = lost_after(service, tmp_path / "b", name)
    path = export(service, name, tmp_path, disclose=True)
    with elsewhere.station(service, tmp_path / "b") as again:
        new = again.accept(name, [donation(name, 50)])
        again.parts.worker._anchorer.seal()
        assert again.parts.service.record(new[0].commitment, disclose=False).seq == 3
        for _ in range(4):
            again.parts.worker.round()
        assert again.parts.service.record(new[0].commitment, disclose=False).seq is None
        assert recover(again, name, [read_source(path, stored(again, name))]).left == ()
        again.settle(name)
        assert again.parts.service.record(new[0].commitment, disclose=False).seq == 9
        check_everything(again, name, gone + new)


def stored(made: Station, name: str) -> ledgers.Ledger:
    return made.parts.service._parts.ledgers.stored(name)


@pytest.mark.parametrize("disclose", [True, False], ids=["with records", "without"])
def test_an_export_brings_everything_back(
    service: Station,
    elsewhere: Elsewhere,
    tmp_path: Path,
    disclose: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    name, kept = opened(service)
    gone = lost_after(service, tmp_path / "b", name)
    decisions = Decisions(service, stored(service, name).contract)
    decisions.mark(stored(service, name).ledger_id, 4, Status.SUSPENDED)
    service.settle(name)
    path = export(service, name, tmp_path, disclose=disclose)
    with elsewhere.station(service, tmp_path / "b") as again:
        again.parts.watcher.catch_up()
        recovery = recover(again, name, [read_source(path, stored(again, name))])
        assert (recovery.came_back, recovery.left, recovery.doubled) == (6, (), [])
        assert behind(again) == ()
        proof = proof_of(again)
        assert proof.outcome == "complete", proof.to_json()
        assert again.parts.service.standing(entry_at(again, name, 4)).standing is Status.SUSPENDED
        if disclose:  # the references came too: the same record sent again is not counted twice
            (answer,) = again.send(name, [donation(name, 10)])
            assert isinstance(answer, ReferenceConflict)
        new = again.accept(name, [donation(name, 60)])
        again.settle(name)
        check_everything(again, name, [*kept, *gone, *new])


def entry_at(made: Station, name: str, seq: int) -> bytes:
    return made.parts.service.entries(name, seq - 1, 1).items[0].commitment


def test_evidence_brings_single_entries_back_and_the_rest_can_be_adopted(
    service: Station, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    name, kept = opened(service)
    gone = lost_after(service, tmp_path / "b", name)
    file = tmp_path / "evidence.json"
    file.write_bytes(service.parts.service.evidence(gone[1].commitment, ["/reference"], proof=False).data)
    whole = sums(service, name)
    with elsewhere.station(service, tmp_path / "b") as again:
        again.parts.watcher.catch_up()
        told = [read_source(file, stored(again, name))]
        recovery = recover(again, name, told)
        assert (recovery.came_back, [one.lost for one in recovery.left]) == (1, [3, 2])
        assert recover(again, name, told).came_back == 0
        (held,) = behind(again)
        assert held.entries == 5
        seq = service.parts.service.record(gone[1].commitment, disclose=False).seq
        assert again.parts.service.record(gone[1].commitment, disclose=False).seq == seq
        with pytest.raises(NotReady, match="lost entries"):
            again.parts.service.evidence(gone[1].commitment, None, proof=False)
        adopt(again, name)
        assert behind(again) == ()
        (answer,) = again.send(name, [donation(name, 11)])
        assert isinstance(answer, ReferenceConflict)  # evidence named it
        new = again.accept(name, [donation(name, 70), disbursement(name, 9, 100)])
        again.settle(name)
        assert sums(again, name) == (whole[0] + 10_000, whole[1] + 100)
        assert again.parts.service.record(new[0].commitment, disclose=False).seq in (9, 10)
        assert again.parts.service.evidence(new[0].commitment, None, proof=False).data
        assert {finding.code for finding in proof_of(again).audits[0].findings} >= {"gap", "head-mismatch"}
        contract = LedgerContract(again.parts.node, stored(again, name).contract)
        state = contract.state_of(stored(again, name).ledger_id)
        assert (state.next_seq, state.credit, state.debit) == (11, *sums(again, name))
        path = export(service, name, tmp_path, disclose=False)  # of before: still good for the batches it has
        recovery = recover(again, name, [read_source(path, stored(again, name))])
        assert (recovery.came_back, recovery.left) == (5, ())
        assert proof_of(again).outcome == "complete"
        check_everything(again, name, [*kept, *gone, *new])


def test_evidence_of_another_batch_or_with_changed_amounts_brings_nothing_back(
    service: Station, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    name, _ = opened(service)
    gone = lost_after(service, tmp_path / "b", name)
    good = tmp_path / "evidence.json"
    good.write_bytes(service.parts.service.evidence(gone[0].commitment, [], proof=False).data)
    with elsewhere.station(service, tmp_path / "b") as again:
        again.parts.watcher.catch_up()
        (told,) = read_source(good, stored(again, name)).proven
        wrong = [
            Found(told.commitment, told.credit + 1, told.debit, evidence=told.evidence),
            Found(bytes(32), told.credit, told.debit, evidence=told.evidence),
        ]
        assert recover(again, name, [Told(proven=(one,)) for one in wrong]).came_back == 0
        assert recover(again, name, [Told(proven=(told,))]).came_back == 1


def test_a_commitment_sent_again_takes_its_old_place(service: Station, elsewhere: Elsewhere, tmp_path: Path) -> None:
    name, kept = opened(service)
    back_up(service.parts.engine, tmp_path / "b")
    drafts = [draft_of(SHA256, name, donation(name, number), new_seed()) for number in range(10, 15)]
    gone = commit(service, name, drafts[:3])
    service.settle(name)
    gone += commit(service, name, drafts[3:])
    service.settle(name)
    with elsewhere.station(service, tmp_path / "b") as again:
        again.parts.watcher.catch_up()
        other = draft_of(SHA256, name, donation(name, 80), new_seed())
        new = commit(again, name, [other])  # sent first, though it is new
        again_sent = commit(again, name, drafts)
        assert [one.commitment for one in again_sent] == [one.commitment for one in gone]
        again.settle(name)
        assert behind(again) == ()
        check_everything(again, name, [*kept, *gone, *new])
        assert again.parts.service.record(new[0].commitment, disclose=False).seq == 8


def commit(made: Station, name: str, drafts: Iterable[Draft]) -> list[Accepted]:
    items = [Draft(one.commitment, one.credit, one.debit, one.previous) for one in drafts]
    answers = made.parts.service._parts.intake.accept_commitments(stored(made, name), items)
    assert all(isinstance(answer, Accepted) for answer in answers), answers
    return [answer for answer in answers if isinstance(answer, Accepted)]


def test_a_private_store_brings_back_what_its_holder_notarized(
    service: Station, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    name, kept = opened(service)
    back_up(service.parts.engine, tmp_path / "b")
    records = [donation(name, number) for number in range(10, 16)]
    with PrivateStore(tmp_path / "private.db") as store:
        results = store.keep(SHA256, records)
    seeds = [result.seed for result in results if not isinstance(result, ChainsvcError)]
    drafts = [draft_of(SHA256, name, record, seed) for record, seed in zip(records, seeds, strict=True)]
    gone = commit(service, name, drafts[:4])
    service.settle(name)
    gone += commit(service, name, drafts[4:])
    service.settle(name)
    with elsewhere.station(service, tmp_path / "b") as again:
        again.parts.watcher.catch_up()
        recovery = recover(again, name, [read_source(tmp_path / "private.db", stored(again, name))])
        assert (recovery.came_back, recovery.left) == (6, ())
        assert proof_of(again).outcome == "complete"
        check_everything(again, name, [*kept, *gone])


def test_a_file_that_tells_of_no_entries_is_refused(service: Station, tmp_path: Path) -> None:
    name, _ = opened(service)
    (tmp_path / "notes.txt").write_text("nothing\n")
    with pytest.raises(InputRefused, match="no entries"):
        read_source(tmp_path / "notes.txt", stored(service, name))
