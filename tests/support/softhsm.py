"""A security module in software: Debian's SoftHSM2, with tokens in a folder of the test session."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
"""Where Debian's package softhsm2 puts it, on every architecture."""

_CONFIGURATION = "SOFTHSM2_CONF"


@dataclass(frozen=True)
class SoftToken:
    """A token with the PIN in a file."""

    label: str
    pin_file: Path

    def name(self, label: str, **options: str) -> str:
        """Return the name of a key in it."""
        pin = options.get("pin", f"file:{self.pin_file}")
        return f"pkcs11:token={options.get('token', self.label)};object={label}?module-path={MODULE}&pin-source={pin}"


def new_token(folder: Path, label: str, pin: str) -> SoftToken:
    """Make a token beside those that are there; ``SOFTHSM2_CONF`` names the folder."""
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "12345678"]
    subprocess.run(command, check=True, capture_output=True)
    file = folder / f"{label}.pin"
    file.write_text(f"{pin}\n")
    file.chmod(0o600)
    return SoftToken(label, file)


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SoftToken, SoftToken]]:
    """Two tokens, made before the module is loaded: it looks into the folder once a process."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, _CONFIGURATION, str(configuration))
        yield new_token(folder, "service", "2718"), new_token(folder, "other", "3141")


@pytest.fixture(scope="session")
def token(tokens: tuple[SoftToken, SoftToken]) -> SoftToken:
    """The first one."""
    return tokens[0]
