"""The whole command line on the real thing: `chainsvc up` as a process of its own, the other commands against it."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.command_line import call, document, documents, problem

from chainsvc.cli.refusals import EXIT_CODES

pytestmark = [pytest.mark.node, pytest.mark.database, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
SAMPLE = ROOT / "tests/data/sample/捐赠明细.csv"
LEDGER = "charity/533206001803406341/LUNCH-2026"
SETTINGS = {"CHAINSVC_DEFAULT_LONGEST_WAIT_S": "1", "CHAINSVC_POLL_S": "0.1", "CHAINSVC_PORT": "0"}


@dataclass
class Up:
    """A running `chainsvc up`.

    Attributes:
        process: It.
        told: The JSON document that it began with.
        log: What it writes on its error stream: warnings and worse.
    """

    process: "subprocess.Popen[str]"
    told: dict[str, Any]
    log: Path


LINE = [sys.executable, "-c", "from chainsvc.cli import main; main()"]


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return what a command in a process of its own needs."""
    path = f"{ROOT}{os.pathsep}{ROOT / 'adapters'}"
    return {**os.environ, **SETTINGS, "CHAINSVC_HOME": str(home), "PYTHONPATH": path, **more}


def start(home: Path) -> Up:
    line = [*LINE, "up", "--json"]
    log = home.parent / "up.log"
    with log.open("w") as errors:
        process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment(home))
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first, log.read_text()
    return Up(process, json.loads(first), log)


def stop(up: Up) -> int:
    """End it as Ctrl-C does; return its exit status."""
    up.process.send_signal(signal.SIGINT)
    up.process.communicate(timeout=60)
    return up.process.returncode


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working folder of a user, with an export of a business system."""
    folder = tmp_path_factory.mktemp("cli")
    lines = SAMPLE.read_text(encoding="gb18030").splitlines(keepends=True)
    wrong = [line for line in lines if line.startswith("JZBAD")]
    (folder / "donations.csv").write_text("".join([*lines[:60], *wrong]), encoding="gb18030")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("CHAINSVC_HOME", str(folder / "home"))
        for name in ("CHAINSVC_NODE_URL", "CHAINSVC_DATABASE_URL", "CHAINSVC_NETWORK_FILE", "CHAINSVC_API_KEY_FILE"):
            patch.delenv(name, raising=False)
        yield folder


@pytest.fixture(scope="module")
def up(folder: Path) -> Iterator[Up]:
    running = start(folder / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAINSVC_URL", running.told["url"])
        yield running
    if running.process.poll() is None:
        assert stop(running) == 0


@pytest.fixture(scope="module")
def walked(up: Up) -> Iterator[list[str]]:
    """Run the page's commands in their order; the key of the foundation is the one in use afterwards."""
    assert up.told["network"]["contracts"]
    done = []
    with pytest.MonkeyPatch.context() as patch:
        for line in re.findall(r"^\$ (.*)$", PAGE, re.MULTILINE):
            command, _, note = line.partition("   # exit ")
            if command.startswith("export "):
                patch.setenv(*command.removeprefix("export ").split("=", 1))
                continue
            words = shlex.split(command)
            assert words[0] == "chainsvc"
            result = call(*words[1:])
            assert result.exit_code == int(note or 0), f"{line}\n{result.output}\n{up.log.read_text()}"
            done.append(command)
        patch.setenv("CHAINSVC_API_KEY_FILE", "foundation.key")
        yield done


def test_every_command_of_the_page_does_what_the_page_says(walked: list[str]) -> None:
    assert len(walked) > 40


def test_the_page_lists_the_exit_codes() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert {int(code): meaning for code, meaning in rows} == dict(EXIT_CODES)


