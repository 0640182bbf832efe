"""A file is there whole, or as it was."""

from pathlib import Path

import pytest

from chainsvc.files import whole, whole_folder


def test_written_file_takes_the_place_of_the_old_one_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    with whole(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def _write_half(path: Path) -> None:
    with whole(path) as beside:
        beside.write_text("half")
        raise InterruptedError


def test_error_in_the_middle_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(InterruptedError):
        _write_half(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_rest_of_a_killed_writer_is_not_taken_for_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with whole(path) as beside:
        pass
    beside.write_text("half")
    with whole(path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_link_stays_a_link_and_a_device_stays_a_device(tmp_path: Path) -> None:
    path, link = tmp_path / "a", tmp_path / "link"
    link.symlink_to(path)
    with whole(link) as beside:
        beside.write_text("x")
    assert (link.is_symlink(), path.read_text()) == (True, "x")
    with whole(Path("/dev/null")) as itself:
        itself.write_text("x")
    assert Path("/dev/null").is_char_device()


def test_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"), whole(tmp_path / "missing" / "a") as beside:
        beside.write_text("x")


def test_a_folder_appears_at_once(tmp_path: Path) -> None:
    (tmp_path / "made.part").mkdir()
    (tmp_path / "made.part" / "old").touch()  # of a writer that was killed
    with whole_folder(tmp_path / "made") as beside:
        (beside / "new").touch()
        assert not (tmp_path / "made").exists()
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["new"]


def _fill_half(path: Path) -> None:
    with whole_folder(path) as beside:
        (beside / "new").touch()
        raise OSError(28, "full")


def test_a_folder_that_failed_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"):
        _fill_half(tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_stays(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError), whole_folder(tmp_path):
        raise AssertionError("not reached")
