"""The fault table: each durable or external step fails before it happened, or just after it did.

One run without a fault counts the steps; then each step fails once, both ways, the process "restarts" with new parts
on the same journal, and afterwards everything must be there exactly once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import Engine
from support.database import Databases, empty
from support.everything import check_everything
from support.records import corrected, disbursement, donation
from support.station import Site, Station, station

from chainsvc.chain.http_node import HttpNode
from chainsvc.client.answers import Accepted
from chainsvc.drafts import Draft
from chainsvc.errors import DatabaseUnavailable
from chainsvc.intake.matching import Matcher

STEPS = ("commit", "send", "receipt")
"""What can fail: a commit of the journal, a broadcast, a look at a transaction's receipt."""


class Crash(BaseException):
    """The process dies here; nothing but the test may catch it."""


class Faults:
    """Counts steps, and lets the one fail that is asked for."""

    def __init__(self, step: str | None = None, number: int = -1, *, after: bool = False) -> None:
        self.counts = dict.fromkeys(STEPS, 0)
        self._step, self._number, self._after = step, number, after

    def around(self, step: str, act: Callable[..., Any]) -> Callable[..., Any]:
        """Return the act, failing before or after it when its turn comes."""

        def acting(*args: Any, **kwargs: Any) -> Any:
            fails = step == self._step and self.counts[step] == self._number
            self.counts[step] += 1
            if fails and not self._after:
                raise Crash
            result = act(*args, **kwargs)
            if fails:
                raise Crash
            return result

        return acting


@contextmanager
def under(faults: Faults, engine: Engine) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.dialect, "do_commit", faults.around("commit", engine.dialect.do_commit))
        patch.setattr(HttpNode, "send", faults.around("send", HttpNode.send))
        patch.setattr(HttpNode, "receipt", faults.around("receipt", HttpNode.receipt))
        yield


def work(made: Station, name: str, receipts: list[Accepted]) -> None:
    """Hand over two chunks and a correction, and anchor everything; what is known already comes back."""
    receipts += made.accept(name, [donation(name, n) for n in range(4)])
    made.parts.worker.round()
    receipts += made.accept(name, [disbursement(name, 1, 5_000)])
    first = next(r for r in receipts if r.reference == "JZ1")
    receipts += made.accept(name, [corrected(donation(name, 1), first.commitment, 9_000)])
    made.settle(name)


def run(site: Site, engine: Engine, faults: Faults) -> None:
    empty(engine)
    receipts: list[Accepted] = []
    with station(site, engine) as made:
        name = made.open().name
        made.settle(name)
        with suppress(Crash, DatabaseUnavailable), under(faults, made.parts.engine):
            work(made, name, receipts)
    with station(site, engine) as again:
        work(again, name, receipts)
        check_everything(again, name, receipts)


@pytest.fixture(scope="module")
def steps(site: Site, _shared: Engine) -> dict[str, int]:
    """How often each step happens in a run without a fault."""
    faults = Faults()
    run(site, _shared, faults)
    assert all(faults.counts.values()), faults.counts
    return faults.counts


@pytest.mark.parametrize("after", [False, True], ids=["not-done", "done"])
@pytest.mark.parametrize("step", STEPS)
def test_nothing_is_lost_or_doubled_when_a_step_fails(
    site: Site,
    engine: Engine,
    steps: dict[str, int],
    step: str,
    after: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    for number in range(steps[step]):
        run(site, engine, Faults(step, number, after=after))


def test_a_database_that_goes_away_between_two_records_refuses_neither(
    service: Station, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = service.open().name
    firsts = service.accept(name, [donation(name, n) for n in range(2)])
    check = Matcher.check_revision

    def check_without_database(matcher: Matcher, draft: Draft) -> None:
        databases.end_sessions()
        check(matcher, draft)

    again = [corrected(donation(name, n), first.commitment, 9_000) for n, first in enumerate(firsts)]
    with monkeypatch.context() as patch:
        patch.setattr(Matcher, "check_revision", check_without_database)
        with pytest.raises(DatabaseUnavailable):
            service.send(name, again)
    service.accept(name, again)
