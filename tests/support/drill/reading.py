"""What the processes of a drill wrote into their logs: which troubles they met, and what nobody foresaw."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import orjson

_TOLD = (
    "vanished",
    "final_taken_back",
    "node_left_out",
    "lease_lost",
    "outage",
    "ledger_held",
    "mark_refused",
    "nonce_taken",
    "fee_raised",
    "call_refused",
)


class Logs:
    """The logs of the service's processes, read on from where they were read last.

    Attributes:
        events: How often something worth a figure was logged.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self.events: Counter[str] = Counter()
        self._paths = tuple(paths)
        self._read: Counter[Path] = Counter()

    def unforeseen(self) -> list[str]:
        """Read what is new, and return each exception in it: even a broken part is no reason for one."""
        found = []
        for path in self._paths:
            with path.open("rb") as log:
                log.seek(self._read[path])
                for line in log:
                    found += self._look(path, line)
                self._read[path] = log.tell()
        return found

    def _look(self, path: Path, line: bytes) -> list[str]:
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:  # words for people, or cut off by a kill
            return [f"{path.name} has a traceback"] if line.startswith(b"Traceback") else []
        self.events[event["event"]] += event["event"] in _TOLD
        if "exception" not in event:
            return []
        return [f"{path.name}: {event['event']}: {event['exception'].strip().splitlines()[-1]}"]
