"""Settings, as this process would use them."""

import re
import stat
from pathlib import Path
from typing import Any

import typer

from chainsvc.cli.output import facts, listing, output_of
from chainsvc.settings import Settings, load_settings, settings_file

_LOGIN = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_KEYS = ("kek", "receipt", "checkpoint", "account")


def show(context: typer.Context) -> None:
    """Show every setting; secrets are none.

    Keys are files: their paths are shown, never what is in them.
    """
    settings, source = load_settings(), settings_file()
    values = {name: _plain(getattr(settings, name)) for name in Settings.model_fields}
    files = {name: {"path": str(path), "state": _state(path)} for name, path in _files(settings).items()}
    rows = [(f"CHAINSVC_{name.upper()}", _words(value), _description(name)) for name, value in values.items()]
    output_of(context).answer(
        {"settings_file": str(source), "settings_file_exists": source.exists(), "settings": values, "files": files},
        facts([("Settings file", f"{source}, {'read' if source.exists() else 'not there'}")]),
        listing(("Setting", "Value", "What it is"), rows),
        listing(("File", "Path", "State"), [(name, one["path"], one["state"]) for name, one in files.items()]),
    )


def _words(value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(f"{name}={one:g}" for name, one in value.items()) or None
    return " ".join(value) if isinstance(value, list) else value


def _description(name: str) -> str:
    return Settings.model_fields[name].description or ""


def _files(settings: Settings) -> dict[str, Path]:
    keys = {name: settings.key(name) for name in _KEYS if not getattr(settings, f"{name}_key", None)}
    shown = {"descriptor": settings.descriptor, **keys}
    return shown if settings.api_key_file is None else {**shown, "api key": settings.api_key_file}


def _state(path: Path) -> str:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return "not there"
    return f"mode {mode:04o}"


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [str(_plain(one)) for one in value]
    if isinstance(value, Path | str):
        return _LOGIN.sub("…", str(value))
    return value
