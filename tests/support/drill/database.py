"""A PostgreSQL server of a drill's own: it listens on loopback, and its disk can be full."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psycopg
from support.drill.programs import Pids, Program

from chainsvc.journal.embedded import _wheel

ACCOUNT = "nobody" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
_DISK_BYTES = 1 << 30
_LEFT_BYTES = 64 << 10
_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "min_wal_size": "8MB",
    "max_wal_size": "32MB",  # little is kept for reuse, so that a full disk is felt at once
}


class Database(Program):
    """One server.

    Args:
        folder: Where its files go; other accounts must be able to reach it.
        port: On the loopback interface.
        logs: Folder of its log.
        pids: Where its process number is kept.
    """

    stop_signal = signal.SIGINT  # "fast": sessions are ended

    def __init__(self, folder: Path, port: int, logs: Path, pids: Pids) -> None:
        self.folder, self.port = folder, port
        self.disk = _own_disk(folder)
        options = [word for name, value in _OPTIONS.items() for word in ("-c", f"{name}={value}")]
        line = [str(programs() / "postgres"), "-D", str(folder / "data"), "-p", str(port), *options]
        super().__init__("database", line, logs, pids, self._answers, user=ACCOUNT)

    @property
    def url(self) -> str:
        """Where it answers, past all proxies."""
        return url_of(self.port)

    def create(self) -> None:
        """Make an empty cluster."""
        if ACCOUNT:
            shutil.chown(self.folder, ACCOUNT)
        line = [
            str(programs() / "initdb"),
            "-D",
            str(self.folder / "data"),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        line += ["--no-locale", "--wal-segsize=1"]
        subprocess.run(line, check=True, stdout=subprocess.DEVNULL, cwd="/", user=ACCOUNT)

    def fill(self) -> None:
        """Let the disk be full."""
        used = shutil.disk_usage(self.folder).used
        self._struck = True  # without room for its log of changes the server gives up
        with suppress(subprocess.CalledProcessError):
            self._remount(used + _LEFT_BYTES)

    def relieve(self) -> None:
        """Let there be room again."""
        if self.disk is None:
            self._remount(_DISK_BYTES)

    def remove(self) -> None:
        """Delete everything."""
        remove_disk(self.folder)

    def _remount(self, size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(self.folder)], check=True, stderr=subprocess.DEVNULL)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=2) as conn:
                conn.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True


def programs() -> Path:
    """Return the folder of the embedded server's programs, of the version that the service runs."""
    utils = _wheel().utils
    folder: Path = utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]
    return folder


def url_of(port: int) -> str:
    """Return the URL of the database behind a port."""
    return f"postgresql://postgres@127.0.0.1:{port}/postgres"


def _own_disk(folder: Path) -> str | None:
    """Give the folder a small disk of its own; return why it has none, None when it has."""
    if os.path.ismount(folder):
        return None
    line = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES},mode=0755", "drill", str(folder)]
    try:
        done = subprocess.run(line, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"no full disk: {error}"
    return None if done.returncode == 0 else f"no full disk: {done.stderr.strip()}"


def remove_disk(folder: Path) -> None:
    """Unmount and delete a database's folder."""
    if os.path.ismount(folder):
        subprocess.run(["umount", "--lazy", str(folder)], check=False)
    shutil.rmtree(folder, ignore_errors=True)
