"""The geth binary: found on PATH, or built once by the Go toolchain and kept in a cache.

Only one version will do: 1.13 is the last line of go-ethereum that seals clique blocks.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from chainsvc.errors import ConfigurationRefused

VERSION = "1.13.15"
"""The version that the devnet runs; 1.14 dropped the sealing of clique blocks."""

BUILD = (
    "go",
    "install",
    "-ldflags=-checklinkname=0 -s -w",  # newer Go refuses the symbol links of a dependency without the first flag
    f"github.com/ethereum/go-ethereum/cmd/geth@v{VERSION}",
)
"""What builds it, in two minutes; 43 MB."""

_WORDS = 500  # of a failed build that are shown


def find_geth() -> Path:
    """Return geth: ``CHAINSVC_GETH``, else the one on PATH, else the cached one, which is built if it is missing.

    One on PATH of another version is passed over.

    Raises:
        ConfigurationRefused: The named one is not version 1.13.15; or there is none and no Go toolchain, or it failed.
    """
    named = os.environ.get("CHAINSVC_GETH")
    if named is not None:
        _check(Path(named))
        return Path(named)
    on_path = shutil.which("geth")
    if on_path is not None and _version(Path(on_path)) == VERSION:
        return Path(on_path)
    kept = cache() / f"geth-{VERSION}" / "geth"
    if _version(kept) != VERSION:
        _build(kept)
    return kept


def cache() -> Path:
    """Return the folder for programs that were built: ``CHAINSVC_CACHE``, else the user's usual one."""
    named = os.environ.get("CHAINSVC_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chainsvc"


def built_by_hand() -> str:
    """Return the line that builds geth, as one types it."""
    return " ".join(f"'{word}'" if " " in word else word for word in BUILD)


def run(binary: Path, arguments: Sequence[str]) -> str:
    """Run geth to its end and return what it printed.

    Raises:
        ConfigurationRefused: It failed; the message has its last words.
    """
    ended = subprocess.run(  # noqa: S603 - our own arguments
        [str(binary), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise ConfigurationRefused("geth failed", got=ended.stderr.strip()[-_WORDS:], where=" ".join(arguments))
    return ended.stdout


def _check(named: Path) -> None:
    found = _version(named)
    if found != VERSION:
        raise ConfigurationRefused(
            "the named geth is not the version that the devnet runs",
            expected=VERSION,
            got=found or "no geth that runs",
            where=f"CHAINSVC_GETH={named}",
            hint=f"Build it with: {built_by_hand()}",
        )


@lru_cache(maxsize=8)
def _version_of(binary: Path, _changed: int) -> str | None:
    try:
        told = subprocess.run([str(binary), "version"], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return None
    found = [line.split()[1] for line in told.stdout.splitlines() if line.startswith("Version:")]
    return found[0].partition("-")[0] if found else None


def _version(binary: Path) -> str | None:
    """Return a binary's version, asked once as long as the file stays the same; None when it is no geth."""
    try:
        changed = binary.stat().st_mtime_ns
    except OSError:
        return None
    return _version_of(binary, changed)


def _build(kept: Path) -> None:
    """Build beside the place and put it there whole; who waits for another's build finds it done."""
    go = shutil.which("go")
    if go is None:
        raise ConfigurationRefused(
            "the devnet needs geth, and there is neither geth nor Go to build it",
            expected=f"geth {VERSION} on PATH or named by CHAINSVC_GETH, or Go 1.21 or newer on PATH",
            got="nothing",
            hint=f"Install Go, or on another machine build it with: {built_by_hand()}",
        )
    kept.parent.mkdir(parents=True, exist_ok=True)
    with (kept.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _version(kept) != VERSION:
            print(f"Building geth {VERSION} once (two minutes) ...", file=sys.stderr, flush=True)  # noqa: T201 - long
            _install(go, kept)


def _install(go: str, kept: Path) -> None:
    beside = kept.parent / "part"
    shutil.rmtree(beside, ignore_errors=True)
    built = subprocess.run(  # noqa: S603 - our own arguments
        [go, *BUILD[1:]],
        env=os.environ | {"GOBIN": str(beside.resolve())},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode:
        raise ConfigurationRefused(
            "geth could not be built",
            got=built.stderr.strip()[-_WORDS:],
            hint=f"Go 1.21 or newer and its module proxy are needed for: {built_by_hand()}",
        )
    (beside / "geth").replace(kept)
    shutil.rmtree(beside, ignore_errors=True)
