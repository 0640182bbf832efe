"""Verifying thousands of evidence files: all processors, flat memory, and a report that a killed run goes on from."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import orjson

from chainsvc.checkpoint import Checkpoint
from chainsvc.crypto.suites import sha256
from chainsvc.network import Network
from chainsvc.verify.evidence_files import EvidenceFile, evidence_files
from chainsvc.verify.node import LiveNode, NodeSource
from chainsvc.verify.nodes import live
from chainsvc.verify.processes import Processes
from chainsvc.verify.sources import CheckpointSource, Source
from chainsvc.verify.steps import verify
from chainsvc.verify.verdict import VALID, Verdict
from chainsvc.verify.verification_report import Known, VerificationReport, known_of
from chainsvc.verify.wording import Wording

MAX_LISTED = 1000
"""Files that a summary lists as not valid; more are counted."""

_GROUP_FILES, _GROUP_BYTES = 64, 524_288  # what a process gets at once


class Against(NamedTuple):
    """What files are verified against; everything can be handed to another process.

    Attributes:
        network: The descriptor's bytes.
        nodes: JSON-RPC addresses; several have to agree.
        checkpoint: The checkpoint's bytes, or None.
        at: Block asked for, or None.
        unproven: What no verdict proves besides, since nobody pinned the descriptor.
    """

    network: bytes
    nodes: tuple[str, ...] = ()
    checkpoint: bytes | None = None
    at: int | None = None
    unproven: tuple[Wording, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return it as a report names it: hashes of files, the nodes without user and password."""
        return {
            "network": sha256(self.network).hex(),
            "node": ", ".join(LiveNode(url).name for url in self.nodes) or None,
            "checkpoint": None if self.checkpoint is None else sha256(self.checkpoint).hex(),
            "at": self.at,
            "firstUse": bool(self.unproven),
        }


class Judged(NamedTuple):
    """One file's verdict.

    Attributes:
        name: The file's.
        known: What a report keeps of it.
        line: Name, hash and whole verdict as a line of JSON.
    """

    name: str
    known: Known
    line: bytes


@dataclass
class Tally:
    """What came of all files.

    Attributes:
        counts: Files by verdict.
        others: The first thousand that are not valid: name, and verdict with the step that did not pass.
        worst: Gravest exit code.
        resumed: Files whose verdict stood in the report already.
    """

    counts: Counter[str] = field(default_factory=Counter)
    others: list[tuple[str, Known]] = field(default_factory=list)
    worst: int = 0
    resumed: int = 0

    @property
    def files(self) -> int:
        """Number of files."""
        return self.counts.total()

    def add(self, name: str, known: Known) -> None:
        """Count one file."""
        self.counts[known.verdict] += 1
        self.worst = max(self.worst, known.exit_code)
        if known.verdict != VALID and len(self.others) < MAX_LISTED:
            self.others.append((name, known))

    def to_json(self) -> dict[str, object]:
        """Return the summary's JSON form."""
        return {"exit_code": self.worst, "files": self.files, "verdicts": dict(self.counts), "resumed": self.resumed}


class Verifier:
    """Verifies files against one thing; each process has its own."""

    def __init__(self, against: Against) -> None:
        """Open the nodes, or read the checkpoint.

        Raises:
            MalformedInput: The descriptor or the checkpoint is none.
            ConfigurationRefused: Not a node's address.
        """
        self._against = against
        self._network = Network.parse(against.network)
        self._source: Source | None = None
        self._live: NodeSource | None = None
        if against.checkpoint is not None:
            self._source = CheckpointSource(Checkpoint.parse(against.checkpoint))
        elif against.nodes:
            self._source = self._live = live(against.nodes)

    def close(self) -> None:
        """Close the connections to nodes."""
        if self._live is not None:
            self._live.close()

    def verdict(self, data: bytes) -> Verdict:
        """Return the verdict on one file."""
        found = verify(data, self._network, self._source, self._against.at)
        if not self._against.unproven or found.facts is None:
            return found
        return replace(found, facts=replace(found.facts, not_proven=found.facts.not_proven + self._against.unproven))

    def __call__(self, files: Sequence[EvidenceFile]) -> list[Judged]:
        """Return the verdicts in the form of a report."""
        return [self._judged(file) for file in files]

    def _judged(self, file: EvidenceFile) -> Judged:
        value = {"file": file.name, "sha256": sha256(file.data).hex(), **self.verdict(file.data).to_json()}
        return Judged(file.name, known_of(value), orjson.dumps(value) + b"\n")


def verify_all(
    paths: Iterable[Path],
    against: Against,
    *,
    processes: int = 1,
    report: Path | None = None,
    told: Callable[[bytes], object] | None = None,
    progress: Callable[[int], object] | None = None,
) -> Tally:
    """Verify every evidence file of these files and bundles.

    Args:
        paths: See :func:`chainsvc.verify.evidence_files.expanded`.
        against: What to verify against.
        processes: How many share the work.
        report: File to which each verdict is added as a line of JSON; files that stand in it already are not
            verified again.
        told: Called with each line as it goes into the report.
        progress: Told how many files are done.

    Raises:
        OSError: A file can't be read or written.
        FileRefused: A bundle that is none, or a report of something else.
    """
    Verifier(against).close()  # refuses here what other processes could only break on
    tally = Tally()
    with ExitStack() as stack:
        kept = stack.enter_context(VerificationReport(report, against.to_json()) if report else nullcontext())
        pool = stack.enter_context(Processes[list[EvidenceFile], list[Judged]](processes, Verifier, against))
        for _, judged in pool.in_order(_groups(_left(evidence_files(paths), kept, tally))):
            for one in judged or ():
                tally.add(one.name, one.known)
                if told is not None:
                    told(one.line)
            if kept is not None:
                kept.add(one.line for one in judged or ())
            if progress is not None:
                progress(tally.files)
    return tally


def _left(files: Iterable[EvidenceFile], report: VerificationReport | None, tally: Tally) -> Iterator[EvidenceFile]:
    """Yield the files that are not in the report; count the others."""
    for file in files:
        known = None if report is None else report.known(sha256(file.data))
        if known is None:
            yield file
        else:
            tally.add(file.name, known)
            tally.resumed += 1


def _groups(files: Iterable[EvidenceFile]) -> Iterator[list[EvidenceFile]]:
    group: list[EvidenceFile] = []
    size = 0
    for file in files:
        group.append(file)
        size += len(file.data)
        if len(group) == _GROUP_FILES or size > _GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group
