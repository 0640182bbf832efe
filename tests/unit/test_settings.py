"""Settings come from arguments, the environment and a file, in that order."""

from pathlib import Path

import pytest

from chainsvc.errors import ConfigurationRefused
from chainsvc.settings import load_settings


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CHAINSVC_HOME", str(tmp_path))
    for name in ("CHAINSVC_PORT", "CHAINSVC_SETTINGS"):
        monkeypatch.delenv(name, raising=False)


def test_environment_is_stronger_than_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("port = 1111\npoll_s = 2.5\n")
    monkeypatch.setenv("CHAINSVC_PORT", "2222")
    settings = load_settings()
    assert (settings.port, settings.poll_s) == (2222, 2.5)
    assert load_settings(port=3333).port == 3333


def test_unknown_setting_in_the_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("prot = 1\n")
    with pytest.raises(ConfigurationRefused, match="prot"):
        load_settings()


def test_a_broken_file_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("port = 1\nport\n")
    with pytest.raises(ConfigurationRefused, match="line 2"):
        load_settings()


def test_setting_out_of_range_says_how_to_mend_it() -> None:
    with pytest.raises(ConfigurationRefused, match="CHAINSVC_PORT"):
        load_settings(port=-1)


def test_keys_lie_in_the_home_folder_unless_named(tmp_path: Path) -> None:
    assert load_settings().key("kek") == tmp_path / "keys" / "kek.key"
    assert load_settings(receipt_key_file="/etc/r").key("receipt") == Path("/etc/r")


def test_waits_are_set_by_kind() -> None:
    settings = load_settings(longest_wait_s={"charity": 2})
    assert (settings.wait_of("charity"), settings.wait_of("subsidy")) == (2, 86_400)
