"""Workers as processes of their own, each with its account."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Engine
from support.station import USCC, Site, Station

from chainsvc import devnet
from chainsvc.admin import Desk
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.signer import KeyFileSigner
from chainsvc.errors import DatabaseUnavailable
from chainsvc.ground import read_network
from chainsvc.journal import leases
from chainsvc.settings import load_settings

COMMAND = str(Path(sys.executable).parent / "chainsvc")
_PATIENCE_S = 100.0


def another_account(site: Site, name: str, *, delegated: bool = True) -> Path:
    """Return the key file of an account with gas money, which may act for the site's organization."""
    path = site.home / "keys" / f"{name}.account"
    if path.exists():
        return path
    address = KeyFileSigner.create(path).address
    devnet.fund(site.local, [address])
    if delegated:
        delegate(site, path)
    return path


def delegate(site: Site, account: Path) -> None:
    """Let an account act for the site's organization; one that acts for it already says so."""
    settings = load_settings(home=site.home)
    with closing(HttpNode(site.local.url)) as node:
        acting = KeyFileSigner.from_file(settings.key("account"))
        Desk(node, read_network(settings), acting).delegate(USCC, KeyFileSigner.from_file(account).address)


def environment(site: Site, engine: Engine, **more: str) -> dict[str, str]:
    """Return what a process on the site's node and the test's database needs."""
    return os.environ | {
        "CHAINSVC_HOME": str(site.home),
        "CHAINSVC_DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "CHAINSVC_NODE_URL": site.local.url,
        "CHAINSVC_DEFAULT_LONGEST_WAIT_S": "0.1",
        "CHAINSVC_POLL_S": "0.05",
        "CHAINSVC_LEASE_S": "2",
        **more,
    }


@contextmanager
def worker(
    site: Site, engine: Engine, account: Path, more: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run ``chainsvc worker`` with this account, from when it holds its lease."""
    chosen = environment(site, engine, CHAINSVC_ACCOUNT_KEY_FILE=str(account), **(more or {}))
    running = subprocess.Popen([COMMAND, "worker"], env=chosen, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    name = leases.of_account(KeyFileSigner.from_file(account).address)
    try:
        until(lambda: name in held(engine) or running.poll() is not None)
        assert running.poll() is None, "the worker ended"
        yield running
    finally:
        running.kill()
        running.wait()


def held(engine: Engine) -> dict[str, str]:
    """Return the holders of the leases that are held."""
    with engine.connect() as conn:
        return {one.name: one.holder for one in leases.held(conn)}


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; a database that is away is asked again."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        with suppress(DatabaseUnavailable):
            if holds():
                return
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def anchored(made: Station, names: Sequence[str]) -> bool:
    """Whether everything accepted in these ledgers is final, and no transaction is open."""
    facts = [made.parts.service.ledger(name) for name in names]
    with made.parts.engine.connect() as conn:
        open_ones = conn.exec_driver_sql("SELECT count(*) FROM transactions WHERE state IN ('signed', 'sent')")
        return open_ones.scalar_one() == 0 and all(one.entries == one.anchored_entries for one in facts)


def actors(engine: Engine) -> set[bytes]:
    """Return the accounts that anchored something."""
    with engine.connect() as conn:
        rows = conn.exec_driver_sql("SELECT DISTINCT actor FROM batches WHERE state = 'final'")
        return {bytes(actor) for actor in rows.scalars()}
