"""The watchdog that operators have beside their validators: an equal split may come at any time."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from support.workers import COMMAND

_TIDY_S = 180.0  # for a cure that it is in the middle of


@contextmanager
def watchdog(home: Path, log: Path) -> Iterator[Callable[[], str]]:
    """Run ``devnet watch --cure`` for a home meanwhile; gives what it has told so far."""
    line = [str(COMMAND), "devnet", "watch", "--cure"]
    environment = os.environ | {"CHAINSVC_HOME": str(home)}
    with log.open("wb") as told, subprocess.Popen(line, env=environment, stdout=told, stderr=told) as watching:
        try:
            yield log.read_text
            assert watching.poll() is None, log.read_text()
        finally:
            watching.terminate()  # an interrupt is ignored where the tests run in the background
            try:
                watching.wait(_TIDY_S)
            except subprocess.TimeoutExpired:
                watching.kill()
            sys.stderr.write(log.read_text())
