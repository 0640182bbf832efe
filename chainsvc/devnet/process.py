"""A process that we started, told apart from a stranger that got its number later.

A process number alone is no proof: after a reboot the same number may be someone else's. So the
time at which the process started is kept beside it, and nothing is signalled unless both agree.
"""

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_POLL_SECONDS = 0.02
_KILL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Process:
    """A process number with the start time that goes with it.

    Attributes:
        pid: Process number.
        started: Start time as the operating system words it (clock ticks on Linux, a date elsewhere).
    """

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Self:
        """Return the process that has this number now; ``started`` is empty when there is none."""
        return cls(pid, _start_time(pid))

    @property
    def alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        return bool(self.started) and _start_time(self.pid) == self.started

    def stop(self, patience: float) -> None:
        """End the process with SIGTERM, and with SIGKILL when ``patience`` seconds were not enough."""
        for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, _KILL_SECONDS)):
            if not self.alive:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
            self._wait(seconds)

    def kill(self) -> None:
        """End the process at once with SIGKILL, as a loss of power would."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self._wait(_KILL_SECONDS)

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.alive and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)


def _start_time(pid: int) -> str:
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        return _linux_start_time(stat)
    listed = subprocess.run(  # noqa: S603 - fixed command, the number is ours
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=1)
    return "" if not listed or listed[0].startswith("Z") else listed[-1].strip()


def _linux_start_time(stat: Path) -> str:
    # proc(5): the name in parentheses may hold spaces; state is field 3 and start time field 22
    try:
        fields = stat.read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in ("Z", "X") else fields[19]
