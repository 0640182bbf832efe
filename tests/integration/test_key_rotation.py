"""Every key of the service is replaced while records come in: no receipt is lost, and each verifies afterwards."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine
from support.command_line import call, document, problem
from support.everything import check_everything
from support.ports import lasting_port
from support.records import donation
from support.station import USCC, Site, build_site, station
from support.workers import COMMAND, actors, environment, until

from chainsvc import devnet
from chainsvc.chain.accounts import open_account
from chainsvc.checkpoint import Checkpoint
from chainsvc.client import Accepted, Client
from chainsvc.crypto.keys import SigningKey
from chainsvc.errors import ChainsvcError, Unavailable
from chainsvc.ground import read_network
from chainsvc.journal import keys
from chainsvc.keyring import checkpoint_signers
from chainsvc.record import Record
from chainsvc.settings import load_settings
from chainsvc.succession import Successor, follow
from chainsvc.verify import verify

_PAUSE_S = 0.3  # business systems leave the service some of two cores

pytestmark = [pytest.mark.node, pytest.mark.database]


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Site]:
    try:
        yield build_site(tmp_path)
    finally:
        devnet.down(tmp_path / "devnet")


@dataclass
class Load:
    """Two business systems that hand records over until they are told to stop: single ones, and many at once."""

    name: str
    url: str
    token: str
    receipts: list[Accepted] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=count)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self, size: int) -> None:
        while not self.stopping.wait(_PAUSE_S):
            try:
                self._hand_over([donation(self.name, next(self.numbers)) for _ in range(size)])
            except ChainsvcError as error:
                self.failures.append(f"{type(error).__name__}: {error}")
                return

    def _hand_over(self, records: Sequence[Record]) -> None:
        """Send again until it is answered, as every business system does."""
        while True:
            try:
                with Client(self.url, self.token, retry_s=0) as client:  # opened anew, with the key of the day
                    single = len(records) == 1
                    answers = [client.notarize(records[0])] if single else list(client.notarize_many(records))
            except Unavailable:
                time.sleep(0.05)
                continue
            self.receipts += [answer for answer in answers if isinstance(answer, Accepted)]
            self.failures += [str(answer) for answer in answers if not isinstance(answer, Accepted)]
            return

    def more(self, by: int = 20) -> None:
        """Wait until so many more were accepted."""
        aim = len(self.receipts) + by
        until(lambda: len(self.receipts) >= aim or bool(self.failures))
        assert self.failures == []

    def signed_by(self, public: bytes) -> None:
        """Wait until the newest receipts are all by this key."""
        until(lambda: all(one.receipt.pubkey == public for one in self.receipts[-20:]) or bool(self.failures))
        assert self.failures == []


@contextmanager
def load(name: str, url: str, token: str) -> Iterator[Load]:
    made = Load(name, url, token)
    threads = [threading.Thread(target=made.run, args=(size,)) for size in (1, 8)]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        made.stopping.set()
        for thread in threads:
            thread.join(120)


@dataclass
class Plant:
    """What runs: processes of a service on their own site."""

    site: Site
    engine: Engine

    @contextmanager
    def process(self, *words: str, **more: str) -> Iterator[str]:
        """Run a command that serves, from when it is ready."""
        url = f"http://127.0.0.1:{lasting_port()}"
        chosen = environment(self.site, self.engine, CHAINSVC_DRAFT_PROCESSES="0", **more)
        command = [COMMAND, *words, "--port", url.rpartition(":")[2]]
        running = subprocess.Popen(command, env=chosen, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: running.poll() is not None or _answers(url))
            assert running.poll() is None, "the process ended"
            yield url
        finally:
            running.terminate()
            running.wait(100)

    def run(self, *words: str) -> Any:
        """Run a command in this process and return what it says."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment(self.site, self.engine).items():
                patch.setenv(name, value)
            done = call(*words, "--json")
        assert done.exit_code == 0, done.output
        return document(done)

    def settings(self) -> Any:
        return load_settings(home=self.site.home)


