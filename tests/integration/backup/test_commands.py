"""Backup and restore as an operator types them, with a home of its own for the restored service."""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine
from support.command_line import call, document, problem
from support.records import donation
from support.restored import Elsewhere, back_up
from support.station import USCC, Station

from chainsvc.crypto.keys import SigningKey
from chainsvc.journal import keys
from chainsvc.serving import served

pytestmark = [pytest.mark.node, pytest.mark.database]


@dataclass
class Operator:
    """An operator with two homes: the one that is backed up, and a new one beside the same chain."""

    made: Station
    new_home: Path
    new_engine: Engine
    patch: pytest.MonkeyPatch

    def at(self, home: Path, engine: Engine) -> None:
        self.patch.setenv("CHAINSVC_HOME", str(home))
        self.patch.setenv("CHAINSVC_DATABASE_URL", engine.url.render_as_string(hide_password=False))
        self.patch.setenv("CHAINSVC_NODE_URL", self.made.site.local.url)

    def at_old(self) -> None:
        self.at(self.made.site.home, self.made.parts.engine)

    def at_new(self) -> None:
        self.at(self.new_home, self.new_engine)


@pytest.fixture
def operator(
    alone: Station, elsewhere: Elsewhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Operator]:
    with elsewhere.engine() as engine:
        engine.dispose()
        yield Operator(alone, tmp_path / "new home", engine, monkeypatch)


def test_backup_and_restore_in_another_home(operator: Operator, tmp_path: Path) -> None:
    name = operator.made.open().name
    operator.made.accept(name, [donation(name, number) for number in range(4)])
    operator.made.settle(name)
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("correct horse battery staple\n")
    operator.at_old()
    backup, seeds = tmp_path / "b" / "monday", tmp_path / "s" / "monday"
    told = document(call("backup", backup, "--seeds", seeds, "--with-keys", passphrase, "--json"))
    assert (told["rows"]["entries"], told["keys"]) == (4, True)
    checked = document(call("backup", "verify", backup, "--seeds", seeds, "--json"))
    assert (checked["backup"], checked["has_seeds"]) == (told["backup"], True)

    operator.at_new()
    result = call("restore", backup, "--seeds", seeds, "--with-keys", passphrase, "--json")
    report = document(result)
    assert (result.exit_code, report["outcome"], report["rows"] > 20) == (0, "complete", True)
    assert [(one["ledger"], one["readable"]) for one in report["audits"]] == [(name, 4)]
    for key in ("kek.key", "receipt.key", "checkpoint.key", "service.account"):
        old, new = operator.made.site.home / "keys" / key, operator.new_home / "keys" / key
        assert (old.read_bytes(), new.stat().st_mode & 0o777) == (new.read_bytes(), 0o600)
    assert call("restore", "prove").exit_code == 0


def test_a_restore_without_its_seeds_has_to_be_said(operator: Operator, tmp_path: Path) -> None:
    operator.at_old()
    call("backup", tmp_path / "b")
    shutil.rmtree(tmp_path / "b" / "seeds")
    shutil.copytree(operator.made.site.home / "keys", operator.new_home / "keys")
    operator.at_new()
    refused = call("restore", tmp_path / "b", "--json")
    assert (refused.exit_code, "--without-seeds" in problem(refused)["hint"]) == (4, True)
    assert document(call("restore", tmp_path / "b", "--without-seeds", "--json"))["has_seeds"] is False


def test_another_key_encryption_key_is_refused_before_anything_is_written(operator: Operator, tmp_path: Path) -> None:
    operator.at_old()
    call("backup", tmp_path / "b")
    shutil.copytree(operator.made.site.home / "keys", operator.new_home / "keys")
    (operator.new_home / "keys" / "kek.key").unlink()
    SigningKey.generate().to_file(operator.new_home / "keys" / "kek.key")
    operator.at_new()
    refused = call("restore", tmp_path / "b", "--json")
    assert (refused.exit_code, problem(refused)["type"]) == (8, "urn:chainsvc:problem:key-mismatch")
    with operator.new_engine.connect() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").scalar_one() == 0
    operator.new_engine.dispose()


