from pathlib import Path

import pytest

from chainsvc.devnet.consortium.geth import VERSION, built_by_hand, cache, find_geth
from chainsvc.errors import ConfigurationRefused


@pytest.fixture(autouse=True)
def _nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("CHAINSVC_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CHAINSVC_GETH", raising=False)


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return path


def geth(path: Path, version: str) -> Path:
    return program(path, f'echo Geth; echo "Version: {version}-stable"')


def test_geth_of_the_right_version_on_path_is_taken(tmp_path: Path) -> None:
    found = geth(tmp_path / "bin/geth", VERSION)
    assert find_geth() == found


def test_geth_of_another_version_on_path_gives_way_to_the_cached_one(tmp_path: Path) -> None:
    geth(tmp_path / "bin/geth", "1.14.0")
    kept = geth(tmp_path / f"cache/geth-{VERSION}/geth", VERSION)
    assert find_geth() == kept


def test_named_geth_of_another_version_is_refused_with_the_line_that_builds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINSVC_GETH", str(geth(tmp_path / "mine", "1.14.0")))
    with pytest.raises(ConfigurationRefused) as caught:
        find_geth()
    assert (caught.value.expected, caught.value.got) == (VERSION, "1.14.0")
    assert built_by_hand() in str(caught.value)


def test_named_geth_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINSVC_GETH", str(tmp_path / "nothing"))
    with pytest.raises(ConfigurationRefused, match="no geth that runs"):
        find_geth()


def test_without_geth_and_go_the_exact_line_is_told() -> None:
    with pytest.raises(ConfigurationRefused) as caught:
        find_geth()
    assert f"go install '-ldflags=-checklinkname=0 -s -w' github.com/ethereum/go-ethereum/cmd/geth@v{VERSION}" in str(
        caught.value
    )


def test_go_builds_into_the_cache_once(tmp_path: Path) -> None:
    builds = tmp_path / "builds"
    script = f'echo "$@" >> {builds}; /bin/mkdir -p "$GOBIN"; /bin/cp {geth(tmp_path / "new", VERSION)} "$GOBIN/geth"'
    program(tmp_path / "bin/go", script)
    assert find_geth() == find_geth() == cache() / f"geth-{VERSION}" / "geth"
    assert builds.read_text().splitlines() == [
        f"install -ldflags=-checklinkname=0 -s -w github.com/ethereum/go-ethereum/cmd/geth@v{VERSION}"
    ]


def test_a_build_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    program(tmp_path / "bin/go", "echo 'dial tcp: no route' >&2; exit 1")
    with pytest.raises(ConfigurationRefused, match="no route"):
        find_geth()


def test_cache_follows_the_users_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAINSVC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/someone")
    assert cache() == Path("/var/cache/someone/chainsvc")
