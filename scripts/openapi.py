"""Write docs/openapi.json, the API's description that reviewers see change; ``--check`` compares only."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from chainsvc.api.app import create_app

if TYPE_CHECKING:
    from chainsvc.api.ports import ServicePort

FILE = Path(__file__).resolve().parents[1] / "docs" / "openapi.json"


def wanted() -> str:
    """Return the document as text; making it calls no service."""
    document = create_app(cast("ServicePort", None)).openapi()
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def main() -> int:
    """Write or check; the exit status is 1 when the file differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only, and exit with 1 on a difference")
    if not parser.parse_args().check:
        FILE.write_text(wanted(), encoding="utf-8")
        return 0
    same = FILE.exists() and FILE.read_text(encoding="utf-8") == wanted()
    print(f"{FILE.name} is as the code says" if same else f"{FILE.name} differs: run scripts/openapi.py and look at it")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
