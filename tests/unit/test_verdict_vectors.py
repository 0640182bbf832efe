"""The verifier and the audit come to the verdicts that the vectors state."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from support.edits import edited
from support.vector_node import VectorNode, source_of

from chainsvc.network import Network
from chainsvc.verify import completeness, verify
from chainsvc.verify.completeness import audit_export

FOLDER = Path(__file__).parent.parent / "vectors"


def read(name: str) -> Any:
    return json.loads((FOLDER / name).read_bytes())


VERDICTS = read("evidence/verdicts.json")


@pytest.mark.parametrize("row", VERDICTS["cases"], ids=lambda row: row["name"])
def test_verdicts(row: dict[str, Any]) -> None:
    data = edited((FOLDER / row["file"]).read_bytes(), row["edit"])
    network = Network.parse((FOLDER / VERDICTS["network"]).read_bytes())
    verdict = verify(data, network, source_of(row["chain"], row["checkpoint"]), row["at"])
    outcomes = {step.number: step.outcome.value for step in verdict.steps}
    assert outcomes == dict(enumerate(row["steps"], 1)), [step.finding for step in verdict.steps]
    assert (verdict.verdict, verdict.exit_code) == (row["verdict"], row["exitCode"])


def test_every_step_has_a_case_that_fails_there_alone() -> None:
    failing = {tuple(i for i, step in enumerate(row["steps"], 1) if step == "failed") for row in VERDICTS["cases"]}
    assert {(step,) for step in range(2, 11)} <= failing


def test_both_suites_have_verdicts() -> None:
    suites = {json.loads((FOLDER / row["file"]).read_bytes())["suite"] for row in VERDICTS["cases"]}
    assert suites == {1, 2}


def test_malformed_evidence_is_invalid_at_step_1() -> None:
    network = Network.parse((FOLDER / VERDICTS["network"]).read_bytes())
    content = read("evidence/malformed.json")
    base = (FOLDER / content["base"]).read_bytes()
    for row in content["files"]:
        verdict = verify(edited(base, row), network, source_of("plain", None))
        assert verdict.verdict == "invalid"
        assert [step.outcome.value for step in verdict.steps] == ["failed", *["not checked"] * 9]


AUDITS = read("exports/audits.json")


@pytest.mark.parametrize("row", AUDITS["cases"], ids=lambda row: row["name"])
def test_audits(row: dict[str, Any]) -> None:
    data = edited((FOLDER / row["file"]).read_bytes(), row["edit"])
    network = Network.parse((FOLDER / AUDITS["network"]).read_bytes())
    report = audit_export(data.splitlines(keepends=True), network, VectorNode(AUDITS["chains"][row["chain"]]))
    assert sorted({finding.code for finding in report.findings}) == row["findings"]
    assert (report.outcome, report.exit_code) == (row["outcome"], row["exitCode"])


def test_an_audit_without_a_chain_is_undetermined() -> None:
    network = Network.parse((FOLDER / AUDITS["network"]).read_bytes())
    report = audit_export((FOLDER / "exports" / "ledger.ndjson").read_bytes().splitlines(keepends=True), network)
    assert (report.outcome, report.exit_code) == ("undetermined", 11)
    assert (report.entries, report.credit, report.debit) == (4, 15_700, 2_000)


def test_every_finding_of_an_audit_has_a_case() -> None:
    told = {code for row in AUDITS["cases"] for code in row["findings"]}
    listed = set(re.findall(r"^([a-z-]+)  ", completeness.__doc__ or "", re.MULTILINE))
    assert len(listed) > 20
    assert listed == told
