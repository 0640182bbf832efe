"""Run what README.md says, word for word, while the demo runs: its ``python`` and ``sh`` blocks, in order.

Blocks marked ``console`` and ``text`` are shown, not run: the two make commands are steps of .ci/run themselves.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_READY_S = 170.0


def main() -> int:
    """Run the demo, then every block; return the exit status of the first that fails."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "scripts"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    demo = subprocess.Popen(
        [sys.executable, "-m", "demo"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        _wait_ready(demo)
        failed = sum(_run(language, code, environment) for language, code in _BLOCK.findall(_readme()))
    finally:
        demo.send_signal(signal.SIGINT)
        status = demo.wait(60)
    print(f"README: {'failed' if failed or status else 'every command ran'}; the demo ended with {status}")
    return 1 if failed or status else 0


def _readme() -> str:
    return (ROOT / "README.md").read_text("utf-8")


def _wait_ready(demo: "subprocess.Popen[str]") -> None:
    began = time.monotonic()
    assert demo.stdout is not None
    for line in demo.stdout:
        print(line, end="", flush=True)
        if "Ctrl-C stops" in line:
            return
        if time.monotonic() - began > _READY_S:
            break
    raise SystemExit("the demo did not get ready")


def _run(language: str, code: str, environment: dict[str, str]) -> bool:
    print(f"--- {language}\n{code}---", flush=True)
    command = [sys.executable, "-"] if language == "python" else ["bash", "-euo", "pipefail"]
    done = subprocess.run(command, input=code, text=True, cwd=ROOT, env=environment, timeout=120, check=False)
    return done.returncode != 0


if __name__ == "__main__":
    sys.exit(main())
