"""The benchmark runs from end to end on real parts; what it measures at these sizes is not looked at."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.database import folder_for_server

pytestmark = [pytest.mark.node, pytest.mark.database, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 2


def test_every_row_is_measured_and_nothing_is_left_behind(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    line = [sys.executable, "-m", "bench", "--quick", "--json", str(out)]
    with folder_for_server() as folder:
        environment = os.environ | {"PYTHONPATH": str(ROOT / "scripts"), "TMPDIR": str(folder)}
        ended = subprocess.run(
            line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=800, check=False
        )
        assert list(folder.glob("chainsvc-bench-*")) == []
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = json.loads(out.read_bytes())
    assert len(found["ratios"]) == 26
    assert {len(ratio["perSecond"]) for ratio in found["ratios"]} == {ROUNDS}
    assert all(ratio["name"] in ended.stdout for ratio in found["ratios"])
    assert [fact["name"].split()[0] for fact in found["evidence"]] == ["13", "22", "22", "22"]
    assert [fact["name"].split()[0] for fact in found["memory"]] == ["audit", "service,"]
    assert len(found["gas"]) == 6
    assert [fact["name"].split(":")[0] for fact in found["engines"]] == ["anvil", "clique"]
