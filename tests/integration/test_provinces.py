"""Two deployments on one network: a marriage of the first is dissolved by an office of the second."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from support.command_line import call, document, problem
from support.database import Databases
from support.station import USCC, Site, Station, build_site

from chainsvc import bootstrap, devnet, ground
from chainsvc.admin import Desk
from chainsvc.chain.institutions import Institutions, Purpose, Role
from chainsvc.client.answers import Accepted
from chainsvc.crypto.keys import ED25519, key_id
from chainsvc.crypto.suites import SHA256
from chainsvc.ground import read_network
from chainsvc.keyring import read_admin
from chainsvc.record import Record
from chainsvc.settings import Settings, load_settings
from chainsvc.verify import verify

pytestmark = [pytest.mark.node, pytest.mark.database]

HERE = "Y1100000CHA1N00047"
HUSBAND = {"name": "某甲", "citizen_number": "11010519491231002X"}
CERTIFICATE, DIVORCE = "J110101-2026-000001", "L110101-2026-000002"
_BODY = {
    "date": "2026-05-20",
    "office": {"name": "某区民政局", "region": "110101"},
    "husband": HUSBAND,
    "wife": HUSBAND,
    "nationality": "中国",
    "remark": None,
}


def registration(ledger: str) -> Record:
    body = {**_BODY, "certificate": {"number": CERTIFICATE, "previous": None}}
    return Record("marriage.registration.v1", ledger, CERTIFICATE, 0, None, 0, 0, "2026-05-20T10:00:00+08:00", body)


def divorce(ledger: str, target: Accepted, book: str, seq: int) -> Record:
    where = {"ledger": book, "seq": seq, "commitment": target.commitment.hex()}
    certificate = {"number": DIVORCE, "previous": None}
    body = {**_BODY, "date": "2026-06-01", "certificate": certificate, "registration": where}
    return Record("marriage.divorce.v1", ledger, DIVORCE, 0, None, 0, 0, "2026-06-01T10:00:00+08:00", body)


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Site]:
    """The province that began the network: its registrar is the network's."""
    home = tmp_path / "first"
    try:
        yield build_site(home)
    finally:
        devnet.down(home / "devnet")


@pytest.fixture
def second(first: Site, tmp_path: Path, databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A province with home, keys and database of its own, that joins."""
    with databases.engine() as engine:
        values: dict[str, Any] = {
            "home": tmp_path / "second",
            "database_url": engine.url.render_as_string(hide_password=False),
            "node_url": first.local.url,
            "default_longest_wait_s": 0.001,
            "poll_s": 0.01,
            "draft_processes": 0,
        }
        for name, value in values.items():
            monkeypatch.setenv(f"CHAINSVC_{name.upper()}", str(value))
        told = document(call("network", "join", first.home / "network.json", "--operator", HERE, "--json"))
        _admit(first, told)
        yield load_settings()


def _admit(first: Site, told: dict[str, Any]) -> None:
    """What the network's registrar does with what the joining province shows."""
    settings = load_settings(home=first.home)
    account, public = bytes.fromhex(told["accounts"][0][2:]), bytes.fromhex(told["receipt_key"])
    devnet.fund(first.local, [account])
    with closing(ground.open_node(load_settings(home=first.home, node_url=first.local.url))) as node:
        desk = Desk(node, read_network(settings), read_admin(settings))
        desk.register(HERE, Role.ISSUER | Role.REGISTRATION_OFFICE | Role.OPERATOR)
        desk.delegate(HERE, account)
        desk.add_key(HERE, ED25519, public, key_id(ED25519, public), Purpose.RECEIPT)


def _settled(made: Station, name: str) -> None:
    facts = made.settle(name)
    assert facts.entries == facts.anchored_entries > 0


def test_marriage_of_one_province_is_dissolved_by_an_office_of_another(
    first: Site, second: Settings, engine: Engine, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        url = engine.url.render_as_string(hide_password=False)
        here = Station(first, stack.enter_context(bootstrap.running(second)))
        there = Station(first, stack.enter_context(bootstrap.running(first.settings(url))))
        book = there.open("marriage").name
        (marriage,) = there.accept(book, [registration(book)])
        _settled(there, book)
        own = f"marriage/{HERE}/2026"
        here.parts.service.open_ledger(own, SHA256, signed=False, caller=here.caller)
        (reason,) = here.accept(own, [divorce(own, marriage, book, 0)])
        _settled(here, own)
        _dissolve(book, reason)
        there.parts.worker.round()
        _check_evidence(there, marriage, own)
        files = [_export(there, book, tmp_path / "there.ndjson"), _export(here, own, tmp_path / "here.ndjson")]
    _check_audit(first, files)


def _dissolve(book: str, reason: Accepted) -> None:
    """The second province's command; its environment is that of this process."""
    command = ("ledger", "mark", book, 0, "--set", "dissolved", "--cause", reason.commitment.hex(), "--json")
    assert [document(call(*command))["new"] for _ in range(2)] == [True, False]
    unknown = ("ledger", "mark", f"marriage/{USCC}/NONE", 0, "--cause", reason.commitment.hex(), "--json")
    assert problem(call(*unknown))["code"] == "not-found"


def _check_evidence(there: Station, marriage: Accepted, own: str) -> None:
    service, source = there.parts.service, there.parts.service._parts.source
    verdict = verify(service.evidence(marriage.commitment, None, proof=False).data, there.parts.network, source)
    assert str(verdict.verdict) == "dissolved", verdict.to_json()
    (change,) = service.standing(marriage.commitment).changes
    register = Institutions(there.parts.node, there.parts.network.institutions.address)
    assert (change.cause_ledger, change.cause_seq) == (register.ledger_named(own), 0)


def _export(made: Station, name: str, file: Path) -> Path:
    file.write_bytes(b"".join(made.parts.service.export(name, disclose=True)))
    return file


def _check_audit(first: Site, files: list[Path]) -> None:
    """The regulator's one command over both provinces, against a node and a pinned descriptor."""
    command = ("audit", *files, "--network", first.home / "network.json", "--node", first.local.url, "--json")
    audited = document(call(*command))
    assert [one["outcome"] for one in audited["audits"]] == ["complete", "complete"], audited
    assert audited["exit_code"] == 0
