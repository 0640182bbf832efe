"""Write the test vectors, or with ``--check`` compare them with what the code says now.

Python, Solidity and JavaScript tests read the same files; tests/vectors/README.md describes them.
"""

import argparse
import difflib
import json
import sys
from pathlib import Path
from typing import Any

from vector_parts import canonical, chain, evidence_files, example, exports, schemas, seals, signatures, verdicts

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "vectors"
"""Where the vectors stand."""

DOCUMENT = ROOT / "docs" / "evidence-format.md"
"""The specification, whose worked example is written here too."""

WIDTH = 160
"""Longest line in columns that an array or object is kept on."""

PARTS = (canonical, chain, signatures, schemas, evidence_files, verdicts, seals, exports)


def render(value: Any, indent: int = 0) -> str:
    """Return JSON text with short arrays and objects on one line each."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or indent + len(flat) <= WIDTH:
        return flat
    inner = " " * (indent + 1)
    if isinstance(value, dict):
        lines = [f"{inner}{json.dumps(key)}: {render(member, indent + 1)}" for key, member in value.items()]
    else:
        lines = [inner + render(member, indent + 1) for member in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + "\n" + ",\n".join(lines) + "\n" + " " * indent + closing


def wanted() -> dict[str, bytes]:
    """Return every file by its name below the folder, and the document with its example."""
    document = example.within(DOCUMENT.read_text("utf-8"))
    files = {"../../docs/evidence-format.md": document.encode()}
    for part in PARTS:
        for name, content in part.files().items():
            files[name] = content if isinstance(content, bytes) else (render(content) + "\n").encode()
    return files


def write(files: dict[str, bytes]) -> None:
    """Write every file."""
    for name, content in files.items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    print(f"wrote {len(files)} files, {sum(map(len, files.values()))} bytes")


def differences(files: dict[str, bytes]) -> list[str]:
    """Return one line for each file that is missing, left over, or not as wanted, with its first difference."""
    found = []
    present = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()} - {"README.md"}
    found += [f"{name}: nothing writes it" for name in sorted(present - set(files))]
    for name, content in files.items():
        if not (FOLDER / name).is_file():
            found.append(f"{name}: missing")
        elif (there := (FOLDER / name).read_bytes()) != content:
            found.append(f"{name}: {_first_difference(there, content)}")
    return found


def _first_difference(there: bytes, content: bytes) -> str:
    lines = difflib.unified_diff(
        there.decode(errors="replace").splitlines(), content.decode(errors="replace").splitlines(), lineterm="", n=0
    )
    return " ".join(line[:120] for line in list(lines)[3:5])


def main() -> int:
    """Write or check; the exit status is 1 when a file differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only, and exit with 1 on a difference")
    files = wanted()
    if not parser.parse_args().check:
        write(files)
        return 0
    found = differences(files)
    print("\n".join(found) or f"{len(files)} files are as the code says")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