@pytest.mark.usefixtures("walked")
def test_receipts_of_all_good_rows_were_kept_and_corrections_written(folder: Path) -> None:
    assert len((folder / "receipts.ndjson").read_text().splitlines()) >= 59
    assert "一百元" in (folder / "donations_待更正.csv").read_text(encoding="gb18030")
    assert (folder / "foundation.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("walked")
def test_tampered_evidence_is_invalid_and_names_the_step(folder: Path) -> None:
    data = (folder / "proven.json").read_text(encoding="utf-8")
    changed = data.replace('"/body/amount","', '"/body/amount","', 1).replace("666600", "666700", 1)
    assert changed != data
    (folder / "tampered.json").write_text(changed, encoding="utf-8")
    for trust in (["--node", str(call_node())], ["--checkpoint", "checkpoint.txt"]):
        result = call("verify", "tampered.json", *trust, "--json")
        verdict, _ = documents(result)
        assert (result.exit_code, verdict["verdict"]) == (12, "invalid")
        assert any(step["outcome"] == "failed" for step in verdict["steps"])


def call_node() -> str:
    return str(document(call("devnet", "status", "--json"))["url"])


@pytest.mark.usefixtures("walked")
def test_correction_supersedes_and_its_evidence_says_so(folder: Path) -> None:
    first = document(call("status", f"{LEDGER}#JZ20260501000006", "--record", "--json"))
    record = first["record"]
    body = {**record["body"], "amount": record["body"]["amount"] + 500}
    correction = {**record, "revision": 1, "previous": first["id"], "credit": 500, "debit": 0, "body": body}
    (folder / "correction.json").write_text(json.dumps(correction))
    made = document(call("notarize", "correction.json", "--json"))
    assert call("evidence", made["id"], "--wait", "60", "-o", "new.json").exit_code == 0
    settled(first["id"], "superseded")
    assert call("evidence", first["id"], "-o", "old.json").exit_code == 0
    assert call("verify", "old.json").exit_code == 10
    assert call("verify", "new.json").exit_code == 0


def settled(record_id: str, standing: str) -> None:
    deadline = time.monotonic() + 60
    while (found := document(call("standing", record_id, "--json")))["standing"] != standing:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


@pytest.mark.usefixtures("walked")
def test_requested_change_of_standing_reaches_the_chain() -> None:
    settled(document(call("status", f"{LEDGER}#JZ20260106000001", "--json"))["id"], "revoked")


@pytest.mark.usefixtures("walked")
def test_ledger_with_changes_and_an_erased_record_is_still_complete() -> None:
    result = call("audit", LEDGER, "--disclose", "--json")
    (audit,) = document(result)["audits"]
    assert (result.exit_code, audit["outcome"]) == (0, "complete"), audit
    assert audit["readable"] == audit["entries"] - 1


@pytest.mark.usefixtures("walked")
def test_export_without_an_entry_has_findings(folder: Path) -> None:
    lines = (folder / "lunch.ndjson").read_bytes().splitlines(keepends=True)
    (folder / "gap.ndjson").write_bytes(b"".join(lines[:5] + lines[6:]))
    result = call("audit", "gap.ndjson", "--json")
    assert result.exit_code == 13
    assert document(result)["audits"][0]["findings"]


@pytest.mark.usefixtures("walked")
def test_overspending_disbursement_is_refused_at_the_door(folder: Path) -> None:
    body = {
        "number": "BF1",
        "date": "2026-03-01",
        "campaign": "乡村儿童营养午餐",
        "recipient": {"name": "某小学", "uscc": None},
        "purpose": "午餐",
        "amount": 10**12,
        "beneficiaries": 1,
        "donations": None,
        "remark": None,
    }
    spent = {"schema": "charity.disbursement.v1", "ledger": LEDGER, "reference": "BF1", "revision": 0, "previous": None}
    money = {"credit": 0, "debit": 10**12, "issued_at": "2026-03-01T00:00:00+08:00", "body": body}
    (folder / "spent.json").write_text(json.dumps({**spent, **money}))
    result = call("notarize", "spent.json", "--json")
    assert (result.exit_code, problem(result)["code"]) == (4, "policy-refused")


@pytest.mark.usefixtures("walked")
def test_wrong_keys_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "wrong.key").write_text("csk_0000000000000000_" + "0" * 64)
    monkeypatch.setenv("CHAINSVC_API_KEY_FILE", "wrong.key")
    assert call("ledger", "list").exit_code == 6
    monkeypatch.setenv("CHAINSVC_API_KEY_FILE", "bureau.key")
    refused = call("erase", f"{LEDGER}#JZ20260106000001", "--reason", "x")
    assert refused.exit_code == 6


