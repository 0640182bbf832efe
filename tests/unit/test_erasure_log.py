"""The erasure log remembers every erasure, whoever writes and however a writer ended."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chainsvc.erasure_log import ErasedRecord, ErasureLog
from chainsvc.errors import DatabaseUnavailable, MalformedInput


def erased(number: int) -> ErasedRecord:
    return ErasedRecord(b"\x01" * 32, number.to_bytes(32), 1_790_000_000 + number, "clerk", "法院裁定\n第二行")


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    log = ErasureLog(tmp_path / "deep" / "erasures.ndjson")
    assert log.read() == ()
    log.append(erased(1))
    log.append(erased(2))
    assert log.read() == (erased(1), erased(2))
    assert log.path.stat().st_mode & 0o777 == 0o600


def test_writers_do_not_mix_their_lines(tmp_path: Path) -> None:
    log = ErasureLog(tmp_path / "log")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(log.append, map(erased, range(64))))
    assert {one.erased_at for one in log.read()} == {erased(number).erased_at for number in range(64)}


def test_a_line_after_one_that_was_cut_stands_alone(tmp_path: Path) -> None:
    log = ErasureLog(tmp_path / "log")
    log.path.write_bytes(erased(1).to_line()[:-30])
    log.append(erased(2))
    assert log.path.read_bytes().splitlines(keepends=True)[1] == erased(2).to_line()
    with pytest.raises(MalformedInput) as refusal:
        log.read()
    assert (refusal.value.where or "").endswith("log:1")


def test_a_log_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseUnavailable, match="erasure log"):
        ErasureLog(tmp_path / "file" / "log").append(erased(1))
