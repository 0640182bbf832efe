"""The regulators' scripts, run as they are: tables, JSON, exit status."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.paper_scene import Scene
from support.sealed_chain import sealed_scene

from chainsvc.network import AT_ONCE, SEALERS

SCRIPTS = Path(__file__).parent.parent.parent.parent / "scripts"


@pytest.fixture
def folder(tmp_path: Path, scene: Scene) -> Path:
    """Descriptor, checkpoint, evidence and an export."""
    (tmp_path / "network.json").write_bytes(scene.network.to_bytes())
    (tmp_path / "checkpoint").write_bytes(scene.chain.checkpoint().to_bytes())
    (tmp_path / "valid.json").write_bytes(scene.proven().to_bytes())
    (tmp_path / "superseded.json").write_bytes(scene.proven(scene.superseded).to_bytes())
    (tmp_path / "bare.json").write_bytes(scene.evidence().to_bytes())
    (tmp_path / "invalid.json").write_bytes(replace(scene.proven(), seq=2).to_bytes())
    (tmp_path / "ledger.ndjson").write_bytes(b"".join(scene.ledger.export()))
    return tmp_path


def _run(folder: Path, script: str, *arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, str(SCRIPTS / script), *arguments]
    environment = {"PYTHONPATH": str(SCRIPTS.parent), "COLUMNS": "160", "PYTHONIOENCODING": "utf-8"}
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return run.returncode, run.stdout, run.stderr


def _verify(folder: Path, *arguments: str) -> tuple[int, str, str]:
    fixed = ("--network", "network.json", "--checkpoint", "checkpoint")
    return _run(folder, "verify_evidence.py", *fixed, *arguments)


@pytest.mark.parametrize(
    ("files", "status"),
    [
        (["valid.json"], 0),
        (["valid.json", "superseded.json"], 10),
        (["superseded.json", "bare.json"], 11),
        (["invalid.json", "valid.json", "bare.json"], 12),
    ],
)
def test_the_gravest_verdict_is_the_exit_status(folder: Path, files: list[str], status: int) -> None:
    code, out, _ = _verify(folder, "--json", *files)
    verdicts = [json.loads(line) for line in out.splitlines()]
    assert (code, [told["file"] for told in verdicts]) == (status, files)
    assert max(told["exitCode"] for told in verdicts) == status


def test_a_table_names_steps_in_both_languages(folder: Path, scene: Scene) -> None:
    code, out, _ = _verify(folder, "superseded.json")
    assert code == 10
    for told in (
        "SUPERSEDED 已被更正替代",
        "standing 当前效力",
        "passed 通过",
        "Not proven 未予证明",
        scene.ledger.name,
    ):
        assert told in out


def test_a_failed_step_shows_expected_and_got(folder: Path) -> None:
    _, out, _ = _verify(folder, "invalid.json")
    assert "INVALID 核验不通过" in out
    assert "expected 应为:" in out
    assert "got 实为:" in out


def test_many_files_are_counted_and_those_not_valid_named(folder: Path) -> None:
    code, out, _ = _verify(folder, *["valid.json"] * 5, "invalid.json")
    assert code == 12
    assert [line for line in out.splitlines() if ".json" in line and "step 5 head" in line]
    assert "valid.json: VALID" not in out
    assert "VALID 有效" in out


def test_a_folder_is_verified_and_its_report_gone_on_with(folder: Path) -> None:
    (folder / "files").mkdir()
    for number in range(4):
        (folder / "files" / f"{number}.json").write_bytes((folder / "valid.json").read_bytes())
    first = _verify(folder, "files", "--report", "report.ndjson")
    (folder / "files" / "5.json").write_bytes((folder / "superseded.json").read_bytes())
    second = _verify(folder, "files", "--report", "report.ndjson")
    assert (first[0], second[0]) == (0, 10)
    assert "4 of them stood in the report already" in second[1]


def test_an_audit_done_before_is_read_from_its_folder(folder: Path) -> None:
    words = ("--network", "network.json", "--resume", "state", "--json", "ledger.ndjson")
    first, second = _run(folder, "audit_ledger.py", *words), _run(folder, "audit_ledger.py", *words)
    assert first == second
    assert (first[0], len(list((folder / "state").glob("*.audit")))) == (11, 1)


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["--network", "missing.json", "valid.json"], 2, "missing.json"),
        (["--network", "valid.json", "valid.json"], 3, "wrong members"),
        (["--network", "network.json", "missing.json"], 2, "missing.json"),
        (["--network", "network.json", "--node", "nowhere", "valid.json"], 8, "not a node's address"),
        (["--network", "network.json", "--checkpoint", "valid.json", "valid.json"], 3, "not a signed note"),
        (["valid.json"], 2, "--network"),
    ],
)
def test_wrong_use_is_told_in_one_line(folder: Path, arguments: list[str], status: int, told: str) -> None:
    code, _, err = _run(folder, "verify_evidence.py", *arguments)
    assert (code, told in err, "Traceback" in err) == (status, True, False)


def test_without_node_and_checkpoint_it_is_undetermined(folder: Path) -> None:
    code, out, _ = _run(folder, "verify_evidence.py", "--network", "network.json", "valid.json")
    assert code == 11
    assert "neither a node nor a checkpoint was given" in out


def test_a_ledger_without_a_node_is_undetermined(folder: Path, scene: Scene) -> None:
    code, out, _ = _run(folder, "audit_ledger.py", "--network", "network.json", "ledger.ndjson")
    assert code == 11
    assert "UNDETERMINED 无法判定" in out
    assert scene.ledger.name in out


def test_a_damaged_ledger_has_findings(folder: Path) -> None:
    lines = (folder / "ledger.ndjson").read_bytes().splitlines(keepends=True)
    (folder / "ledger.ndjson").write_bytes(b"".join(lines[:3] + lines[4:]))
    code, out, _ = _run(folder, "audit_ledger.py", "--network", "network.json", "ledger.ndjson")
    assert code == 13
    assert "FINDINGS 发现问题" in out
    assert "gap" in out
    code, out, _ = _run(folder, "audit_ledger.py", "--network", "network.json", "--json", "ledger.ndjson")
    assert (code, json.loads(out)["findings"][0]["code"]) == (13, "gap")


@pytest.mark.parametrize("finality", [AT_ONCE, SEALERS])
def test_seals_alone_verify_evidence(tmp_path: Path, finality: str) -> None:
    sealed = sealed_scene(finality)
    (tmp_path / "network.json").write_bytes(sealed.network.to_bytes())
    (tmp_path / "e.json").write_bytes(sealed.proven().to_bytes())
    code, out, _ = _run(tmp_path, "verify_evidence.py", "--network", "network.json", "e.json")
    assert code == 0
    assert "VALID 有效" in out
    assert "3 of 4 validators" in " ".join(out.split())
