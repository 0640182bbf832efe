"""The embedded server and the engine: starts, survives, says what is wrong."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from support.database import SYSTEM_SERVERS, Databases, folder_for_server, system_server
from support.journal import a_ledger, accept

from chainsvc.errors import ConfigurationRefused, DatabaseUnavailable
from chainsvc.journal import engine as engine_module
from chainsvc.journal import entries, schema
from chainsvc.journal.embedded import EmbeddedServer
from chainsvc.journal.engine import connect

pytestmark = pytest.mark.database

SERVICE = """
    import sys, time
    from pathlib import Path
    from chainsvc.journal.embedded import EmbeddedServer
    from chainsvc.journal.engine import connect

    server = EmbeddedServer(Path(sys.argv[1])).start()
    engine = connect(server.url())
    with engine.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE IF NOT EXISTS kept (n int)")
        conn.exec_driver_sql("INSERT INTO kept VALUES (1)")
    print(server.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with folder_for_server() as made:
        yield made / "pg"


def start_service(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """Start a process that starts the server and writes one row; return it with the server's process id."""
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(SERVICE), str(folder)]
    service = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert service.stdout is not None
    with service.stdout:
        return service, int(service.stdout.readline())


def kill(service: subprocess.Popen[str]) -> None:
    service.send_signal(signal.SIGKILL)
    service.wait(timeout=60)


def rows_kept(server: EmbeddedServer) -> int:
    engine = connect(server.url())
    try:
        with engine.connect() as conn:
            return int(conn.exec_driver_sql("SELECT count(*) FROM kept").scalar_one())
    finally:
        engine.dispose()


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not psutil.pid_exists(pid)


def test_killed_service_leaves_its_rows_to_the_next_start(folder: Path) -> None:
    service, pid = start_service(folder)
    kill(service)
    with EmbeddedServer(folder) as server:
        assert server.pid == pid
        assert rows_kept(server) == 1
    assert gone(pid)


def test_killed_service_and_server_leave_their_rows_to_the_next_start(folder: Path) -> None:
    service, pid = start_service(folder)
    os.kill(pid, signal.SIGKILL)
    kill(service)
    assert gone(pid)
    with EmbeddedServer(folder) as server:
        assert server.pid != pid
        assert rows_kept(server) == 1


def test_pid_file_of_a_killed_server_that_names_another_program_is_no_hindrance(folder: Path) -> None:
    service, pid = start_service(folder)
    os.kill(pid, signal.SIGKILL)
    kill(service)
    assert gone(pid)
    pid_file = folder / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with EmbeddedServer(folder) as server:
        assert rows_kept(server) == 1


def test_second_process_joins_the_running_server(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        service, pid = start_service(folder)
        kill(service)
        assert pid == server.pid
        assert rows_kept(server) == 1


def test_list_of_users_cut_by_a_kill_is_no_hindrance(folder: Path) -> None:
    with EmbeddedServer(folder) as server:
        pid = server.pid
        (folder / ".handle_pids.json").write_text("[1234")
    assert not gone_soon(pid)
    with EmbeddedServer(folder) as server:
        assert server.pid == pid
    assert gone(pid)


def gone_soon(pid: int) -> bool:
    """Tell whether the process is gone within half a second."""
    time.sleep(0.5)
    return not psutil.pid_exists(pid)


def test_server_starts_again_in_the_same_process(folder: Path) -> None:
    server = EmbeddedServer(folder)
    for _ in range(2):
        pid = server.start().pid
        server.stop()
        assert gone(pid)


def test_directory_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "PG_VERSION").write_text("14\n")
    with pytest.raises(ConfigurationRefused) as refusal:
        EmbeddedServer(tmp_path / "pg").start()
    assert (refusal.value.expected, refusal.value.got) == ("18", "14")


def test_damaged_directory_is_told_with_the_log(folder: Path) -> None:
    with EmbeddedServer(folder):
        pass
    (folder / "global" / "pg_control").unlink()
    with pytest.raises(DatabaseUnavailable) as refusal:
        EmbeddedServer(folder).start()
    assert refusal.value.where == str(folder)
    assert refusal.value.got


def test_server_that_was_not_started_has_no_url(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "pg")
    server.stop()
    with pytest.raises(DatabaseUnavailable, match="not started"):
        server.url()


def test_url_leads_to_the_embedded_database(embedded_server: EmbeddedServer) -> None:
    engine = connect(embedded_server.url().replace("postgresql+psycopg", "postgresql"))
    with engine.connect() as conn:
        for name, value in engine_module.SESSION.items():
            shown = conn.exec_driver_sql(f"SHOW {name}").scalar_one()
            assert shown == ("30s" if name == "lock_timeout" else value)
    engine.dispose()


@pytest.mark.skipif(not SYSTEM_SERVERS, reason="no PostgreSQL of the system's here")
def test_journal_works_on_the_systems_server() -> None:
    with system_server(SYSTEM_SERVERS[0]) as url:
        engine = connect(url)
        schema.upgrade(engine)
        with engine.begin() as conn:
            ledger = a_ledger(conn)
            accept(conn, ledger, range(50))
            assert entries.count(conn, ledger.ledger_id) == 50
        engine.dispose()


def test_server_of_an_untested_version_is_refused(
    embedded_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "NEWEST_SERVER", 17)
    with pytest.raises(ConfigurationRefused) as refusal:
        connect(embedded_server.url())
    assert (refusal.value.expected, refusal.value.got) == ("15 to 17", "18")


def test_missing_database_is_told_as_unavailable(embedded_server: EmbeddedServer) -> None:
    with pytest.raises(DatabaseUnavailable, match="does not exist"):
        connect(embedded_server.url("nowhere"))


def test_cut_connection_is_unavailable_once_and_works_again(databases: Databases) -> None:
    with databases.engine() as engine:
        with engine.connect() as conn:
            pid = conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            with engine.begin() as other:
                other.exec_driver_sql("SELECT pg_terminate_backend(%s)", (pid,))
            with pytest.raises(DatabaseUnavailable):
                conn.exec_driver_sql("SELECT 1")
        with engine.begin() as conn:
            assert conn.exec_driver_sql("SELECT 1").scalar_one() == 1


def test_connection_that_died_in_the_pool_is_replaced_without_a_word(databases: Databases) -> None:
    with databases.engine() as engine, databases.engine() as other:
        with engine.connect() as conn:
            pid = conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with other.begin() as conn:
            conn.exec_driver_sql("SELECT pg_terminate_backend(%s)", (pid,))
        with engine.begin() as conn:
            assert conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() != pid


def test_a_pool_that_is_used_up_is_unavailable_so_that_the_caller_tries_again(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    used_up = connect(databases.url("postgres"), pool_size=1)
    monkeypatch.setattr(used_up.pool, "_timeout", 0.01)
    try:
        with used_up.connect(), used_up.connect(), pytest.raises(DatabaseUnavailable, match="are in use"):
            used_up.connect()
        with used_up.connect() as conn:
            assert conn.exec_driver_sql("SELECT 1").scalar_one() == 1
    finally:
        used_up.dispose()


def test_deadlock_is_unavailable_so_that_the_caller_tries_again(engine: Engine) -> None:
    with engine.begin() as conn:
        first, second = a_ledger(conn, "A").ledger_id, a_ledger(conn, "B").ledger_id
    update = "UPDATE totals SET credit = credit + 1 WHERE ledger_id = %b"

    def cross(near: bytes, far: bytes) -> bool:
        try:
            with engine.begin() as conn:
                conn.exec_driver_sql(update, (near,))
                time.sleep(0.3)
                conn.exec_driver_sql(update, (far,))
        except DatabaseUnavailable as error:
            return error.got != "DeadlockDetected"
        return True

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(cross, (first, second), (second, first)))
    assert sorted(outcomes) == [False, True]


def test_broken_rule_stays_an_integrity_error_without_values(engine: Engine) -> None:
    with pytest.raises(IntegrityError) as error, engine.begin() as conn:
        conn.exec_driver_sql("INSERT INTO totals VALUES (%b, %s, 0)", (b"\xaa" * 32, 778899))
    assert "778899" not in str(error.value)
