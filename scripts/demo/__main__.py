"""The demo: everything from an empty folder to verified evidence, on real parts.

    make demo            stays up until Ctrl-C
    make demo ONCE=1     ends after the summary
    make demo ENGINE=clique     on a consortium of four validators, in .demo-clique
    PYTHONPATH=scripts python -m demo --home D     keeps its state in D instead

A second run resumes what is there and notarizes nothing twice.
"""

import argparse
import signal
import sys
import threading
from pathlib import Path

from chainsvc.errors import ChainsvcError
from chainsvc.logs import setup_logs
from demo.feeding import feed, wait_final
from demo.provinces import show_provinces
from demo.proving import prove
from demo.screen import Screen
from demo.stage import settings_of, staged
from demo.summing import summarize

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "tests" / "data" / "sample"
_HOMES = {"anvil": ".demo", "clique": ".demo-clique"}  # a home holds one chain


def main() -> int:
    """Run the demo; return its exit status."""
    options = _options()
    screen = Screen()
    home = (options.home or ROOT / _HOMES[options.engine]).absolute()
    home.mkdir(parents=True, exist_ok=True)
    setup_logs(stream=(home / "demo.log").open("a", encoding="utf-8"), pretty=False)  # open until the process ends
    try:
        return _run(screen, home, options)
    except ChainsvcError as error:
        screen.fail(error)
        return error.exit_code


def _run(screen: Screen, home: Path, options: argparse.Namespace) -> int:
    screen.title("chainsvc demo · 民政存证演示")
    with staged(screen, settings_of(home, options.port), options.engine) as stage:
        fed = feed(screen, stage, options.sample)
        wait_final(screen, stage)
        failures = prove(screen, stage)
        summarize(screen, stage, fed)
        if stage.parts.network.validators:  # more than one institution runs this chain
            failures += show_provinces(screen, stage)
        screen.footer(stage, options.once)
        if not options.once:
            _wait_for_ctrl_c()
    return 1 if failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Notarize and verify the sample exports on real parts.")
    parser.add_argument("--once", action="store_true", help="end after the summary")
    parser.add_argument("--engine", choices=sorted(_HOMES), default="anvil", help="of the devnet")
    parser.add_argument("--home", type=Path, help="where the demo keeps its state; default by engine")
    parser.add_argument("--port", type=int, default=8600, help="port of the API; 0 takes a free one")
    parser.add_argument("--sample", type=Path, default=SAMPLE, help="folder of the exports")
    return parser.parse_args()


def _wait_for_ctrl_c() -> None:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()


if __name__ == "__main__":
    sys.exit(main())