def test_a_backup_of_another_network_is_refused(operator: Operator, tmp_path: Path) -> None:
    operator.at_old()
    call("backup", tmp_path / "b")
    shutil.copytree(operator.made.site.home / "keys", operator.new_home / "keys")
    descriptor = json.loads((operator.made.site.home / "network.json").read_bytes())
    other = json.dumps({**descriptor, "networkId": "ab" * 32}, separators=(",", ":"), sort_keys=True)
    (operator.new_home / "network.json").write_text(other)
    operator.at_new()
    refused = call("restore", tmp_path / "b", "--json")
    assert (refused.exit_code, problem(refused)["type"]) == (8, "urn:chainsvc:problem:network-mismatch")


def test_help_is_shown_where_nothing_is_said() -> None:
    assert "chainsvc backup DIR" in call("backup").output
    assert "verify" in call("backup", "--help").output


def test_a_backup_older_than_the_chain_is_named_recovered_or_adopted(operator: Operator, tmp_path: Path) -> None:
    made = operator.made
    name, late = made.open().name, made.open().name
    made.accept(name, [donation(name, 1)])
    made.settle(name)
    operator.at_old()
    call("backup", tmp_path / "b")
    made.accept(name, [donation(name, number) for number in (2, 3)])
    made.settle(name)
    later = made.open().name  # opened after the backup
    made.accept(later, [donation(later, 1)])
    made.settle(later)
    export = tmp_path / "export.ndjson"
    export.write_bytes(b"".join(made.parts.service.export(name, disclose=True)))
    shutil.copytree(made.site.home / "keys", operator.new_home / "keys")

    operator.at_new()
    result = call("restore", tmp_path / "b", "--json")
    report = document(result)
    assert (result.exit_code, report["outcome"]) == (13, "findings")
    losses = {one["ledger"]: one for one in report["ledgers"]}
    assert [(one["batch"], one["first"], one["last"], one["lost"]) for one in losses[name]["lost"]] == [(1, 1, 2, 2)]
    assert (losses[later]["held"], losses[later]["lost"][0]["lost"], losses[late]["held"]) == (True, 1, False)
    assert "Lost, but on chain" in call("restore", "prove").output

    result = call("restore", "recover", name, export, "--json")
    assert (result.exit_code, document(result)["came_back"]) == (0, 2)
    result = call("restore", "recover", later, export, "--json")
    assert (result.exit_code, document(result)["lost"][0]["lost"]) == (13, 1)
    shown = document(call("restore", "adopt", later, "--json"))
    assert (shown["adopted"], shown["entries"]) == (False, 1)
    assert document(call("restore", "adopt", later, "--yes", "--json"))["adopted"] is True
    report = document(call("restore", "prove", "--json"))
    assert [one["held"] for one in report["ledgers"]] == [False, False, False]
    outcomes = {one["ledger"]: one["outcome"] for one in report["audits"]}
    assert outcomes == {name: "complete", late: "complete", later: "findings"}
    refused = call("restore", "adopt", name, "--yes", "--json")
    assert (refused.exit_code, problem(refused)["type"]) == (4, "urn:chainsvc:problem:conflict")


def test_receipts_are_checked_against_what_the_service_has(
    operator: Operator, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    """After a restore the receipts that clients kept tell which promises are broken."""
    made = operator.made
    name = made.open().name
    receipts = made.accept(name, [donation(name, 1)])
    made.settle(name)
    back_up(made.parts.engine, tmp_path / "b")
    receipts += made.accept(name, [donation(name, 2)])  # promised, and gone with the database
    kept = tmp_path / "receipts.ndjson"
    lines = [{"ledger": name, **accepted.to_json()} for accepted in receipts]
    forged = {**lines[0], "receipt": {**lines[0]["receipt"], "acceptedAt": 1}}
    kept.write_text("".join(json.dumps(line) + "\n" for line in [*lines, forged]))
    with elsewhere.station(made, tmp_path / "b") as again, served(again.parts) as url:
        with again.parts.engine.begin() as conn:
            _, token = keys.create(conn, USCC, ["read"], label="check", now=int(time.time()))
        (tmp_path / "api.key").write_text(token)
        operator.at_old()
        operator.patch.setenv("CHAINSVC_URL", url)
        operator.patch.setenv("CHAINSVC_API_KEY_FILE", str(tmp_path / "api.key"))
        result = call("receipt", "check", kept, "--json")
    report = document(result)
    assert (result.exit_code, report["kept"], report["lost"], report["refused"]) == (13, 1, 1, 1)
    assert [(one["outcome"], one["reference"]) for one in report["findings"]] == [("lost", "JZ2"), ("refused", "JZ1")]
