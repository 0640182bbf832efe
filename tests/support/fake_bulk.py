"""A bulk stream into the service on paper: every line goes the long way, whose grammar is the real one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import orjson

from chainsvc.client.problems import problem_of
from chainsvc.errors import ChainsvcError
from chainsvc.intake.long_way import LongWay
from chainsvc.intake.telling import Answer, lines_of, outcomes_of


@dataclass
class FakeBulk:
    """Answers each chunk at once; it implements BulkPort."""

    way: LongWay
    emit: Callable[[bytes], None]
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("lines", "accepted", "known", "refused"), 0))
    unanswered: set[int] = field(default_factory=set)
    last: int = 0

    def put(self, lines: Sequence[tuple[int, bytes]]) -> None:
        self.last = lines[-1][0]
        self.unanswered |= {number for number, _ in lines}
        for answer in self.way.take(lines):
            self._tell(answer)

    def catch_up(self) -> None:
        assert not self.unanswered

    def finish(self) -> None:
        self._tell({"end": self.counts})

    def stop(self, error: ChainsvcError) -> None:
        self._tell({"stopped": {"line": min(self.unanswered, default=self.last + 1), "problem": problem_of(error)}})

    def leave(self) -> None:
        """Nothing is ever under way."""

    def _tell(self, answer: Answer) -> None:
        answered = set(lines_of(answer))
        self.unanswered -= answered
        self.counts["lines"] += len(answered)
        for outcome in outcomes_of(answer):
            self.counts[outcome] += 1
        self.emit(orjson.dumps(answer) + b"\n")
