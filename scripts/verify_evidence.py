"""Verify evidence files, without the service that made them.

For courts, banks and regulators on the base install (``pip install chainsvc``). Exit status: 0 all valid, 10 some have
another standing than current, 11 some can't be determined, 12 some are invalid; the gravest counts.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import track

from chainsvc.checkpoint import Checkpoint
from chainsvc.errors import ChainsvcError
from chainsvc.evidence import MAX_BYTES_WITH_PROOF
from chainsvc.network import Network
from chainsvc.verify import CheckpointSource, LiveNode, Source, Verdict, verify
from chainsvc.verify.render import verdict_line, verdict_table

MANY = 5
"""More files than this are shown one a line, with a progress bar."""


def main() -> int:
    """Run the script; return its exit status."""
    options = _options()
    try:
        with ExitStack() as stack:
            network = Network.parse(options.network.read_bytes())
            source = _source(options, stack)
            return _verify_all(options, network, source)
    except ChainsvcError as error:
        print(f"error 错误: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"error 错误: cannot read 无法读取 {error.filename}: {error.strerror}", file=sys.stderr)
        return 2


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Verify evidence files 核验证据文件",
        epilog="Exit status 退出码: 0 valid 有效, 10 other standing 其他效力, 11 undetermined 无法判定, "
        "12 invalid 核验不通过",
    )
    parser.add_argument("files", nargs="+", type=Path, help="evidence files 证据文件")
    parser.add_argument(
        "--network",
        required=True,
        type=Path,
        metavar="DESCRIPTOR",
        help="the network descriptor you pinned 网络描述文件",
    )
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument("--node", metavar="URL", help="a node of your own 自有节点地址")
    trust.add_argument("--checkpoint", type=Path, metavar="FILE", help="a checkpoint you trust 可信检查点文件")
    parser.add_argument("--at", type=int, metavar="BLOCK", help="block at which the standing is asked for 所核验区块")
    parser.add_argument("--json", action="store_true", help="one JSON line a file 每个文件一行 JSON")
    return parser.parse_args()


def _source(options: argparse.Namespace, stack: ExitStack) -> Source | None:
    if options.checkpoint:
        return CheckpointSource(Checkpoint.parse(options.checkpoint.read_bytes()))
    return stack.enter_context(LiveNode(options.node)) if options.node else None


def _verify_all(options: argparse.Namespace, network: Network, source: Source | None) -> int:
    console = Console()
    worst = 0
    for path, verdict in _verdicts(options, network, source):
        worst = max(worst, verdict.exit_code)
        if options.json:
            print(json.dumps({"file": str(path), **verdict.to_json()}, ensure_ascii=False))
        elif len(options.files) > MANY:
            console.print(verdict_line(str(path), verdict), soft_wrap=True)
        else:
            console.print(verdict_table(str(path), verdict))
    return worst


def _verdicts(options: argparse.Namespace, network: Network, source: Source | None) -> Iterator[tuple[Path, Verdict]]:
    quiet = options.json or len(options.files) <= MANY
    for path in track(options.files, "Verifying 核验中", console=Console(stderr=True), disable=quiet, transient=True):
        with path.open("rb") as file:
            data = file.read(MAX_BYTES_WITH_PROOF + 1)  # the verifier refuses what is larger
        yield path, verify(data, network, source, options.at)


if __name__ == "__main__":
    sys.exit(main())