@pytest.mark.usefixtures("walked")
def test_revoked_api_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    scopes = ["--scope", "read"]
    made = document(call("key", "api", "create", "--org", "533206001803406341", *scopes, "-o", "short.key", "--json"))
    monkeypatch.setenv("CHAINSVC_API_KEY_FILE", "short.key")
    assert call("status", f"{LEDGER}#JZ20260106000001").exit_code == 0
    assert call("key", "api", "revoke", made["id"]).exit_code == 0
    assert call("status", f"{LEDGER}#JZ20260106000001").exit_code == 6


@pytest.mark.usefixtures("walked")
def test_chain_act_of_an_account_without_the_right_is_refused() -> None:
    result = call(
        "org", "register", "91350100M000100Y43", "--role", "issuer", "--account", "regulator.account", "--json"
    )
    assert (result.exit_code, problem(result)["code"]) == (4, "chain-refused")


@pytest.mark.usefixtures("walked")
def test_stop_is_graceful_and_node_and_service_are_then_away(up: Up) -> None:
    """It stops what the tests before it use; those below look at what is left."""
    node = call_node()
    assert stop(up) == 0
    # while the walk has the organization suspended, what was accepted before is held and told; and a batch that was on
    # its way at that moment reverts
    told = [json.loads(line)["event"] for line in up.log.read_text().splitlines()]
    assert set(told) <= {"ledger_held", "transaction_reverted"}
    assert told.count("transaction_reverted") <= 1
    assert document(call("devnet", "status", "--json"))["running"] is False
    assert call("verify", "evidence.json", "--node", node).exit_code == 11
    assert call("verify", "proven.json", "--checkpoint", "checkpoint.txt").exit_code == 0
    assert call("budget", "show", "subsidy/11320602114798049U/NURSING-2026-09").exit_code == 7


def refused(folder: Path, *words: str, **more: str) -> dict[str, Any]:
    """Run a command in a process of its own that refuses to start, and return its problem."""
    line = [*LINE, *words, "--json"]
    done = subprocess.run(line, capture_output=True, text=True, env=environment(folder / "home", **more), check=False)
    assert (done.returncode, done.stdout) == (8, ""), done.stderr
    told: dict[str, Any] = json.loads(done.stderr.splitlines()[-1])
    return told


@pytest.mark.usefixtures("walked")
def test_wrong_key_encryption_key_refuses_to_start(folder: Path) -> None:
    (folder / "other.kek").write_text("5a" * 32 + "\n")
    (folder / "other.kek").chmod(0o600)
    away = {"CHAINSVC_KEK_FILE": str(folder / "other.kek"), "CHAINSVC_NODE_URL": "http://127.0.0.1:1"}
    assert refused(folder, "serve", **away)["code"] == "key-mismatch"


@pytest.mark.usefixtures("walked")
def test_another_chain_refuses_to_start_and_says_both(folder: Path) -> None:
    genesis = document(call("network", "show", "--json"))["descriptor"]["genesis"]
    assert document(call("devnet", "reset", "--json"))["descriptor_left"] is True
    told = refused(folder, "up")
    assert (told["code"], told["expected"]) == ("network-mismatch", genesis)
    assert told["got"] != genesis
    assert document(call("devnet", "status", "--json"))["running"] is False
