"""Measure what each act of the contracts costs in gas, on a local anvil, and write contracts/artifacts/gas.json.

::

    python scripts/gas.py            measure and write
    python scripts/gas.py --check    measure and compare, change nothing
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.anvil import anvil  # noqa: E402  the tests' own harness measures, so that both see the same
from support.gas import measure  # noqa: E402

GAS = ROOT / "contracts" / "artifacts" / "gas.json"


def main() -> int:
    """Measure; write, or with ``--check`` compare."""
    parser = argparse.ArgumentParser(description="Measure the contracts' gas on a local anvil.")
    parser.add_argument("--check", action="store_true", help="compare with contracts/artifacts/gas.json")
    arguments = parser.parse_args()
    with anvil() as node:
        measured = json.dumps(measure(node), indent=1) + "\n"
    if not arguments.check:
        GAS.write_text(measured)
        print(measured, end="")
        return 0
    if GAS.read_text() == measured:
        return 0
    print("contracts/artifacts/gas.json is not what the contracts cost; run scripts/gas.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
