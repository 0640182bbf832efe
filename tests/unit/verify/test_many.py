"""Thousands of files at once: the verdicts are those of single files, and a killed run goes on."""

import json
import os
import signal
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from support.paper_scene import Scene

from chainsvc.errors import FileRefused, ProcessLost
from chainsvc.evidence import MAX_BYTES_WITH_PROOF
from chainsvc.verify import evidence_files
from chainsvc.verify.many import MAX_LISTED, Against, Tally, verify_all
from chainsvc.verify.processes import Processes
from chainsvc.verify.verification_report import Known


@pytest.fixture
def against(scene: Scene) -> Against:
    return Against(scene.network.to_bytes(), checkpoint=scene.chain.checkpoint().to_bytes())


@pytest.fixture
def folder(tmp_path: Path, scene: Scene) -> Path:
    """A folder with a file, a folder inside, and both kinds of bundle: seven evidence files in all."""
    valid, superseded = scene.proven().to_bytes(), scene.proven(scene.superseded).to_bytes()
    (tmp_path / "in" / "deeper").mkdir(parents=True)
    (tmp_path / "in" / "a.json").write_bytes(valid)
    (tmp_path / "in" / "note.txt").write_text("no evidence")
    (tmp_path / "in" / "deeper" / "b.json").write_bytes(superseded)
    (tmp_path / "in" / "c.ndjson").write_bytes(valid + b"\n\n" + scene.evidence().to_bytes() + b"\r\n" + valid)
    with zipfile.ZipFile(tmp_path / "in" / "d.zip", "w") as archive:
        archive.writestr("x/e.json", replace(scene.proven(), seq=2).to_bytes())
        archive.writestr("readme.txt", "no evidence")
        archive.writestr("f.json", b" " * (MAX_BYTES_WITH_PROOF * 4))
    return tmp_path / "in"


def _names(folder: Path) -> list[str]:
    found = evidence_files.evidence_files(evidence_files.expanded([str(folder)]))
    return [file.name.removeprefix(f"{folder}/") for file in found]


def test_folders_and_bundles_are_walked_in_order(folder: Path) -> None:
    inside = ["a.json", "c.ndjson:1", "c.ndjson:3", "c.ndjson:4", "d.zip/x/e.json", "d.zip/f.json", "deeper/b.json"]
    assert _names(folder) == inside


def test_a_pattern_that_the_shell_left_is_expanded(folder: Path) -> None:
    found = evidence_files.expanded([str(folder / "**" / "*.json")])
    assert [path.name for path in found] == ["a.json", "b.json"]
    with pytest.raises(FileNotFoundError):
        list(evidence_files.expanded([str(folder / "*.nothing")]))


def test_a_large_member_is_cut_beyond_the_limit(folder: Path) -> None:
    sizes = {file.name[-6:]: len(file.data) for file in evidence_files.evidence_files([folder / "d.zip"])}
    assert sizes["f.json"] == MAX_BYTES_WITH_PROOF + 1


def test_an_archive_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(FileRefused, match="ZIP"):
        list(evidence_files.evidence_files([tmp_path / "x.zip"]))


def _verified(
    folder: Path, against: Against, report: Path | None = None, processes: int = 1
) -> tuple[Tally, list[str]]:
    lines: list[bytes] = []
    tally = verify_all(
        evidence_files.expanded([str(folder)]), against, processes=processes, report=report, told=lines.append
    )
    return tally, [json.loads(line)["verdict"] for line in lines]


@pytest.mark.parametrize("processes", [1, 2])
def test_each_file_has_its_verdict_whoever_does_the_work(folder: Path, against: Against, processes: int) -> None:
    tally, verdicts = _verified(folder, against, processes=processes)
    assert verdicts == ["valid", "valid", "undetermined", "valid", "invalid", "invalid", "superseded"]
    assert tally.counts == {"valid": 3, "invalid": 2, "undetermined": 1, "superseded": 1}
    assert (tally.worst, tally.files) == (12, evidence_files.count([folder / "c.ndjson"]) + 4)
    reasons = {name.rpartition("/")[2]: known.reason for name, known in tally.others}
    assert str(reasons["f.json"]).startswith("step 1 file: too large")
    assert str(reasons["c.ndjson:3"]).startswith("step 5 head")
    assert reasons["b.json"] is None


@pytest.mark.parametrize("cut", [0, 1, 40, 400, 3000])
def test_a_run_killed_at_any_byte_goes_on(folder: Path, against: Against, tmp_path: Path, cut: int) -> None:
    report = tmp_path / "report"
    first, _ = _verified(folder, against, report)
    whole = report.read_bytes()
    report.write_bytes(whole[: len(whole) - cut] if cut < 3000 else whole[:30])
    again, anew = _verified(folder, against, report)
    assert (again.counts, again.worst, again.others) == (first.counts, first.worst, first.others)
    assert again.resumed == again.files - len(anew)
    assert sorted(report.read_bytes().splitlines()) == sorted(whole.splitlines()) if cut else not anew


def test_a_report_of_another_checkpoint_is_refused_and_kept(
    folder: Path, against: Against, tmp_path: Path, scene: Scene
) -> None:
    report = tmp_path / "report"
    _verified(folder, against, report)
    before = report.read_bytes()
    other = against._replace(checkpoint=None)
    with pytest.raises(FileRefused, match="something else"):
        _verified(folder, other, report)
    assert report.read_bytes() == before
    assert scene.network.sha256.hex() in before.decode()


def test_a_summary_lists_a_thousand_files_and_counts_the_rest() -> None:
    tally = Tally()
    for number in range(MAX_LISTED + 5):
        tally.add(f"{number}.json", Known(bytes(32), "invalid", 12, "step 1 file: no"))
    assert (len(tally.others), tally.files) == (MAX_LISTED, MAX_LISTED + 5)


class _Doubling:
    def __call__(self, number: int) -> int:
        if number < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return 2 * number


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_items(processes: int) -> None:
    with Processes(processes, _Doubling) as pool:
        found = list(pool.in_order(range(50), lambda number: number % 10 != 0))
    assert found == [(number, 2 * number if number % 10 else None) for number in range(50)]


def test_no_more_items_are_taken_than_are_soon_done() -> None:
    numbers = iter(range(1000))
    with Processes(2, _Doubling) as pool:
        next(pool.in_order(numbers))
        assert next(numbers) < 20


def test_a_killed_process_is_named() -> None:
    with Processes(2, _Doubling) as pool, pytest.raises(ProcessLost, match="killed"):
        list(pool.in_order([1, -1, 2]))
