"""The benchmark: what chainsvc does a second, as ratios to what cannot be left out, measured in the same run.

    make bench                                         two minutes, on real parts
    PYTHONPATH=scripts python -m bench --rounds 9      closer medians
    PYTHONPATH=scripts python -m bench --json FILE     every round's figures too
    PYTHONPATH=scripts python -m bench --quick         tiny sizes: shows that everything runs, measures nothing

docs/bench.md says what each row means. Everything is kept in a temporary folder and stops with this program.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from bench.figures import fact_table, ratio_table
from bench.running import QUICK, Results, Run, Sizes, machine
from chainsvc.errors import ChainsvcError
from chainsvc.logs import setup_logs
from demo.screen import Screen


def main() -> int:
    """Measure; return the exit status."""
    options = _options()
    screen = Screen()
    setup_logs(level="ERROR")
    size = QUICK if options.quick else Sizes(options.rounds, long=options.entries)
    screen.title("chainsvc bench · " + ", ".join(f"{key} {value}" for key, value in machine().items()))
    try:
        with tempfile.TemporaryDirectory(prefix="chainsvc-bench-") as folder:
            results = Run(screen, Path(folder), size).measure()
    except ChainsvcError as error:
        screen.fail(error)
        return error.exit_code
    _show(screen, results, size)
    if options.json:
        options.json.write_text(json.dumps(results.to_json(), ensure_ascii=False, indent=1) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Measure rates, as ratios to what cannot be left out.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each row; the table shows the median")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round's figures there too")
    parser.add_argument("--entries", type=int, default=200_000, metavar="N", help="entries of the long ledger")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that everything runs")
    return parser.parse_args()


def _show(screen: Screen, results: Results, size: Sizes) -> None:
    screen.section(f"Ratios, median of {size.rounds} rounds; below 1 is slower than the base")
    screen.print(ratio_table(results.ratios))
    screen.section("Evidence, bytes")
    screen.print(fact_table(results.evidence))
    screen.section("Memory at most")
    screen.print(fact_table(results.memory))
    screen.section("Engines, one service each")
    screen.print(fact_table(results.engines))
    screen.section("Gas by entries of a batch, from contracts/artifacts/gas.json")
    screen.print(fact_table(results.gas))
    if size == QUICK:
        screen.print("\n  [yellow]--quick: the sizes are too small for any of these figures to mean anything.[/yellow]")


if __name__ == "__main__":
    sys.exit(main())
