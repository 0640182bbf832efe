"""Several workers on one journal: killed, paused, cut off, with wrong clocks; nothing is lost, nothing twice."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine
from support.database import folder_for_server
from support.everything import check_everything
from support.followed import followed
from support.records import donation
from support.station import Site, Station, station
from support.workers import actors, anchored, another_account, held, until, worker

from chainsvc.anchor.sharing import favourite
from chainsvc.chain.signer import KeyFileSigner
from chainsvc.client.answers import Accepted
from chainsvc.errors import DatabaseUnavailable
from chainsvc.journal import leases, schema
from chainsvc.journal.embedded import EmbeddedServer
from chainsvc.journal.engine import connect

_LEDGERS = 2  # for each account
_CLOCK = """
import os, time
_true = time.time
time.time = lambda: _true() + float(os.environ["AHEAD_S"])
"""


_CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Load:
    """Hands over records to all ledgers in turn until told to end; an outage of the database is waited out."""

    def __init__(self, made: Station, names: list[str]) -> None:
        self.receipts = {name: list[Accepted]() for name in names}
        self._made = made
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        number = 0
        while not self._ending.wait(0.2):
            number += 1
            for name in self.receipts:
                with suppress(DatabaseUnavailable):
                    self.receipts[name] += self._made.accept(name, [donation(name, number)])

    def end(self) -> None:
        self._ending.set()
        self._thread.join()


@contextmanager
def under_load(made: Station, accounts: Sequence[Path]) -> Iterator[list[str]]:
    """Give ledgers that records come into, two for each account; afterwards everything has to be final, once."""
    names = _ledgers(made, accounts)
    made.settle(names[-1])
    made.parts.worker.stop(1)
    load = Load(made, names)
    try:
        yield names
        until(lambda: all(load.receipts.values()))  # each ledger was busy, however short the trouble was
    finally:
        load.end()
    until(lambda: anchored(made, names))
    for name, receipts in load.receipts.items():
        check_everything(made, name, receipts)


def _ledgers(made: Station, accounts: Sequence[Path]) -> list[str]:
    """Open ledgers until each account is the favourite of two."""
    among = sorted(addresses(*accounts))
    found: dict[bytes, list[str]] = {address: [] for address in among}
    while any(len(names) < _LEDGERS for names in found.values()):
        facts = made.open()
        found[favourite(facts.ledger_id, among)].append(facts.name)
    return [name for names in found.values() for name in names[:_LEDGERS]]


def addresses(*accounts: Path) -> set[bytes]:
    return {KeyFileSigner.from_file(account).address for account in accounts}


@pytest.fixture
def accounts(site: Site) -> tuple[Path, Path]:
    return another_account(site, "second"), another_account(site, "third")


def test_two_workers_anchor_different_ledgers(site: Site, engine: Engine, accounts: tuple[Path, Path]) -> None:
    one, two = accounts
    with station(site, engine) as made, worker(site, engine, one), worker(site, engine, two):
        with under_load(made, accounts):
            until(lambda: addresses(one, two) <= actors(engine))
        assert made.parts.service.ready().parts["worker"] == "ok"


def test_a_killed_workers_ledgers_and_transactions_pass_on(
    site: Site, engine: Engine, accounts: tuple[Path, Path]
) -> None:
    one, two = accounts
    with station(site, engine) as made, worker(site, engine, one) as first, worker(site, engine, two):
        with under_load(made, accounts):
            until(lambda: addresses(one, two) <= actors(engine))
            first.send_signal(signal.SIGKILL)
            first.wait()
            until(lambda: leases.of_account(next(iter(addresses(one)))) not in held(engine))
        assert leases.WATCH in held(engine)


def test_a_worker_that_slept_past_its_lease_is_fenced(site: Site, engine: Engine, accounts: tuple[Path, Path]) -> None:
    one, two = accounts
    with station(site, engine) as made, worker(site, engine, one) as first, worker(site, engine, two):
        with under_load(made, accounts):
            until(lambda: addresses(one, two) <= actors(engine))
            first.send_signal(signal.SIGSTOP)
            until(lambda: leases.of_account(next(iter(addresses(one)))) not in held(engine))
            until(lambda: not ledgers_under(engine, one))
            first.send_signal(signal.SIGCONT)
            until(lambda: leases.of_account(next(iter(addresses(one)))) in held(engine))
        assert first.poll() is None


def ledgers_under(engine: Engine, account: Path) -> int:
    with engine.connect() as conn:
        return int(
            conn.exec_driver_sql(
                "SELECT count(*) FROM ledger_leases WHERE lease = %s",
                (leases.of_account(KeyFileSigner.from_file(account).address),),
            ).scalar_one()
        )


def test_a_standby_takes_over_an_account(site: Site, engine: Engine, accounts: tuple[Path, Path]) -> None:
    one, _ = accounts
    with station(site, engine) as made, worker(site, engine, one) as first:
        before = held(engine)
        with worker(site, engine, one), under_load(made, [one]):
            assert held(engine)[leases.of_account(next(iter(addresses(one))))] in before.values()
            first.send_signal(signal.SIGKILL)
            until(lambda: not set(held(engine).values()) & set(before.values()))


def test_clocks_that_are_hours_wrong_harm_nothing(
    site: Site, engine: Engine, accounts: tuple[Path, Path], tmp_path: Path
) -> None:
    one, two = accounts
    (tmp_path / "sitecustomize.py").write_text(_CLOCK)
    ahead, behind = ({"PYTHONPATH": str(tmp_path), "AHEAD_S": shift} for shift in ("7200", "-7200"))
    with (
        station(site, engine) as made,
        worker(site, engine, one, ahead),
        worker(site, engine, two, behind),
        under_load(made, accounts),
    ):
        until(lambda: addresses(one, two) <= actors(engine))


def test_connections_cut_in_the_middle_of_rounds_are_made_anew(
    site: Site, engine: Engine, accounts: tuple[Path, Path]
) -> None:
    one, two = accounts
    with (
        station(site, engine) as made,
        worker(site, engine, one) as first,
        worker(site, engine, two) as second,
        under_load(made, accounts),
    ):
        for _ in range(15):
            time.sleep(0.2)
            with engine.connect() as conn:
                conn.exec_driver_sql(_CUT)
    assert first.returncode == second.returncode == -signal.SIGKILL


def crash(server: EmbeddedServer) -> None:
    """End all of the server's processes at once, as a crash does: the next start recovers from the log."""
    pid = server.pid
    os.kill(pid, signal.SIGQUIT)
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    server.stop()


