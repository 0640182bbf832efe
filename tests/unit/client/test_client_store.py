import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from support.paper_evidence import LEDGER, SERVICE_KEY, corrected, donation

from chainsvc import jcs
from chainsvc.client import Accepted
from chainsvc.client.store import PrivateStore, Stored
from chainsvc.commitment import commit, derive_salts
from chainsvc.crypto.suites import SHA256, SM3
from chainsvc.errors import ConfigurationRefused, MalformedInput, ReferenceConflict
from chainsvc.receipt import sign_receipts


def test_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "store.db"
    with PrivateStore(path) as store:
        store.keep(SHA256, [donation(1)])
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_stored_record_has_its_commitment_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with PrivateStore(path) as store:
        (kept,) = store.keep(SM3, [donation(1)])
        assert isinstance(kept, Stored)
    pairs = donation(1).flatten()
    assert kept.commitment == commit(SM3, pairs, derive_salts(SM3, kept.seed, len(pairs)))
    with PrivateStore(path) as store:
        assert store.get(kept.commitment) == kept
        assert store.keep(SM3, [donation(1)]) == [kept]


def test_each_record_has_its_own_seed(tmp_path: Path) -> None:
    with PrivateStore(tmp_path / "store.db") as store:
        kept = store.keep(SHA256, [donation(number) for number in range(20)])
    assert len({stored.seed for stored in kept if isinstance(stored, Stored)}) == 20


def test_bad_records_stand_beside_good_ones(tmp_path: Path) -> None:
    floating = donation(3, body={"amount": 1.5})
    with PrivateStore(tmp_path / "store.db") as store:
        kept = store.keep(SHA256, [donation(1), donation(1, 7), floating, donation(1), donation(2)])
        assert [type(outcome) for outcome in kept] == [Stored, ReferenceConflict, MalformedInput, Stored, Stored]
        assert kept[0] == kept[3]
        assert store.find(LEDGER, "D-3", None) is None


def test_latest_revision_is_found(tmp_path: Path) -> None:
    with PrivateStore(tmp_path / "store.db") as store:
        (first,) = store.keep(SHA256, [donation(1)])
        assert isinstance(first, Stored)
        (second,) = store.keep(SHA256, [corrected(donation(1), first.commitment, 80)])
        assert store.find(LEDGER, "D-1", None) == second
        assert store.find(LEDGER, "D-1", 0) == first
        assert store.find(LEDGER, "D-1", 2) is None


def test_forgotten_record_leaves_nothing_in_any_file(tmp_path: Path) -> None:
    with PrivateStore(tmp_path / "store.db") as store:
        (kept, _) = store.keep(SHA256, [donation(1), donation(2)])
        assert isinstance(kept, Stored)
        store.forget(kept.commitment)
        assert store.get(kept.commitment) is None
        files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert kept.seed not in files
    assert b'"reference":"D-1"' not in files
    assert b'"reference":"D-2"' in files


def test_threads_may_share_a_store(tmp_path: Path) -> None:
    with PrivateStore(tmp_path / "store.db") as store:
        results: list[object] = []
        threads = [
            threading.Thread(target=lambda: results.extend(store.keep(SHA256, [donation(n) for n in range(10)])))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(results) == 60
    assert len({stored.commitment for stored in results if isinstance(stored, Stored)}) == 10


def test_two_processes_may_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with PrivateStore(path) as one, PrivateStore(path) as two:
        assert one.keep(SHA256, [donation(1)]) == two.keep(SHA256, [donation(1)])


def test_other_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(ConfigurationRefused) as refused:
        PrivateStore(path)
    assert refused.value.where == str(path)


def test_store_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    PrivateStore(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 9")
    db.close()
    with pytest.raises(ConfigurationRefused, match="version 9"):
        PrivateStore(path)


def accepted_chunk(store: PrivateStore, count: int) -> list[Accepted]:
    kept = [one for one in store.keep(SHA256, [donation(n) for n in range(count)]) if isinstance(one, Stored)]
    commitments = [one.commitment for one in kept]
    receipts = sign_receipts(SERVICE_KEY, b"\x07" * 32, commitments, 1, 2)
    return [
        Accepted(one.commitment, None, None, receipt, again=False) for one, receipt in zip(kept, receipts, strict=True)
    ]


def check_receipts(store: PrivateStore, accepted: list[Accepted]) -> None:
    for one in accepted:
        stored = store.get(one.commitment)
        assert stored is not None
        assert stored.receipt == jcs.dumps(one.receipt.to_json())


def chunks_in(path: Path) -> int:
    with sqlite3.connect(path) as db:
        (count,) = db.execute("SELECT count(*) FROM chunks").fetchone()
    db.close()
    return int(count)


def test_receipts_of_a_whole_chunk_are_kept_once_for_all(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with PrivateStore(path) as store:
        accepted = accepted_chunk(store, 37)
        for _ in range(2):
            store.keep_receipts(reversed(accepted))
            check_receipts(store, accepted)
        store.forget(accepted[5].commitment)
        assert store.get(accepted[5].commitment) is None
        store.keep_receipts(accepted)
        check_receipts(store, accepted[6:])
    assert chunks_in(path) == 1


def test_receipts_of_a_part_of_a_chunk_are_kept_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with PrivateStore(path) as store:
        accepted = accepted_chunk(store, 9)
        store.keep_receipts(accepted[:4])
        check_receipts(store, accepted[:4])
        store.keep_receipts(accepted)
        check_receipts(store, accepted)
    assert chunks_in(path) == 1


def test_store_of_the_first_version_is_read_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with PrivateStore(path) as store:
        accepted = accepted_chunk(store, 5)
    with sqlite3.connect(path) as db:
        db.executescript(
            "DROP TABLE chunks; ALTER TABLE records DROP COLUMN place; ALTER TABLE records DROP COLUMN chunk;"
            "PRAGMA user_version = 1"
        )
        receipt = jcs.dumps(accepted[0].receipt.to_json())
        db.execute("UPDATE records SET receipt = ? WHERE commitment = ?", (receipt, accepted[0].commitment))
    db.close()
    with PrivateStore(path) as store:
        check_receipts(store, accepted[:1])
        store.keep_receipts(accepted)
        check_receipts(store, accepted)
