"""Files: written whole or not at all, and secret ones read only where nobody else may."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

from chainsvc.errors import ConfigurationRefused

_OTHERS = 0o077


class FileMark(NamedTuple):
    """What tells one state of a file from another; a file that is replaced is another inode."""

    inode: int
    changed_ns: int
    size: int

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """Return a file's mark as it is now; None where there is none, or it can't be looked at."""
        try:
            state = path.stat()
        except OSError:
            return None
        return cls(state.st_ino, state.st_mtime_ns, state.st_size)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a place beside ``path``; what is written there takes the place of ``path`` at the end, at once.

    Until then, and after an error, a kill or a loss of power, ``path`` is as it was. Where nothing was written, it
    stays so. A link stays a link; what is no file (``/dev/null``, a pipe) is written to directly.

    Raises:
        OSError: The folder can't be written to; ``path`` is as it was.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    path = path.resolve()
    beside = path.with_name(f"{path.name}.part")
    beside.unlink(missing_ok=True)  # of a writer that was killed
    try:
        yield beside
        if beside.exists():
            _to_disk(beside)
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside ``path``, which is not there yet; it becomes ``path`` at the end, at once.

    After an error nothing is left of it; after a kill or a loss of power ``path`` is not there, and what stands
    beside it as ``NAME.part`` goes with the next call. The writer brings each file to the disk itself.

    Raises:
        FileExistsError: There is something at ``path``.
        OSError: The folder above can't be written to.
    """
    if path.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part")
    shutil.rmtree(beside, ignore_errors=True)  # of a writer that was killed
    beside.mkdir(mode=0o700)
    try:
        yield beside
        sync_folder(beside)
        beside.rename(path)
        sync_folder(path.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def sync_folder(path: Path) -> None:
    """Bring the names in a folder to the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def read_secret(path: Path) -> str:
    """Return the text of a file that holds a key, a password or a PIN.

    Raises:
        ConfigurationRefused: It can't be read, or others than its owner may read it too.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationRefused("a key file can't be read", where=str(path), got=type(error).__name__) from None
    if mode & _OTHERS:
        raise ConfigurationRefused(
            "others may read a key file",
            expected="mode 0600",
            got=f"{mode & 0o777:04o}",
            where=str(path),
            hint=f"chmod 600 {path}",
        )
    return text


def write_secret(path: Path, text: str) -> None:
    """Write a secret to a new file that only its owner may read (mode 0600).

    Raises:
        FileExistsError: The file is there already; a secret is never written over.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(text)
