"""Audits of export files by all processors, which a killed run takes up again.

In a resume folder each export has a file of its own: the links so far and, committed with them, where the audit is.
When it is done the report stands there instead, so that a run over many exports skips those that it has audited.
"""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from chainsvc.crypto.suites import sha256
from chainsvc.errors import ConfigurationRefused
from chainsvc.network import Network
from chainsvc.verify.audit_chain import AuditedChain
from chainsvc.verify.audit_report import AuditReport
from chainsvc.verify.completeness import Audit, Progress, audit_export
from chainsvc.verify.export import MAX_LINE, read_lines
from chainsvc.verify.links import Links
from chainsvc.verify.node import NodeSource
from chainsvc.verify.sources import Block

SAVE_S = 2.0
"""Seconds of work that a kill may cost."""


def audit_file(
    path: Path,
    network: Network,
    node: NodeSource | None = None,
    *,
    at: int | None = None,
    progress: Progress | None = None,
    processes: int = 1,
    resume: Path | None = None,
) -> AuditReport:
    """Audit one export file; memory does not grow with it.

    Args:
        path: The export.
        network: The auditor's own descriptor.
        node: One node or several; None recomputes everything and compares it with nothing.
        at: Block to compare with; None for the newest final one. A resumed audit keeps to its first block.
        progress: Told after each batch.
        processes: How many share the work.
        resume: Folder that remembers how far audits came, and the reports of those that are done.

    Raises:
        OSError: The export can't be read.
        ConfigurationRefused: The folder can't be used.
    """
    if resume is None:
        with path.open("rb") as stream:
            return audit_export(read_lines(stream), network, node, at=at, progress=progress, processes=processes)
    with _opened(resume / f"{path.stem}-{_key(path, network, node, at)}.audit") as links:
        return _Resumable(path, network, node, links, progress).run(at, processes)


def _key(path: Path, network: Network, node: NodeSource | None, at: int | None) -> str:
    """Name an audit by its file and by what it is compared with."""
    about = path.stat()
    with path.open("rb") as stream:
        beginning = sha256(stream.read(MAX_LINE)).hex()
    facts = [str(path.resolve()), about.st_size, about.st_mtime_ns, beginning, network.sha256.hex()]
    return sha256(json.dumps([*facts, node.name if node else None, at]).encode()).hex()[:16]


@contextmanager
def _opened(path: Path) -> Iterator[Links]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(Links(path)) as links:
            yield links
    except sqlite3.Error as error:
        hint = "Remove the file to audit from the beginning."
        raise ConfigurationRefused(
            "the saved audit can't be used", got=str(error), where=str(path), hint=hint
        ) from error


class _Resumable:
    """One audit whose state is saved with its links."""

    def __init__(
        self, path: Path, network: Network, node: NodeSource | None, links: Links, progress: Progress | None
    ) -> None:
        self._path, self._network, self._node, self._links = path, network, node, links
        self._progress = progress
        self._saved_at = time.monotonic()

    def run(self, at: int | None, processes: int) -> AuditReport:
        saved: dict[str, Any] = json.loads(self._links.saved() or "{}")
        if "report" in saved:
            return AuditReport.from_json(saved["report"])
        self._chain = AuditedChain(self._network, self._node, at)
        if block := saved.get("block"):
            self._chain.block = Block(block["number"], bytes.fromhex(block["hash"]), block["time"])
        self._audit = Audit(self._network, self._chain, self._links, self._progress, self._save)
        with self._path.open("rb") as stream:
            if not saved:
                report = self._audit.run(read_lines(stream), processes)
            else:
                header = stream.readline(MAX_LINE + 2)
                stream.seek(saved["audit"]["offset"])
                report = self._audit.run_on(header, read_lines(stream), saved["audit"], processes)
        self._done(report)
        return report

    def _save(self) -> None:
        """Save the state, unless that was just done, or the node has failed: a later run asks it again."""
        if time.monotonic() - self._saved_at < SAVE_S or (self._node is not None and self._chain.unread is not None):
            return
        block = self._chain.block
        seen = None if block is None else {"number": block.number, "hash": block.hash.hex(), "time": block.time}
        self._links.save(json.dumps({"audit": self._audit.state(), "block": seen}))
        self._saved_at = time.monotonic()

    def _done(self, report: AuditReport) -> None:
        if self._node is not None and report.unread is not None:
            return  # a node that failed is asked again
        self._links.forget()
        self._links.save(json.dumps({"report": report.to_json()}))
