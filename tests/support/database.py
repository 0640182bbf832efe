"""Databases for tests: one server a session; an empty journal a test, or a fresh database from a migrated template.

The server is the embedded one. ``SYSTEM_SERVERS`` lists what the machine has besides, for tests of the schema.
"""

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url

from chainsvc.journal import schema
from chainsvc.journal.embedded import EmbeddedServer
from chainsvc.journal.engine import connect
from chainsvc.journal.webhook_tables import deliveries

SYSTEM_SERVERS = tuple(sorted(path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")))
"""Folders with the programs of the PostgreSQL servers that the system has installed."""

TEMPLATE = "journal_template"
_numbers = itertools.count(1)


class Databases:
    """Makes databases on one server.

    Args:
        url: Of the server's maintenance database.
    """

    def __init__(self, url: str) -> None:
        self._admin = connect(url)

    def url(self, name: str) -> str:
        """Return the URL of a database on this server."""
        return make_url(str(self._admin.url)).set(database=name).render_as_string(hide_password=False)

    def create(self, template: str = "template0") -> str:
        """Make a database and return its name."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def make_template(self) -> None:
        """Migrate a database once; clones of it are journals too."""
        self._run(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")
        engine = connect(self.url(TEMPLATE))
        schema.upgrade(engine)
        engine.dispose()

    @contextmanager
    def engine(self, template: str = TEMPLATE) -> Iterator[Engine]:
        """Give an engine on a fresh database, and drop it afterwards."""
        name = self.create(template)
        engine = connect(self.url(name))
        try:
            yield engine
        finally:
            engine.dispose()
            self.drop(name)

    def hurry(self) -> None:
        """Do not wait for the disk: the machine itself does not crash in a test."""
        self._run("ALTER SYSTEM SET fsync = off")
        self._run("SELECT pg_reload_conf()")

    def end_sessions(self) -> None:
        """End every session but this one, as a server that restarts does."""
        self._run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    def close(self) -> None:
        self._admin.dispose()

    def _run(self, statement: str) -> None:
        with self._admin.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.exec_driver_sql(statement)


@contextmanager
def folder_for_server() -> Iterator[Path]:
    """Give an empty folder that the server's account can reach, and delete it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="chainsvc-pg-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def system_server(programs: Path) -> Iterator[str]:
    """Run a server of the system's PostgreSQL in a folder of its own, and give the URL of its database.

    PostgreSQL refuses to run as root; there it runs as the account ``nobody``.
    """
    with folder_for_server() as folder:
        yield from _run_system_server(programs, folder)


def _run_system_server(programs: Path, folder: Path) -> Iterator[str]:
    account = "nobody" if os.geteuid() == 0 else None
    if account:
        shutil.chown(folder, account)

    def run(*command: str) -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", user=account)

    data = folder / "data"
    run(str(programs / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync")
    control = (str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"))
    run(*control, "-o", f"-k {folder} -c listen_addresses='' -c fsync=off", "start")
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        run(*control, "-m", "immediate", "stop")


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[EmbeddedServer]:
    """The embedded PostgreSQL, started once.

    Not below pytest's own folder: run as root, the server is another account, and any pytest that starts meanwhile
    shuts that folder against other accounts.
    """
    with folder_for_server() as folder, EmbeddedServer(folder / "pg") as server:
        yield server


@pytest.fixture(scope="session")
def databases(embedded_server: EmbeddedServer) -> Iterator[Databases]:
    """Databases on the embedded server, with a migrated template."""
    made = Databases(embedded_server.url())
    made.hurry()
    made.make_template()
    yield made
    made.close()


@pytest.fixture(scope="session")
def _shared(databases: Databases) -> Iterator[Engine]:
    with databases.engine() as shared:
        yield shared


@pytest.fixture
def engine(_shared: Engine) -> Engine:
    """An engine on an empty, migrated journal: one database, emptied before each test (5 ms; a new one takes 250)."""
    empty(_shared)
    return _shared


def empty(engine: Engine) -> None:
    """Delete every row, past the triggers that refuse just that."""
    with engine.begin() as conn:
        conn.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for table in deliveries.metadata.tables:
            conn.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608 (our own table names)
