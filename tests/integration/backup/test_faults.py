"""A backup or a restore that is killed, or finds no room, leaves what was there before and nothing that looks whole."""

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine
from support.records import donation
from support.restored import Elsewhere, back_up, restore
from support.station import Station

from chainsvc.backup.checking import Place, check_backup

pytestmark = [pytest.mark.node, pytest.mark.database]

ROOT = Path(__file__).parents[3]

STOPPED = """
    import sys, time
    from pathlib import Path
    from chainsvc.backup.checking import Place, check_backup
    from chainsvc.backup.loading import load_backup
    from chainsvc.backup.making import make_backup
    from chainsvc.journal.engine import connect

    def halfway(done, of):
        print(done, flush=True)
        time.sleep(600)

    what, engine, folder = sys.argv[1], connect(sys.argv[2]), Path(sys.argv[3])
    if what == "backup":
        make_backup(engine, folder, seeds=None, keys=None, now=0, progress=halfway)
    place = Place.of(folder, None)
    load_backup(engine, place, check_backup(place, print), (), replace=True, progress=halfway)
"""


def kill_halfway(what: str, engine: Engine, folder: Path) -> None:
    """Run it in a process of its own, and kill that after its first bytes."""
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", textwrap.dedent(STOPPED), what, url, str(folder)]
    path = f"{ROOT}{os.pathsep}{ROOT / 'adapters'}"
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": path})
    assert process.stdout is not None
    while not (line := process.stdout.readline()).strip().isdigit():
        assert line, "it ended by itself"
    process.kill()
    process.wait()
    process.stdout.close()


def filled(made: Station) -> str:
    name = made.open().name
    made.accept(name, [donation(name, number) for number in range(20)])
    made.settle(name)
    return name


def test_a_backup_killed_in_the_middle_is_no_backup(service: Station, tmp_path: Path) -> None:
    filled(service)
    kill_halfway("backup", service.parts.engine, tmp_path / "backup")
    assert [path.name for path in tmp_path.iterdir()] == ["backup.part"]
    back_up(service.parts.engine, tmp_path / "backup")
    assert [path.name for path in tmp_path.iterdir()] == ["backup"]
    check_backup(Place.of(tmp_path / "backup", None), lambda _done, _of: None)


def test_a_restore_killed_in_the_middle_leaves_the_database_as_it_was(
    service: Station, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    filled(service)
    back_up(service.parts.engine, tmp_path / "first")
    filled(service)
    back_up(service.parts.engine, tmp_path / "second")
    with elsewhere.engine() as engine:
        engine.dispose()
        kill_halfway("restore", engine, tmp_path / "first")
        wait_alone(engine)
        assert tables(engine) == 0
        restore(engine, tmp_path / "first")
        before = entries(engine)
        engine.dispose()
        kill_halfway("restore", engine, tmp_path / "second")
        wait_alone(engine)
        assert entries(engine) == before == 20
        engine.dispose()
        wait_alone(engine)  # our own sessions end a moment after we have left them
        restore(engine, tmp_path / "second", replace=True)
        assert entries(engine) == 40


def wait_alone(engine: Engine) -> None:
    """Wait until the server has noticed that the killed process is gone."""
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"  # the server's own workers come and go
    )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:  # a transaction would look once
        for _ in range(1_200):
            if conn.exec_driver_sql(others).scalar_one() == 0:
                return
            time.sleep(0.05)
    raise AssertionError("the killed process still has its connection")


def tables(engine: Engine) -> int:
    with engine.connect() as conn:
        found = conn.exec_driver_sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        return int(found.scalar_one())


def entries(engine: Engine) -> int:
    with engine.connect() as conn:
        return int(conn.exec_driver_sql("SELECT count(*) FROM entries").scalar_one())


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """Give a folder on a file system of that size; skips where that is not allowed."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(["mount", *options], check=False, capture_output=True).returncode:
        pytest.skip("a disk small enough to fill needs the right to mount a tmpfs: run as root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_backup_on_a_full_disk_leaves_nothing(service: Station, tmp_path: Path) -> None:
    filled(service)
    with small_disk(tmp_path / "small", 8) as folder:
        with pytest.raises(OSError, match="No space left"):
            back_up(service.parts.engine, folder / "backup")
        assert list(folder.iterdir()) == []
