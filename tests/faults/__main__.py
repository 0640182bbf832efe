"""The long drill: rounds of faults on real parts, in laps; it goes on where it was stopped, and ends at a finding.

    make faults N=1000                     as many rounds; SEED=… for another plan, STATE=… for another folder
    PYTHONPATH=tests python -m faults --rounds 1000 --seed 1 --state .faults

Each lap has a network and a journal of its own, and the seed ``SEED/LAP``. What is done is in the state's folder; a
lap that was broken off is begun anew. After a finding its folder stays: plan, logs of every part, receipts.
"""

import argparse
import sys
from pathlib import Path

from support.drill.lap import Size
from support.drill.running import Finding, Run
from support.drill.telling import table

from chainsvc.logs import setup_logs

_SIZE = Size()


def main() -> int:
    """Run; return 0 when nothing was found, 1 after a finding."""
    options = _options()
    setup_logs(level="CRITICAL")  # of the proof; the parts' own logs are in the lap's folder
    run = Run(options.state, options.seed, Size(options.strikes, options.seconds))
    try:
        for line in run.rounds(options.rounds):
            print(line, flush=True)  # noqa: T201 - what a person watches
    except Finding as finding:
        print(table(run.figures, run.left_out, findings=1))  # noqa: T201
        print(f"\nFOUND: {finding}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print("\nStopped; the same command goes on.")  # noqa: T201
        return 130
    print(table(run.figures, run.left_out, findings=0))  # noqa: T201
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="faults", description="Rounds of faults on real parts, proven after each.")
    parser.add_argument("--rounds", type=int, default=100, metavar="N", help="rounds in all, done ones included")
    parser.add_argument("--seed", default="1", help="of the plan of faults")
    parser.add_argument("--state", type=Path, default=Path(".faults"), help="folder of what is done, and of a finding")
    parser.add_argument("--strikes", type=int, default=_SIZE.strikes, help="faults a round")
    parser.add_argument("--seconds", type=float, default=_SIZE.load_s, help="load a round, while faults strike")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