def _answers(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/readyz", trust_env=False).is_success
    return False


@pytest.mark.timeout(900)  # a minute where nothing else runs
def test_every_key_is_replaced_under_load(own_site: Site, engine: Engine, tmp_path: Path) -> None:
    plant = Plant(own_site, engine)
    with station(own_site, engine) as made:
        name = made.open().name
        made.settle(name)
        with made.parts.engine.begin() as conn:
            key, token = keys.create(conn, USCC, ["notarize", "read"], label="load", now=int(time.time()))
    with ExitStack() as stack:
        url = stack.enter_context(plant.process("serve", "--processes", "2"))
        sent = stack.enter_context(load(name, url, token))
        sent.more()
        former = _replace_receipt_key(plant, sent)
        _replace_checkpoint_key(plant, sent, url)
        _replace_kek(plant, sent)
        _replace_api_key(plant, sent, key.key_id, tmp_path / "new.apikey")
        account = _replace_account(plant, stack)
        sent.more()
        sent.stopping.set()
        until(lambda: _anchored(plant))
    assert sent.failures == []
    assert account in actors(engine)
    by_key = {one.receipt.pubkey for one in sent.receipts}
    assert len(by_key) == 2
    assert former in by_key
    _check_receipts(plant, name, sent.receipts)


def _replace_receipt_key(plant: Plant, sent: Load) -> bytes:
    """Replace it, and return the old one's public half."""
    file = plant.settings().key("receipt")
    old = SigningKey.from_file(file)
    told = plant.run("key", "rotate", "receipt")
    assert (told["old"], told["uscc"]) == (old.key_id.hex(), USCC)
    new = SigningKey.from_file(file)
    assert told["new"] == new.key_id.hex() != told["old"]
    assert SigningKey.from_file(Path(told["kept"])).public == old.public
    sent.signed_by(new.public)
    registered = plant.run("key", "show", old.key_id.hex())
    assert registered["until"] == told["old_until"] > time.time() + 86_400
    return old.public


def _replace_checkpoint_key(plant: Plant, sent: Load, url: str) -> None:
    """Replace it: the processes sign with both keys at once, for who pinned either descriptor."""
    before = read_network(plant.settings())
    with Client(url, sent.token) as client:
        first = client.checkpoint()
        told = plant.run("key", "rotate", "checkpoint")
        after = read_network(plant.settings())
        sent.more()
        until(lambda: client.checkpoint() != first)
        found = Checkpoint.parse(client.checkpoint().encode())
    assert str(after.signers[0]) == told["new"]
    assert [found.verify(network.signers) for network in (before, after)] == [before.signers, after.signers]


def _replace_kek(plant: Plant, sent: Load) -> None:
    file = plant.settings().key("kek")
    old = file.read_bytes()
    told = plant.run("key", "rotate", "kek")
    assert told["chunks"] > 0
    assert Path(told["kept"]).read_bytes() == old
    assert file.read_bytes() != old
    Path(told["kept"]).unlink()  # nothing needs it any more
    sent.more()


def _replace_api_key(plant: Plant, sent: Load, key_id: str, file: Path) -> None:
    made = plant.run("key", "api", "rotate", key_id, "-o", str(file))
    sent.more()
    sent.token = file.read_text().strip()
    sent.more()  # whatever was under way with the old one has been answered
    plant.run("key", "api", "revoke", key_id)
    assert made["id"] != key_id
    sent.more()


def _replace_account(plant: Plant, stack: ExitStack) -> bytes:
    """Let another account anchor, and return it."""
    file = plant.site.home / "keys" / "second.account"
    told = plant.run("key", "rotate", "account", str(file))
    assert (told["organizations"], told["new"], told["has_gas"]) == ([USCC], [USCC], False)
    address = open_account(str(file)).address
    devnet.fund(plant.site.local, [address])
    stack.enter_context(plant.process("worker", CHAINSVC_ACCOUNT_KEYS=json.dumps([str(file)])))
    old = str(plant.settings().key("account"))
    assert plant.run("key", "retire", old, "--in", "30")["organizations"] == [USCC]
    assert plant.run("key", "retire", old, "--in", "30")["organizations"] == []
    until(lambda: _anchors(plant, address))
    return address


def _anchors(plant: Plant, address: bytes) -> bool:
    """Tell whether the account has anchored; a chain that mines only what is sent needs a block to see time pass."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "evm_mine", "params": []}
    httpx.post(plant.site.local.url, json=body, trust_env=False).raise_for_status()
    time.sleep(0.5)
    return address in actors(plant.engine)


def _anchored(plant: Plant) -> bool:
    """Whether everything accepted is final, and no transaction is open."""
    with plant.engine.connect() as conn:
        waiting = conn.exec_driver_sql("SELECT count(*) FROM entries").scalar_one()
        final = conn.exec_driver_sql("SELECT coalesce(sum(count), 0) FROM batches WHERE state = 'final'").scalar_one()
        open_ones = conn.exec_driver_sql("SELECT count(*) FROM transactions WHERE state IN ('signed', 'sent')")
        return bool(waiting == final and open_ones.scalar_one() == 0)


def _check_receipts(plant: Plant, name: str, receipts: Sequence[Accepted]) -> None:
    with station(plant.site, plant.engine) as made:
        check_everything(made, name, receipts)
        service, network, source = made.parts.service, made.parts.network, made.parts.service._parts.source
        for accepted in receipts:
            assert accepted.receipt == service.receipt(accepted.commitment)
            verdict = verify(service.evidence(accepted.commitment, None, proof=False).data, network, source).to_json()
            assert verdict["verdict"] == "valid", verdict
            assert verdict["steps"][9]["outcome"] == "passed", verdict


def test_only_account_is_not_retired(own_site: Site, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with station(own_site, engine) as made:
        made.settle(made.open().name)
    for name, value in environment(own_site, engine).items():
        monkeypatch.setenv(name, value)
    refused = call("key", "retire", load_settings(home=own_site.home).key("account"), "--json")
    assert refused.exit_code == 4
    assert "nobody else would anchor" in problem(refused)["detail"]


def test_new_checkpoint_key_is_trusted_by_who_pinned_the_descriptor_before(own_site: Site, engine: Engine) -> None:
    plant = Plant(own_site, engine)
    before = read_network(plant.settings())
    with station(own_site, engine) as made:
        made.settle(made.open().name)
    told = plant.run("key", "rotate", "checkpoint")
    after = read_network(plant.settings())
    assert [str(key) for key in after.signers] == [told["new"], str(before.signers[0])]
    assert told["missing"] == 0
    assert follow(before, [Successor.parse(Path(told["successor"]).read_bytes())]) == after
    with station(own_site, engine) as made:
        kept = made.parts.service.checkpoint()
    found = Checkpoint.parse(kept.encode())
    assert [found.verify(network.signers) for network in (before, after)] == [before.signers, after.signers]
    plant.settings().former_checkpoint_key.unlink()
    with station(own_site, engine) as made:
        assert made.parts.network == after


def test_former_checkpoint_key_in_a_keystore_signs_on(
    own_site: Site, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = SigningKey.from_file(own_site.home / "keys" / "checkpoint.key")
    (tmp_path / "password").write_text("correct horse battery staple\n")
    (tmp_path / "password").chmod(0o600)
    old.to_keystore(tmp_path / "checkpoint.pem", tmp_path / "password")
    name = f"keystore:{tmp_path / 'checkpoint.pem'}?password-file={tmp_path / 'password'}"
    for variable, value in environment(own_site, engine, CHAINSVC_CHECKPOINT_KEY=name).items():
        monkeypatch.setenv(variable, value)
    told = document(call("key", "rotate", "checkpoint", "--json"))
    signers = checkpoint_signers(load_settings(home=own_site.home))
    assert str(signers[0].verifier_key) == told["new"]
    assert signers[1].verifier_key.public == old.public
