"""Verify evidence files, without the service that made them.

For courts, banks and regulators on the base install (``pip install chainsvc``). Takes files, folders, patterns and
bundles (NDJSON, ZIP), thousands at once. Exit status: 0 all valid, 10 some have another standing than current, 11 some
can't be determined, 12 some are invalid; the gravest counts.
"""

import argparse
import sys
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from chainsvc.errors import ChainsvcError
from chainsvc.network import Network
from chainsvc.succession import follow, parse_all
from chainsvc.verify import evidence_files
from chainsvc.verify.many import Against, Verifier, verify_all
from chainsvc.verify.processes import cores
from chainsvc.verify.render import tally_table, verdict_table

MANY = 5
"""More files than this are counted, and only those that are not valid are named."""

FEW = 200
"""Up to so many files are verified before other processes would have started."""


def main() -> int:
    """Run the script; return its exit status."""
    options = _options()
    try:
        return _verify(options, _against(options))
    except ChainsvcError as error:
        print(f"error 错误: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"error 错误: cannot read 无法读取 {error.filename}: {error.strerror}", file=sys.stderr)
        return 2


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Verify evidence files 核验证据文件. Without --node and --checkpoint by the seals of the pinned "
        "validators 未指定节点或检查点时，以描述文件所列验证节点的签封为准",
        epilog="Exit status 退出码: 0 valid 有效, 10 other standing 其他效力, 11 undetermined 无法判定, "
        "12 invalid 核验不通过",
    )
    parser.add_argument("files", nargs="+", help="evidence files, folders, patterns, bundles 证据文件、目录或打包文件")
    parser.add_argument(
        "--network",
        required=True,
        type=Path,
        metavar="DESCRIPTOR",
        help="the network descriptor you pinned 网络描述文件",
    )
    parser.add_argument(
        "--successor", action="append", default=[], type=Path, metavar="FILE", help="its signed successors 后继描述文件"
    )
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument("--node", action="append", metavar="URL", help="a node of your own; several agree 自有节点")
    trust.add_argument("--checkpoint", type=Path, metavar="FILE", help="a checkpoint you trust 可信检查点文件")
    parser.add_argument("--at", type=int, metavar="BLOCK", help="block at which the standing is asked for 所核验区块")
    parser.add_argument("--json", action="store_true", help="one JSON line a file 每个文件一行 JSON")
    parser.add_argument("--report", type=Path, metavar="FILE", help="keep verdicts there, go on from there 续核报告")
    parser.add_argument("--jobs", type=int, default=cores(), metavar="N", help="processes 进程数")
    return parser.parse_args()


def _against(options: argparse.Namespace) -> Against:
    checkpoint = options.checkpoint.read_bytes() if options.checkpoint else None
    successors = [one for path in options.successor for one in parse_all(path.read_bytes())]
    network = follow(Network.parse(options.network.read_bytes()), successors)
    return Against(network.to_bytes(), tuple(options.node or ()), checkpoint, options.at)


def _verify(options: argparse.Namespace, against: Against) -> int:
    found = evidence_files.count(evidence_files.expanded(options.files))
    if found <= MANY and not options.json and not options.report:
        return _show_each(options, against)
    told = _print_line if options.json else None
    with Progress(console=Console(stderr=True), transient=True, disable=options.json) as progress:
        task = progress.add_task("Verifying 核验中", total=found)
        tally = verify_all(
            evidence_files.expanded(options.files),
            against,
            processes=options.jobs if found > FEW else 1,
            report=options.report,
            told=told,
            progress=lambda done: progress.update(task, completed=done),
        )
    if not options.json:
        Console().print(tally_table(tally), soft_wrap=True)
    return tally.worst


def _print_line(line: bytes) -> None:
    print(line.decode(), end="")


def _show_each(options: argparse.Namespace, against: Against) -> int:
    console, worst = Console(), 0
    with closing(Verifier(against)) as verifier:
        for name, data in evidence_files.evidence_files(evidence_files.expanded(options.files)):
            verdict = verifier.verdict(data)
            worst = max(worst, verdict.exit_code)
            console.print(verdict_table(name, verdict))
    return worst


if __name__ == "__main__":
    sys.exit(main())
