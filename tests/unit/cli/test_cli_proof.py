import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.command_line import Run, document, documents, problem
from support.fake_service import FakeService
from support.paper_evidence import LEDGER, PaperLedger, donation
from support.paper_seals import ADDRESSES
from support.sealed_chain import sealed_scene

from chainsvc.crypto.keys import SigningKey
from chainsvc.heads import Status
from chainsvc.network import SEALERS, Validators
from chainsvc.note import Signer
from chainsvc.succession import Successor


@pytest.fixture
def evidence(served: Run, service: FakeService) -> Path:
    """Evidence with a proof, and the checkpoint that it is proven for."""
    Path("one.json").write_text(json.dumps(donation(1).to_json()))
    record_id = document(served("notarize", "one.json", "--json"))["id"]
    service.anchor()
    assert served("checkpoint", "-o", "checkpoint.txt").exit_code == 0
    assert served("evidence", record_id, "--proof", "--disclose", "/body/amount", "-o", "e.json").exit_code == 0
    return Path("e.json")


def test_evidence_before_the_record_is_final_is_not_ready(served: Run) -> None:
    Path("one.json").write_text(json.dumps(donation(1).to_json()))
    record_id = document(served("notarize", "one.json", "--json"))["id"]
    assert served("evidence", record_id, "--wait", "0.1").exit_code == 5


def test_evidence_discloses_what_is_asked_for(served: Run, evidence: Path) -> None:
    assert evidence.exists()
    paths = "/body/amount, /body/date"
    found = document(served("evidence", f"{LEDGER}#D-1", "--disclose", paths, "-o", "two.json", "--json"))
    assert {"/body/amount", "/body/date", "/credit"} <= set(found["disclosed"])
    assert "/body/donor/name" not in found["disclosed"]
    everything = document(served("evidence", f"{LEDGER}#D-1", "--disclose", "all", "-o", "all.json", "--json"))
    assert everything["hidden"] == 0
    assert json.loads(served("evidence", f"{LEDGER}#D-1").stdout)["seq"] == 0
    assert served("evidence", f"{LEDGER}#D-1", "--disclose", "/body/nothing").exit_code == 3


def test_checkpoint_is_a_note_on_standard_output(served: Run, evidence: Path) -> None:
    assert evidence.exists()
    note = served("checkpoint", "--latest").stdout
    assert note == Path("checkpoint.txt").read_text(encoding="utf-8")
    assert document(served("checkpoint", "--json"))["note"] == note


def test_evidence_is_valid_against_its_checkpoint(served: Run, evidence: Path) -> None:
    result = served("verify", evidence, "--checkpoint", "checkpoint.txt")
    assert result.exit_code == 0, result.stdout
    assert "e.json: VALID 有效" in result.stdout
    assert "step" not in result.stderr


def test_verdicts_of_many_files_are_a_stream_and_the_gravest_counts(served: Run, evidence: Path) -> None:
    tampered = evidence.read_bytes().replace(b'"/body/amount","', b'"/body/amount","0', 1)
    assert tampered != evidence.read_bytes()
    Path("bad.json").write_bytes(tampered)
    files = [evidence, "bad.json", *[evidence] * 4]
    result = served("verify", *files, "--checkpoint", "checkpoint.txt", "--json")
    *found, summary = documents(result)
    assert result.exit_code == summary["exit_code"] == 12
    assert [one["verdict"] for one in found] == ["valid", "invalid", *["valid"] * 4]
    assert summary["verdicts"] == {"valid": 5, "invalid": 1}


def test_many_files_are_counted_and_only_those_not_valid_are_named(served: Run, evidence: Path) -> None:
    Path("bad.json").write_bytes(evidence.read_bytes()[:-1])
    out = served("verify", *[evidence] * 6, "bad.json", "--checkpoint", "checkpoint.txt").stdout
    assert [line.split(":")[0] for line in out.splitlines() if ".json" in line] == ["bad.json"]
    assert "step 1 file" in out
    assert re.search(r"VALID 有效 +│ +6 ", out)


def test_report_is_gone_on_with(served: Run, evidence: Path) -> None:
    words = ["verify", evidence, "--checkpoint", "checkpoint.txt", "--report", "report.ndjson", "--json"]
    assert documents(served(*words))[-1]["resumed"] == 0
    assert documents(served(*words))[-1]["resumed"] == 1
    other = served("verify", evidence, "--report", "report.ndjson")
    assert other.exit_code == 3
    assert "something else" in other.stderr


