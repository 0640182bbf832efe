"""Writing files whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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


def _to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