def test_workers_outlive_a_database_that_crashes_and_recovers(site: Site, accounts: tuple[Path, Path]) -> None:
    with folder_for_server() as folder, EmbeddedServer(folder / "pg") as server:
        engine = connect(server.url())
        schema.upgrade(engine)
        with (
            station(site, engine) as made,
            worker(site, engine, accounts[0]),
            worker(site, engine, accounts[1]),
            under_load(made, accounts),
        ):
            until(lambda: len(actors(engine)) > 1)
            crash(server)
            server.start()
            time.sleep(1)
        engine.dispose()


def test_a_standby_database_takes_over_and_back_again(site: Site, accounts: tuple[Path, Path]) -> None:
    with followed() as servers:
        engine = connect(servers.url)
        schema.upgrade(engine)
        with (
            station(site, engine) as made,
            worker(site, engine, accounts[0]) as first,
            worker(site, engine, accounts[1]) as second,
            under_load(made, accounts) as names,
        ):
            until(lambda: len(actors(engine)) > 1)
            for _ in range(2):
                before = final(made, names)
                servers.fail_over()
                until(lambda: final(made, names) > before)  # noqa: B023 - used up before it changes
                servers.rejoin()
            assert first.poll() is second.poll() is None
        engine.dispose()


def final(made: Station, names: Sequence[str]) -> int:
    return sum(made.parts.service.ledger(name).anchored_entries for name in names)
