"""A backup is the journal at one moment, whole or not at all, and proves itself when it is restored."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine
from support.everything import check_everything
from support.records import corrected, donation
from support.restored import Elsewhere, back_up, proof_of, restore, silent
from support.station import Station

from chainsvc.backup.checking import Place, check_backup
from chainsvc.backup.manifest import NAME, Manifest
from chainsvc.backup.sealed_keys import open_keys, seal_keys
from chainsvc.client.answers import Accepted
from chainsvc.errors import (
    BackupDamaged,
    Conflict,
    KeyMismatch,
    MalformedInput,
    NotFound,
    RecordErased,
    StartRefused,
)
from chainsvc.journal.check import disagreements

pytestmark = [pytest.mark.node, pytest.mark.database]


def fill(made: Station, count: int = 5) -> tuple[str, list[Accepted]]:
    """A ledger with anchored, superseded and waiting entries."""
    name = made.open().name
    accepted = made.accept(name, [donation(name, number) for number in range(count)])
    accepted += made.accept(name, [corrected(donation(name, 0), accepted[0].commitment, 5_000)])
    made.settle(name)
    return name, accepted


def test_a_restored_journal_is_complete_and_goes_on(service: Station, elsewhere: Elsewhere, tmp_path: Path) -> None:
    name, accepted = fill(service)
    accepted += service.accept(name, [donation(name, 90)])  # waits for its batch
    manifest = back_up(service.parts.engine, tmp_path / "backup")
    with elsewhere.station(service, tmp_path / "backup") as again:
        proof = proof_of(again)
        assert proof.outcome == "complete", proof.to_json()
        (report,) = [one for one in proof.audits if one.ledger == name]
        assert (report.entries, report.readable) == (6, 6)
        assert again.send(name, [donation(name, 1)]) == service.send(name, [donation(name, 1)])
        accepted += again.accept(name, [donation(name, 91)])
        again.settle(name)
        check_everything(again, name, accepted)
    assert [(one.name, one.entries) for one in manifest.ledgers] == [(name, 6)]


def test_a_backup_is_one_moment_of_a_journal_under_load(service: Station, elsewhere: Elsewhere, tmp_path: Path) -> None:
    name = service.open().name
    ended, receipts = threading.Event(), []

    def load() -> None:
        for number in range(10_000):
            receipts.extend(service.accept(name, [donation(name, number)]))
            if ended.is_set():
                return

    sender = threading.Thread(target=load)
    sender.start()
    try:
        while len(receipts) < 20:
            service.parts.worker.round()
        before = len(receipts)
        back_up(service.parts.engine, tmp_path / "backup")
    finally:
        ended.set()
        sender.join()
    with elsewhere.engine() as engine:
        loaded = restore(engine, tmp_path / "backup")
        with engine.connect() as conn:
            assert disagreements(conn) == ()
        rows = {file.table: file.rows for file in loaded.manifest.files}
        assert before <= rows["entries"] <= len(receipts)
        assert rows["entries"] == rows["seeds"] == rows["payloads"] == rows["refs"]


def test_what_is_there_is_not_written_over(service: Station, elsewhere: Elsewhere, tmp_path: Path) -> None:
    fill(service)
    back_up(service.parts.engine, tmp_path / "backup")
    with pytest.raises(FileExistsError):
        back_up(service.parts.engine, tmp_path / "backup")
    with elsewhere.engine() as engine:
        restore(engine, tmp_path / "backup")
        with pytest.raises(Conflict, match="has a journal already"):
            restore(engine, tmp_path / "backup")
        engine.dispose()
        loaded = restore(engine, tmp_path / "backup", replace=True)
        assert loaded.rows == sum(file.rows for file in loaded.manifest.files)


def test_a_database_in_use_is_not_replaced(service: Station, tmp_path: Path) -> None:
    fill(service)
    back_up(service.parts.engine, tmp_path / "backup")
    with service.parts.engine.connect(), pytest.raises(Conflict, match="a service uses the database"):
        restore(service.parts.engine, tmp_path / "backup", replace=True)


def test_a_journal_that_was_never_started_has_no_backup(elsewhere: Elsewhere, tmp_path: Path) -> None:
    with elsewhere.engine() as engine, pytest.raises(StartRefused):
        back_up(engine, tmp_path / "backup")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_journal_has_no_backup(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="never started"):
        back_up(engine, tmp_path / "backup")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-20]), "was cut or changed"),
        (lambda path: path.write_bytes(path.read_bytes()[:-20] + bytes(20)), "was changed"),
        (lambda path: path.unlink(), "is missing"),
    ],
    ids=["cut", "changed", "missing"],
)
@pytest.mark.parametrize("part", ["journal/entries.copy", "seeds/seeds.copy"])
def test_a_damaged_file_is_named_and_nothing_is_restored(
    service: Station, elsewhere: Elsewhere, tmp_path: Path, part: str, damage: Callable[[Path], object], said: str
) -> None:
    fill(service, 1)
    back_up(service.parts.engine, tmp_path / "backup")
    damage(tmp_path / "backup" / part)
    with elsewhere.engine() as engine, pytest.raises(BackupDamaged, match=said) as refusal:
        restore(engine, tmp_path / "backup")
    assert part in str(refusal.value)


def test_a_changed_manifest_is_refused(service: Station, elsewhere: Elsewhere, tmp_path: Path) -> None:
    """Every file fits it, but the tables do not: the heads are compared after loading, before the commit."""
    fill(service, 1)
    back_up(service.parts.engine, tmp_path / "backup")
    path = tmp_path / "backup" / NAME
    head = Manifest.read(tmp_path / "backup").ledgers[0].head
    assert head is not None
    path.write_bytes(path.read_bytes().replace(head.hex().encode(), bytes(32).hex().encode()))
    with elsewhere.engine() as engine, pytest.raises(BackupDamaged, match="not of this manifest"):
        restore(engine, tmp_path / "backup")
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(MalformedInput):
        check_backup(Place.of(tmp_path / "backup", None), silent)


def test_a_folder_that_is_no_backup_is_named(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match="this is no backup"):
        check_backup(Place.of(tmp_path, None), silent)


def test_an_erasure_after_the_backup_is_not_undone(service: Station, elsewhere: Elsewhere, tmp_path: Path) -> None:
    _, accepted = fill(service)
    back_up(service.parts.engine, tmp_path / "backup")
    log = service.parts.settings.erasure_log
    service.parts.service.erase(accepted[2].commitment, "court order", service.caller)
    with elsewhere.station(service, tmp_path / "backup", log) as again:
        with pytest.raises(RecordErased):
            again.parts.service.evidence(accepted[2].commitment, None, proof=False)
        assert again.parts.service.record(accepted[2].commitment, disclose=True).erased
        assert proof_of(again).outcome == "complete"
    with elsewhere.station(service, tmp_path / "backup") as forgetful:
        assert not forgetful.parts.service.record(accepted[2].commitment, disclose=True).erased


def test_without_its_seeds_a_backup_keeps_entries_and_no_record(
    service: Station, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    _, accepted = fill(service)
    back_up(service.parts.engine, tmp_path / "backup")
    shutil.rmtree(tmp_path / "backup" / "seeds")
    with elsewhere.station(service, tmp_path / "backup") as again:
        proof = proof_of(again)
        (report,) = proof.audits
        assert (report.outcome, report.entries, report.readable) == ("complete", 6, 0)
        assert again.parts.service.receipt(accepted[1].commitment) == service.parts.service.receipt(
            accepted[1].commitment
        )
        with pytest.raises(RecordErased):
            again.parts.service.evidence(accepted[1].commitment, None, proof=False)


def test_sealed_keys_open_with_their_passphrase_only() -> None:
    files = {"kek": bytes(range(32)), "receipt": b"\xff" * 32}
    data = seal_keys(files, "a long enough passphrase")
    assert open_keys(data, "a long enough passphrase") == files
    assert bytes(range(32)).hex().encode() not in data
    with pytest.raises(KeyMismatch):
        open_keys(data, "another long passphrase")
