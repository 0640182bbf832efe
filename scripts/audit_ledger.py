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
from chainsvc.verify import LiveNode
from chainsvc.verify.audit_report import AuditReport
from chainsvc.verify.completeness import audit_export
from chainsvc.verify.export import read_lines
from chainsvc.verify.render import audit_table


def main() -> int:
    """Run the script; return its exit status."""
    options = _options()
    try:
        with ExitStack() as stack:
            network = Network.parse(options.network.read_bytes())
            node = stack.enter_context(LiveNode(options.node)) if options.node else None
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
    parser.add_argument("--node", metavar="URL", help="a node of your own 自有节点地址")
    parser.add_argument("--at", type=int, metavar="BLOCK", help="block to compare with 比对所用区块")
    parser.add_argument("--json", action="store_true", help="one JSON line a file 每个文件一行 JSON")
    return parser.parse_args()


def _audit(path: Path, network: Network, node: LiveNode | None, options: argparse.Namespace) -> int:
    report = _report(path, network, node, options.at, quiet=options.json)
    if options.json:
        print(json.dumps({"file": str(path), **report.to_json()}, ensure_ascii=False))
    else:
        Console().print(audit_table(str(path), report))
    return report.exit_code


def _report(path: Path, network: Network, node: LiveNode | None, at: int | None, *, quiet: bool) -> AuditReport:
    with path.open("rb") as stream, Progress(console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task(f"Auditing 审计中 {path.name}", total=None)
        lines = read_lines(stream)
        return audit_export(
            lines, network, node, at=at, progress=lambda done, of: progress.update(task, completed=done, total=of)
        )


if __name__ == "__main__":
    sys.exit(main())
