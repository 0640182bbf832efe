"""Audit whole ledgers from their exports, without the service that made them.

For auditors and regulators on the base install (``pip install chainsvc``). Exit status: 0 all complete, 11 nothing was
found but the chain was not read, 13 findings; the gravest counts.
"""

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from chainsvc.errors import ChainsvcError
from chainsvc.network import Network
from chainsvc.verify.audit_file import audit_file
from chainsvc.verify.audit_report import AuditReport
from chainsvc.verify.node import NodeSource
from chainsvc.verify.nodes import live
from chainsvc.verify.processes import cores
from chainsvc.verify.render import audit_table

SMALL = 2_000_000
"""Bytes of an export that is read before other processes would have started."""


def main() -> int:
    """Run the script; return its exit status."""
    options = _options()
    try:
        with ExitStack() as stack:
            network = Network.parse(options.network.read_bytes())
            node = stack.enter_context(live(options.node)) if options.node else None
            return max(_audit(path, network, node, options) for path in options.files)
    except ChainsvcError as error:
        print(f"error 错误: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"error 错误: cannot read 无法读取 {error.filename}: {error.strerror}", file=sys.stderr)
        return 2


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Audit ledger exports 审计账簿导出文件",
        epilog="Exit status 退出码: 0 complete 完整一致, 11 not compared 未比对, 13 findings 发现问题",
    )
    parser.add_argument("files", nargs="+", type=Path, help="ledger exports 账簿导出文件")
    parser.add_argument(
        "--network",
        required=True,
        type=Path,
        metavar="DESCRIPTOR",
        help="the network descriptor you pinned 网络描述文件",
    )
    parser.add_argument("--node", action="append", metavar="URL", help="a node of your own; several agree 自有节点")
    parser.add_argument("--at", type=int, metavar="BLOCK", help="block to compare with 比对所用区块")
    parser.add_argument("--json", action="store_true", help="one JSON line a file 每个文件一行 JSON")
    parser.add_argument("--resume", type=Path, metavar="FOLDER", help="remember there how far it came 续审目录")
    parser.add_argument("--jobs", type=int, default=cores(), metavar="N", help="processes 进程数")
    return parser.parse_args()


def _audit(path: Path, network: Network, node: NodeSource | None, options: argparse.Namespace) -> int:
    report = _report(path, network, node, options)
    if options.json:
        print(json.dumps({"file": str(path), **report.to_json()}, ensure_ascii=False))
    else:
        Console().print(audit_table(str(path), report))
    return report.exit_code


def _report(path: Path, network: Network, node: NodeSource | None, options: argparse.Namespace) -> AuditReport:
    with Progress(console=Console(stderr=True), transient=True, disable=options.json) as progress:
        task = progress.add_task(f"Auditing 审计中 {path.name}", total=None)
        return audit_file(
            path,
            network,
            node,
            at=options.at,
            progress=lambda done, of: progress.update(task, completed=done, total=of),
            processes=options.jobs if path.stat().st_size > SMALL else 1,
            resume=options.resume,
        )


if __name__ == "__main__":
    sys.exit(main())