def test_evidence_without_a_trusted_block_is_undetermined(served: Run, evidence: Path) -> None:
    assert served("verify", evidence, "--node", "http://127.0.0.1:1").exit_code == 11
    assert served("verify", evidence).exit_code == 11


def test_seals_decide_without_a_node_where_validators_are_pinned(run: Run, home: Path) -> None:
    sealed = sealed_scene(SEALERS)
    (home / "pinned.json").write_bytes(sealed.network.to_bytes())
    (home / "sealed.json").write_bytes(sealed.proven().to_bytes())
    words = ["verify", home / "sealed.json", "--network", home / "pinned.json"]
    result = run(*words, "--seals")
    assert result.exit_code == 0, result.stdout
    assert "Validators 验证节点" in result.stdout
    assert run(*words).exit_code == 0
    assert run(*words, "--seals", "--node", "http://127.0.0.1:1").exit_code == 2
    shown = document(run("network", "show", "--network", home / "pinned.json", "--json"))
    assert [len(epoch["addresses"]) for epoch in shown["descriptor"]["validators"]] == [4]


def test_successor_is_cosigned_followed_and_verified_by(run: Run, home: Path) -> None:
    """The validators of a network changed: whoever pinned the first descriptor follows to the second."""
    sealed = sealed_scene(SEALERS)
    names, keys = ("north", "south", "east"), [home / f"{name}.key" for name in ("north", "south", "east")]
    for key in keys:
        assert run("key", "new", key).exit_code == 0
    signers = [Signer(name, SigningKey.from_file(key)) for name, key in zip(names, keys, strict=True)]
    new = replace(sealed.network, signers=tuple(signer.verifier_key for signer in signers))
    old = replace(new, validators=(Validators(0, ADDRESSES[:3]),))
    late = replace(old, validators=(*old.validators, *(replace(epoch, since=2) for epoch in new.validators)))
    (home / "first.json").write_bytes(old.to_bytes())
    (home / "next.note").write_bytes(Successor(late, old.sha256).sign(signers[:1]).to_bytes())
    (home / "sealed.json").write_bytes(sealed.proven().to_bytes())
    pinned = ["--network", home / "first.json"]

    follow = ["network", "follow", home / "next.note", "-o", home / "newest.json", *pinned]
    assert run(*follow).exit_code == 6  # one of three signed
    stranger = run("network", "cosign", home / "next.note", "--key", keys[2], "--name", "west", *pinned)
    assert stranger.exit_code == 2
    cosigned = run("network", "cosign", home / "next.note", "--key", keys[1], "--name", "south", *pinned, "--json")
    assert document(cosigned)["signed_by"] == ["north", "south"]
    assert document(run(*follow, "--json"))["sha256"] == late.sha256.hex()
    assert (home / "newest.json").read_bytes() == late.to_bytes()

    verify = ["verify", home / "sealed.json", "--seals", *pinned]
    assert run(*verify).exit_code == 12
    assert run(*verify, "--successor", home / "next.note").exit_code == 0
    assert run("verify", home / "sealed.json", "--seals", "--network", home / "newest.json").exit_code == 0


def test_superseded_evidence_has_an_exit_code_of_its_own(run: Run, home: Path) -> None:
    ledger = PaperLedger(FakeService().chain)
    ledger.anchor([donation(1), donation(2)])
    ledger.chain.mark(ledger.id, 0, Status.SUPERSEDED, (ledger.id, 1))
    (home / "n.json").write_bytes(ledger.chain.network.to_bytes())
    (home / "c.txt").write_bytes(ledger.chain.checkpoint().to_bytes())
    (home / "e.json").write_bytes(ledger.proven(ledger.evidence(0)).to_bytes())
    result = run("verify", "e.json", "--network", "n.json", "--checkpoint", "c.txt")
    assert result.exit_code == 10
    assert "SUPERSEDED 已被更正替代" in result.stdout


def test_descriptor_of_first_use_is_said_in_the_verdict(served: Run, evidence: Path, home: Path) -> None:
    (home / "home/network.json").unlink()
    result = served("verify", evidence, "--checkpoint", "checkpoint.txt")
    assert result.exit_code == 0
    assert "taken from the service itself, on first use" in result.stdout
    assert documents(served("verify", evidence, "--checkpoint", "checkpoint.txt", "--json"))[-1]["network"]["first_use"]


