"""What is measured on: a local chain, an embedded PostgreSQL that waits for its disk, one organization, one service."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from chainsvc import devnet, ground, keyring
from chainsvc.admin import Desk
from chainsvc.api.ports import Caller, Scope
from chainsvc.bootstrap import Running
from chainsvc.chain.http_node import HttpNode
from chainsvc.chain.institutions import Purpose, Role
from chainsvc.chain.signer import KeyFileSigner
from chainsvc.crypto.keys import SigningKey
from chainsvc.crypto.suites import SHA256
from chainsvc.errors import NotReady
from chainsvc.journal import keys, ledgers
from chainsvc.journal.ledgers import Ledger
from chainsvc.settings import Settings, load_settings

USCC = "533206001803406341"
"""The charity that everything belongs to."""

_STOP_S = 20.0


@dataclass(frozen=True, slots=True)
class Bed:
    """A network with one organization.

    Attributes:
        settings: Of the service; the defaults but for folder, port and the size of a batch.
        local: The chain.
    """

    settings: Settings
    local: devnet.Devnet

    def name(self, book: str) -> str:
        """Return the name of a ledger of the organization."""
        return f"charity/{USCC}/{book}"


@contextmanager
def made(home: Path, batch: int, engine: str = "anvil") -> Iterator[Bed]:
    """Start a chain in the folder, deploy, register; leaving the context stops it.

    Args:
        home: An empty folder.
        batch: Entries that fill a batch.
        engine: Of the chain.
    """
    settings = load_settings(home=home, port=0, largest_batch=batch)
    with ExitStack() as stack:
        local = devnet.up(home / "devnet", engine=engine)
        stack.callback(devnet.down, home / "devnet")
        stack.enter_context(devnet.tended(home / "devnet"))
        keyring.make_keys(settings)
        network = ground.deploy_devnet(settings, local)
        with closing(HttpNode(local.url)) as node:
            _register(settings, Desk(node, network, keyring.read_admin(settings)))
        yield Bed(settings, local)


def _register(settings: Settings, desk: Desk) -> None:
    desk.register(USCC, Role.ISSUER | Role.OPERATOR)
    desk.delegate(USCC, KeyFileSigner.from_file(settings.key("account")).address)
    receipt = SigningKey.from_file(settings.key("receipt"))
    desk.add_key(USCC, receipt.alg, receipt.public, receipt.key_id, Purpose.RECEIPT)


def open_ledger(parts: Running, name: str, caller: Caller) -> Ledger:
    """Open a ledger on chain and return the journal's row of it."""
    parts.service.open_ledger(name, SHA256, signed=False, caller=caller)
    with parts.engine.connect() as conn:
        return ledgers.by_name(conn, name)


def api_key(parts: Running) -> str:
    """Return a new API key of the organization."""
    with parts.engine.begin() as conn:
        return keys.create(conn, USCC, list(Scope), label="bench", now=int(time.time()))[1]


@contextmanager
def service(bed: Bed) -> Iterator[str]:
    """Run the API as a process of its own and yield its address; leaving the context stops it.

    It seals and anchors nothing: that is the :func:`worker`'s.
    """
    with _running(bed, "serve", "--no-worker") as url:
        yield url


@contextmanager
def worker(bed: Bed) -> Iterator[None]:
    """Run a worker as a process of its own; leaving the context stops it."""
    with _running(bed, "worker"):
        yield


@contextmanager
def _running(bed: Bed, *words: str) -> Iterator[str]:
    """Run a command that serves, and yield the address that it announces."""
    settings = bed.settings
    values = {"CHAINSVC_HOME": str(settings.home), "CHAINSVC_LARGEST_BATCH": str(settings.largest_batch)}
    line = [str(Path(sys.executable).with_name("chainsvc")), *words, "--json", "--port", "0", "--log-level", "ERROR"]
    log = settings.home / f"{words[0]}.log"
    with log.open("w") as errors:
        process = subprocess.Popen(line, env=os.environ | values, stdout=subprocess.PIPE, stderr=errors)
    try:
        yield _address(process, log)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    assert process.stdout is not None
    announced = process.stdout.readline()
    if not announced:
        raise NotReady("it did not start", got=log.read_text()[-500:], where=log.stem)
    return str(orjson.loads(announced)["url"])
