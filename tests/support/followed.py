"""Two PostgreSQL servers, of which one follows the other and takes over: what an operator's cluster manager does.

Replication is synchronous: a commit is told when both have it, so that a receipt outlives the loss of either.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from support.database import folder_for_server
from support.drill.database import ACCOUNT, Database, programs
from support.drill.programs import Pids
from support.ports import lasting_port
from support.workers import until

_IN_STEP = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'"


class Followed:
    """A cluster of two.

    Attributes:
        first: The server that writes.
        second: The one that follows.
    """

    def __init__(self, first: Database, second: Database) -> None:
        self.first, self.second = first, second
        first.create()
        _started(first)
        self._follow()

    @property
    def url(self) -> str:
        """Both servers, as a deployment names them; which of them writes is found out by asking."""
        hosts = "&".join(f"host=127.0.0.1:{server.port}" for server in sorted([self.first, self.second], key=_port))
        return f"postgresql://postgres@/postgres?{hosts}"

    def fail_over(self) -> None:
        """Kill the server that writes, and let the other one write."""
        self.first.kill()
        _tell(self.second, "SELECT pg_promote(wait => true)")
        self.first, self.second = self.second, self.first

    def rejoin(self) -> None:
        """Let the killed server follow: what it had and the other has not is gone with it."""
        shutil.rmtree(self.second.folder / "data")
        self._follow()

    def _follow(self) -> None:
        """Copy the first server's files into the second's folder and start it; from then on no commit goes without."""
        words = ["-h", "127.0.0.1", "-p", str(self.first.port), "-U", "postgres", "--checkpoint=fast", "--no-sync"]
        target = ["-D", str(self.second.folder / "data"), "--write-recovery-conf"]
        subprocess.run([str(programs() / "pg_basebackup"), *words, *target], check=True, cwd="/", user=ACCOUNT)
        _started(self.second)
        _tell(self.first, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        until(lambda: _tell(self.first, _IN_STEP) == 1)


def _port(server: Database) -> int:
    return server.port


def _started(server: Database) -> None:
    server.start()
    until(server.is_ready)


def _tell(server: Database, *statements: str) -> object:
    with psycopg.connect(server.url, autocommit=True) as conn:
        *_, last = [conn.execute(statement) for statement in statements]
        row = last.fetchone()
    return row and row[0]


@contextmanager
def followed() -> Iterator[Followed]:
    """Run the two; leaving kills both and deletes their files."""
    with folder_for_server() as folder:
        folder.chmod(0o755)
        servers = [_server(folder / name) for name in ("one", "two")]
        try:
            yield Followed(*servers)
        finally:
            for server in servers:
                server.kill()
                server.remove()


def _server(folder: Path) -> Database:
    logs, files = folder / "logs", folder / "files"
    logs.mkdir(parents=True)
    files.mkdir()
    server = Database(files, lasting_port(), logs, Pids(logs / "pids"))
    if ACCOUNT:
        shutil.chown(files, ACCOUNT)
    return server