def test_no_descriptor_at_all_refuses_to_start(run: Run, home: Path) -> None:
    (home / "e.json").write_text("{}")
    result = run("verify", "e.json")
    assert result.exit_code == 8
    assert "--network FILE" in result.stderr


def test_node_and_checkpoint_together_are_refused(served: Run, evidence: Path) -> None:
    assert served("verify", evidence, "--node", "http://x", "--checkpoint", "checkpoint.txt").exit_code == 2


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[" * 100_000, b'{"network":', b"\xff" * 100, b"{" + b" " * 11_000_000]
)
def test_hostile_file_is_invalid_and_no_error(served: Run, home: Path, content: bytes) -> None:
    (home / "bad.json").write_bytes(content)
    result = served("verify", "bad.json", "--json")
    assert (result.exit_code, documents(result)[0]["verdict"]) == (12, "invalid")


def test_checkpoint_that_is_none_is_refused(served: Run, evidence: Path) -> None:
    result = served("verify", evidence, "--checkpoint", evidence, "--json")
    assert (result.exit_code, problem(result)["code"]) == (3, "malformed")


def test_export_without_a_node_is_undetermined_and_a_gap_is_a_finding(run: Run, home: Path) -> None:
    ledger = PaperLedger(FakeService().chain)
    ledger.anchor([donation(number) for number in range(4)])
    (home / "n.json").write_bytes(ledger.chain.network.to_bytes())
    lines = ledger.export()
    (home / "x.ndjson").write_bytes(b"".join(lines))
    assert run("audit", "x.ndjson", "--network", "n.json").exit_code == 11
    (home / "gap.ndjson").write_bytes(b"".join(lines[:3] + lines[4:]))
    result = run("audit", "x.ndjson", "gap.ndjson", "--network", "n.json", "--json")
    found = document(result)
    assert result.exit_code == found["exit_code"] == found["audits"][1]["exitCode"] == 13
    assert found["audits"][1]["findings"][0]["seq"] is not None
    assert "FINDINGS 发现问题" in run("audit", "gap.ndjson", "--network", "n.json").stdout


def test_export_is_written_whole(served: Run, evidence: Path) -> None:
    assert evidence.exists()
    found = document(served("export", LEDGER, "-o", "x.ndjson", "--disclose", "--json"))
    assert found["bytes"] == Path("x.ndjson").stat().st_size
    assert served("export", f"{LEDGER}-B", "-o", "y.ndjson").exit_code == 5
    assert not Path("y.ndjson").exists()


def test_network_shows_what_to_compare(served: Run, service: FakeService) -> None:
    digest = service.chain.network.sha256.hex()
    assert document(served("network", "show", "--json"))["sha256"] == digest
    assert digest in served("network", "show").stdout
    Path("home/network.json").unlink()
    assert "compare its SHA-256 before you pin it" in served("network", "show").stdout


def test_evidence_of_a_ledger_is_kept_and_gone_on_with(served: Run, service: FakeService, evidence: Path) -> None:
    assert evidence.exists()
    words = ["evidence", "--ledger", LEDGER, "--disclose", "all", "-o"]
    assert document(served(*words, "all.ndjson", "--json"))["added"] == 1
    lines = Path("all.ndjson").read_bytes()
    Path("all.ndjson").write_bytes(lines + lines[:40])  # as a stop leaves it
    assert document(served(*words, "all.ndjson", "--json"))["added"] == 0
    assert Path("all.ndjson").read_bytes() == lines
    assert "1 files added" in served(*words, "folder").stdout
    assert [path.name for path in Path("folder").iterdir()] == ["000000000000.json"]
    assert document(served(*words, "folder", "--json"))["added"] == 0
    assert service.books


def test_evidence_of_a_ledger_needs_a_place_that_is_its_own(served: Run, evidence: Path) -> None:
    assert evidence.exists()
    assert served("evidence", "--ledger", LEDGER).exit_code == 2
    Path("notes.ndjson").write_text("mine")
    assert served("evidence", "--ledger", LEDGER, "-o", "notes.ndjson").exit_code == 3
    assert Path("notes.ndjson").read_text() == "mine"
